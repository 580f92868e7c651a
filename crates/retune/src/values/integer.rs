//! Whole numbers.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};

use crate::decode::{Decoder, Value};
use crate::node::{Node, NodeValue};
use crate::schema::Shape;

/// A whole number before its type is known: a sign and a magnitude.
pub(super) struct Integer {
    negative: bool,
    magnitude: u128,
}

// === impl Integer ===

impl Integer {
    /// `42`, `+42`, `-42`, `1_000`, `0xff`, `0o644`, `0b101`. A leading zero is not octal.
    ///
    /// The error is the reason, empty where there is nothing to add.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
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
        let digits = without_separators(digits).ok_or("`_` stands between two digits only")?;
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return Err("");
        }
        let magnitude = u128::from_str_radix(&digits, radix).map_err(|_| "out of range")?;
        Ok(Self {
            negative,
            magnitude,
        })
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
}

/// Digits without the `_` between them; `None` where one stands elsewhere.
pub(super) fn without_separators(digits: &str) -> Option<String> {
    let parts = || digits.split('_');
    (digits.is_empty() || parts().all(|part| !part.is_empty())).then(|| parts().collect())
}

// === impl u8, i8, … ===

macro_rules! integers {
    ($($ty:ty, $non_zero:ty: $range:literal, $non_zero_range:literal $(, $more:item)*;)*) => {$(
        #[doc = concat!("A whole number, ", $range, ".")]
        ///
        /// Decimal, or `0x`, `0o`, `0b`; `_` may stand between digits.
        impl Value for $ty {
            const SHAPE: Shape = Shape::Text(concat!("a whole number, ", $range));
            $($more)*

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                decoder.parsed(node, concat!("a whole number, ", $range), |text| {
                    Integer::parse(text)?.fit::<Self>()
                })
            }
        }

        #[doc = concat!("A whole number, ", $non_zero_range, ".")]
        impl Value for $non_zero {
            const SHAPE: Shape = Shape::Text(concat!("a whole number, ", $non_zero_range));

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                decoder.parsed(node, concat!("a whole number, ", $non_zero_range), |text| {
                    let number = Integer::parse(text)?.fit::<$ty>()?;
                    Self::new(number).ok_or("out of range")
                })
            }
        }
    )*};
}

integers! {
    u8, NonZeroU8: "0 to 255", "1 to 255",
        const LIST_SHAPE: Shape = Shape::Bytes;,
        fn decode_list(node: &Node, decoder: &mut Decoder) -> Option<Vec<Self>> {
            bytes(node, decoder)
        };
    u16, NonZeroU16: "0 to 65535", "1 to 65535";
    u32, NonZeroU32: "0 to 4294967295", "1 to 4294967295";
    u64, NonZeroU64: "0 to 18446744073709551615", "1 to 18446744073709551615";
    u128, NonZeroU128: "0 to 340282366920938463463374607431768211455",
        "1 to 340282366920938463463374607431768211455";
    i8, NonZeroI8: "-128 to 127", "-128 to 127 without 0";
    i16, NonZeroI16: "-32768 to 32767", "-32768 to 32767 without 0";
    i32, NonZeroI32: "-2147483648 to 2147483647", "-2147483648 to 2147483647 without 0";
    i64, NonZeroI64: "-9223372036854775808 to 9223372036854775807",
        "-9223372036854775808 to 9223372036854775807 without 0";
    i128, NonZeroI128:
        "-170141183460469231731687303715884105728 to 170141183460469231731687303715884105727",
        "-170141183460469231731687303715884105728 to 170141183460469231731687303715884105727 \
         without 0";
}

#[cfg(target_pointer_width = "64")]
integers! {
    usize, NonZeroUsize: "0 to 18446744073709551615", "1 to 18446744073709551615";
    isize, NonZeroIsize: "-9223372036854775808 to 9223372036854775807",
        "-9223372036854775808 to 9223372036854775807 without 0";
}

#[cfg(target_pointer_width = "32")]
integers! {
    usize, NonZeroUsize: "0 to 4294967295", "1 to 4294967295";
    isize, NonZeroIsize: "-2147483648 to 2147483647", "-2147483648 to 2147483647 without 0";
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
