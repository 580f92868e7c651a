//! Whole numbers as text, before their type is known.

use std::fmt;

use super::{NumberRange, RangeEnd};

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
    pub(crate) fn fit<T: TryFrom<u128> + TryFrom<i128>>(&self) -> Result<T, &'static str> {
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
    pub(crate) const fn all(min: Integer, max: Integer) -> Self {
        Self {
            min,
            max,
            non_zero: false,
        }
    }

    pub(crate) const fn but_zero(self) -> Self {
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

/// A number without the `_` between its digits; `None` where one stands elsewhere.
pub(crate) fn without_separators(number: &str, radix: u32) -> Option<String> {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_digit(radix));
    let stands_well = |(at, _)| {
        let (before, after) = number.split_at(at);
        is_digit(before.chars().next_back()) && is_digit(after.chars().nth(1))
    };
    (number.match_indices('_').all(stands_well)).then(|| number.replace('_', ""))
}
