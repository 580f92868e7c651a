//! Whole numbers.

use std::fmt;
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};

use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::{Node, NodeValue};
use crate::range::{NumberRange, RangeEnd};
use crate::schema::Shape;

/// A whole number before its type is known: a sign and a magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    negative: bool,
    magnitude: u128,
}

/// The whole numbers that a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Integers {
    /// The least.
    pub min: Integer,
    /// The greatest.
    pub max: Integer,
    /// Without 0.
    pub non_zero: bool,
}

// === impl Integer ===

impl Integer {
    /// For the derive: a number by its sign and magnitude.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(negative: bool, magnitude: u128) -> Self {
        Self {
            // There is one zero.
            negative: negative && magnitude != 0,
            magnitude,
        }
    }

    /// `42`, `+42`, `-42`, `1_000`, `0xff`, `0o644`, `0b101`. A leading zero is not octal.
    ///
    /// The error is the reason, empty where there is nothing to add.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (radix, digits) = match digits.get(..2) {
            Some("0x" | "0X") => (16, &digits[2..]),
            Some("0o" | "0O") => (8, &digits[2..]),
            Some("0b" | "0B") => (2, &digits[2..]),
            _ => (10, digits),
        };
        let digits =
            without_separators(digits, radix).ok_or("`_` stands between two digits only")?;
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return Err("");
        }
        let magnitude = u128::from_str_radix(&digits, radix).map_err(|_| "out of range")?;
        Ok(Self::new(negative, magnitude))
    }

    /// As an `i128`, if it fits.
    fn signed(&self) -> Option<i128> {
        if self.negative {
            0_i128.checked_sub_unsigned(self.magnitude)
        } else {
            i128::try_from(self.magnitude).ok()
        }
    }

    /// As any type that a number this size fits.
    pub(super) fn fit<T: TryFrom<u128> + TryFrom<i128>>(&self) -> Result<T, &'static str> {
        let fitting = if self.negative {
            self.signed().and_then(|signed| T::try_from(signed).ok())
        } else {
            T::try_from(self.magnitude).ok()
        };
        fitting.ok_or("out of range")
    }

    /// The next below.
    const fn before(self) -> Self {
        if self.negative || self.magnitude == 0 {
            Self::new(true, self.magnitude.saturating_add(1))
        } else {
            Self::new(false, self.magnitude - 1)
        }
    }

    #[allow(clippy::cast_precision_loss)]
    pub(crate) const fn float(self) -> f64 {
        let magnitude = self.magnitude as f64;
        if self.negative { -magnitude } else { magnitude }
    }

    pub(crate) const fn is_below(self, other: Self) -> bool {
        match (self.negative, other.negative) {
            (true, false) => true,
            (false, true) => false,
            (false, false) => self.magnitude < other.magnitude,
            (true, true) => self.magnitude > other.magnitude,
        }
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{}", self.magnitude)
    }
}

// === impl Integers ===

impl Integers {
    const fn all(min: Integer, max: Integer) -> Self {
        Self {
            min,
            max,
            non_zero: false,
        }
    }

    const fn but_zero(self) -> Self {
        Self {
            min: match self.min.magnitude {
                0 => Integer::new(false, 1),
                _ => self.min,
            },
            non_zero: true,
            ..self
        }
    }

    pub(crate) fn parse(self, text: &str) -> Result<Integer, &'static str> {
        let number = Integer::parse(text)?;
        let is_zero = number.magnitude == 0;
        if number.is_below(self.min) || self.max.is_below(number) || self.non_zero && is_zero {
            return Err("out of range");
        }
        Ok(number)
    }

    /// The part of them that lies in a range.
    #[must_use]
    pub(crate) const fn within(mut self, range: NumberRange) -> Self {
        if let Some(RangeEnd::Integer(min)) = range.min
            && self.min.is_below(min)
        {
            self.min = min;
        }
        if let Some(RangeEnd::Integer(max)) = range.max {
            let max = if range.excludes_max {
                max.before()
            } else {
                max
            };
            if max.is_below(self.max) {
                self.max = max;
            }
        }
        self
    }

    /// Whether both ends of a range are numbers that the type can hold.
    pub(crate) const fn reach(&self, range: NumberRange) -> bool {
        let min = match range.min {
            Some(RangeEnd::Integer(min)) => !min.is_below(self.min),
            _ => true,
        };
        let max = match range.max {
            Some(RangeEnd::Integer(max)) if range.excludes_max => !self.max.is_below(max.before()),
            Some(RangeEnd::Integer(max)) => !self.max.is_below(max),
            _ => true,
        };
        min && max
    }

    /// Whether they have a gap.
    pub(crate) const fn lacks_zero(&self) -> bool {
        self.non_zero && self.min.negative && !self.max.negative
    }

    pub(crate) const fn is_empty(&self) -> bool {
        let only_zero = self.min.magnitude == 0 && self.max.magnitude == 0;
        self.max.is_below(self.min) || self.non_zero && only_zero
    }
}

/// `1 to 100`, `-5 to 5 without 0`.
impl fmt::Display for Integers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, max, .. } = self;
        let lack = if self.lacks_zero() { " without 0" } else { "" };
        write!(f, "{min} to {max}{lack}")
    }
}

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

/// A number without the `_` between its digits; `None` where one stands elsewhere.
pub(super) fn without_separators(number: &str, radix: u32) -> Option<String> {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_digit(radix));
    let stands_well = |(at, _)| {
        let (before, after) = number.split_at(at);
        is_digit(before.chars().next_back()) && is_digit(after.chars().nth(1))
    };
    (number.match_indices('_').all(stands_well)).then(|| number.replace('_', ""))
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
        }

        /// A whole number in the limits of the type, but not 0.
        impl Value for $non_zero {
            const SHAPE: Shape = Shape::Text(Grammar::Integer(limits!($ty).but_zero()));

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                let number = decoder.integer(node, limits!($ty).but_zero())?;
                Self::new(number.fit().ok()?)
            }
        }
    )*};
}

integers! {
    u8, NonZeroU8,
        const LIST_SHAPE: Shape = Shape::Bytes;,
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
