//! Whole numbers.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};

use zeroize::Zeroize;

use crate::decode::{Decoder, Value};
use crate::grammar::{Grammar, Integer, Integers};
use crate::node::{Node, NodeValue};
use crate::schema::Shape;

// === impl Decoder ===

impl Decoder {
    pub(crate) fn integer(&mut self, node: &Node, integers: Integers) -> Option<Integer> {
        let integers = self
            .range()
            .map_or(integers, |range| integers.within(range));
        self.written(node, &Grammar::Integer(integers), |text| {
            integers.parse(text)
        })
    }
}

// === impl u8, i8, … ===

macro_rules! limits {
    ($ty:ty) => {
        Integers::all(
            // The least of a signed type is as far from zero as the next above its greatest.
            match <$ty>::MIN == 0 {
                true => Integer::new(false, 0),
                false => Integer::new(true, (<$ty>::MAX as u128).wrapping_add(1)),
            },
            Integer::new(false, <$ty>::MAX as u128),
        )
    };
}

macro_rules! integers {
    ($($ty:ty, $non_zero:ty $(, $more:item)*;)*) => {$(
        /// A whole number in the limits of the type.
        ///
        /// Decimal, or `0x`, `0o`, `0b`; `_` may stand between digits.
        impl Value for $ty {
            const SHAPE: Shape = Shape::Text(Grammar::Integer(limits!($ty)));
            $($more)*

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                decoder.integer(node, limits!($ty))?.fit().ok()
            }

            fn wipe(&mut self) {
                self.zeroize();
            }
        }

        /// A whole number in the limits of the type, but not 0.
        impl Value for $non_zero {
            const SHAPE: Shape = Shape::Text(Grammar::Integer(limits!($ty).but_zero()));

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                let number = decoder.integer(node, limits!($ty).but_zero())?;
                Self::new(number.fit().ok()?)
            }

            fn wipe(&mut self) {
                self.zeroize();
            }
        }
    )*};
}

integers! {
    u8, NonZeroU8,
        const LIST_SHAPE: Shape = Shape::Bytes;,
        const LIST_WIPES: bool = true;,
        fn wipe_list(list: &mut Vec<Self>) {
            list.zeroize();
        },
        fn decode_list(node: &Node, decoder: &mut Decoder) -> Option<Vec<Self>> {
            bytes(node, decoder)
        };
    u16, NonZeroU16;
    u32, NonZeroU32;
    u64, NonZeroU64;
    u128, NonZeroU128;
    usize, NonZeroUsize;
    i8, NonZeroI8;
    i16, NonZeroI16;
    i32, NonZeroI32;
    i64, NonZeroI64;
    i128, NonZeroI128;
    isize, NonZeroIsize;
}

/// A file or text, byte by byte, or a list of numbers.
fn bytes(node: &Node, decoder: &mut Decoder) -> Option<Vec<u8>> {
    match &node.value {
        NodeValue::File(bytes) => Some(bytes.to_vec()),
        NodeValue::Text { text, .. } => Some(text.as_bytes().to_vec()),
        NodeValue::List(_) => decoder.items(node, u8::decode),
        NodeValue::Null | NodeValue::Map(_) => {
            decoder.mismatch(node, "bytes", None);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroI8, NonZeroU8};

    use proptest::prelude::*;

    use super::super::testing::{decode, env, file, list, refusal, scalar};

    #[test]
    fn d7_forms_of_integers() {
        for (text, value) in [
            ("42", 42),
            ("+5", 5),
            ("-7", -7),
            (" 5 ", 5),
            ("1_000", 1000),
            ("0x10", 16),
            ("0XfF", 255),
            ("-0x10", -16),
            ("0o644", 420),
            ("0b101", 5),
            ("0x1_0", 16),
            ("012", 12),
            ("-0", 0),
        ] {
            assert_eq!(decode::<i32>(env(text)).unwrap(), value, "{text}");
        }
        assert_eq!(decode::<u8>(env("-0")).unwrap(), 0);
    }

    #[test]
    fn d7_what_is_no_integer_is_refused() {
        for text in [
            "", " ", "-", "+", "0x", "ten", "1.0", "1e3", "--1", "+-1", "1 000", "0x+1", "٣",
        ] {
            let refusal = refusal::<u16>(env(text));
            assert!(
                refusal.contains("expected a whole number, 0 to 65535"),
                "{refusal}"
            );
            // There is nothing to add.
            assert!(refusal.ends_with(&format!("found {text:?}")), "{refusal}");
        }
        for text in ["_1", "1_", "1__0", "0x_1"] {
            assert!(
                refusal::<u16>(env(text)).contains("`_` stands between two digits"),
                "{text}"
            );
        }
    }

    #[test]
    fn d7_limits_of_each_width() {
        macro_rules! limits {
            ($($ty:ty),*) => {$({
                for value in [<$ty>::MIN, <$ty>::MAX] {
                    assert_eq!(decode::<$ty>(env(&value.to_string())).unwrap(), value);
                }
                let range = format!("{} to {}", <$ty>::MIN, <$ty>::MAX);
                // One digit more is far outside.
                for outside in [format!("{}1", <$ty>::MAX), format!("-{}1", <$ty>::MAX)] {
                    let refusal = refusal::<$ty>(env(&outside));
                    assert!(refusal.contains(&range), "{refusal}");
                    assert!(refusal.contains("out of range"), "{refusal}");
                }
            })*};
        }
        limits!(
            u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize
        );
        for (text, fits) in [("255", true), ("256", false), ("-1", false)] {
            assert_eq!(decode::<u8>(env(text)).is_ok(), fits, "{text}");
        }
        for (text, fits) in [
            ("127", true),
            ("128", false),
            ("-128", true),
            ("-129", false),
        ] {
            assert_eq!(decode::<i8>(env(text)).is_ok(), fits, "{text}");
        }
        for (text, fits) in [
            ("340282366920938463463374607431768211455", true),
            ("340282366920938463463374607431768211456", false),
        ] {
            assert_eq!(decode::<u128>(env(text)).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn d7_zero_is_not_a_non_zero() {
        assert_eq!(decode::<NonZeroU8>(env("1")).unwrap().get(), 1);
        assert_eq!(decode::<NonZeroI8>(env("-1")).unwrap().get(), -1);
        assert!(refusal::<NonZeroU8>(env("0")).contains("1 to 255"));
        assert!(refusal::<NonZeroI8>(env("0")).contains("without 0"));
    }

    #[test]
    fn d1_a_quoted_number_and_one_in_a_file_are_numbers() {
        assert_eq!(decode::<u16>(scalar("8080", true)).unwrap(), 8080);
        assert_eq!(decode::<u16>(file("8080\n")).unwrap(), 8080);
        assert_eq!(decode::<u16>(file("8080\r\n\r\n")).unwrap(), 8080);
    }

    #[test]
    fn d4_bytes_are_any_bytes() {
        assert_eq!(
            decode::<Vec<u8>>(file(b"\xff\x00\n")).unwrap(),
            b"\xff\x00\n"
        );
        assert_eq!(decode::<Vec<u8>>(env("a,b")).unwrap(), b"a,b");
        let numbers = list([env("1"), env("0xff")]);
        assert_eq!(decode::<Vec<u8>>(numbers).unwrap(), [1, 255]);
    }

    proptest! {
        #[test]
        fn d7_each_integer_survives_being_written(value: i128, unsigned: u128, small: i16) {
            prop_assert_eq!(decode::<i128>(env(&value.to_string())).unwrap(), value);
            prop_assert_eq!(decode::<u128>(env(&unsigned.to_string())).unwrap(), unsigned);
            prop_assert_eq!(decode::<u128>(env(&format!("{unsigned:#x}"))).unwrap(), unsigned);
            prop_assert_eq!(decode::<u128>(env(&format!("{unsigned:#b}"))).unwrap(), unsigned);
            prop_assert_eq!(decode::<i16>(env(&small.to_string())).unwrap(), small);
        }

        #[test]
        fn d7_no_text_panics_and_std_agrees(text in "[-+_ x0-9a-f]{0,8}") {
            let ours = decode::<i32>(env(&text)).ok();
            if let Ok(std) = text.parse::<i32>() {
                prop_assert_eq!(ours, Some(std));
            }
        }
    }
}
