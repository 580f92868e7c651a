//! Sizes in bytes.

use std::fmt;

use super::duration::{scaled, split};
use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::Node;
use crate::schema::Shape;

const UNITS: &str = "units are B, kB, MB, GB, TB, PB (1000) and KiB, MiB, GiB, TiB, PiB (1024)";

/// From small to large.
const BYTES: [(&str, u64); 11] = [
    ("B", 1),
    ("kB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
    ("PB", 1_000_000_000_000_000),
    ("PiB", 1 << 50),
];

/// A size in bytes, written with a unit: `64MiB`, `10MB`, `1.5GiB`, `512`.
///
/// A bare number is bytes. `MB` is 1000 kB and `MiB` 1024 KiB; the `B` may be left off, as in
/// Kubernetes' quantities (`64Mi`, `10M`). Case does not matter, but a lone `m` is refused: in those
/// quantities it means a thousandth. Fractions are rounded down to a whole byte.
///
/// ```
/// use retune::ByteSize;
///
/// let size = ByteSize::new(64 << 20);
/// assert_eq!(size.bytes(), 67_108_864);
/// assert_eq!(size.to_string(), "64MiB");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

// === impl ByteSize ===

impl ByteSize {
    /// A size of so many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.starts_with('-') {
            return Err("a size is not negative");
        }
        let (number, unit) = split(text, |c| c.is_ascii_digit() || matches!(c, '.' | '_'));
        let number = crate::grammar::without_separators(number, 10)
            .ok_or("`_` stands between two digits only")?;
        let factor = Self::factor(unit.trim_start())?;
        let bytes = scaled(&number, u128::from(factor)).map_err(|reason| match reason {
            "not a number before the unit" => UNITS,
            reason => reason,
        })?;
        u64::try_from(bytes).map(Self).map_err(|_| "too large")
    }

    fn factor(unit: &str) -> Result<u64, &'static str> {
        if unit == "m" {
            return Err("`m` is a thousandth in Kubernetes; write `M` or `MB`");
        }
        BYTES
            .iter()
            .find(|(name, _)| {
                let short = name.trim_end_matches('B');
                unit.eq_ignore_ascii_case(name) || unit.eq_ignore_ascii_case(short)
            })
            .map(|(_, bytes)| *bytes)
            .ok_or(UNITS)
    }
}

impl Value for ByteSize {
    const SHAPE: Shape = Shape::Text(Grammar::Size);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.written(node, &Grammar::Size, Self::parse)
    }
}

/// With the largest unit that gives a whole number, so that reading it back gives the same size.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, bytes): &&(&str, u64)| self.0 >= *bytes && self.0.is_multiple_of(*bytes);
        let (unit, bytes) = BYTES.iter().rev().find(whole).unwrap_or(&BYTES[0]);
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{decode, env, file, refusal};
    use super::*;

    #[test]
    fn d8_sizes_with_units() {
        for (text, bytes) in [
            ("512", 512),
            ("0", 0),
            ("10B", 10),
            ("10MB", 10_000_000),
            ("64MiB", 64 << 20),
            ("64Mi", 64 << 20),
            ("10M", 10_000_000),
            ("10k", 10_000),
            ("10KB", 10_000),
            ("64mib", 64 << 20),
            ("1.5GiB", 3 << 29),
            ("64 MiB", 64 << 20),
            ("0.1kB", 100),
            ("1_000", 1000),
            ("1.0005kB", 1000),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(
                decode::<ByteSize>(env(text)).unwrap().bytes(),
                bytes,
                "{text}"
            );
        }
        assert_eq!(decode::<ByteSize>(file("1KiB\n")).unwrap().bytes(), 1024);
    }

    #[test]
    fn d8_what_is_no_size_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "units are B"),
            ("MiB", "units are B"),
            ("64 megs", "units are B"),
            ("10m", "a thousandth in Kubernetes"),
            ("-1", "not negative"),
            ("18446744073709551616", "too large"),
            ("20000PiB", "too large"),
            ("1._5kB", "`_` stands between two digits"),
            ("1_kB", "`_` stands between two digits"),
        ] {
            let refusal = refusal::<ByteSize>(env(text));
            assert!(refusal.contains(reason), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_size_is_shown_with_its_largest_whole_unit() {
        for (bytes, shown) in [
            (0, "0B"),
            (1, "1B"),
            (1023, "1023B"),
            (1024, "1KiB"),
            (10_000_000, "10MB"),
            (1 << 50, "1PiB"),
        ] {
            assert_eq!(ByteSize::new(bytes).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn d8_each_size_survives_being_shown(bytes: u64, shift in 0..50_u32) {
            for size in [ByteSize::new(bytes), ByteSize::new((bytes >> shift) << shift)] {
                prop_assert_eq!(decode::<ByteSize>(env(&size.to_string())).unwrap(), size);
            }
        }
    }
}
