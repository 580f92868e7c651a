//! Numbers with a fraction, as text.

use std::borrow::Cow;

use super::NumberRange;
use super::integer::without_separators;

/// The finite numbers that a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Floats {
    /// The least, or minus infinity.
    pub min: f64,
    /// The greatest, or infinity.
    pub max: f64,
    /// What is called the greatest is none of them.
    pub excludes_max: bool,
    /// They must fit 32 bits, at least roughly.
    pub single: bool,
}

/// Parses what is a number: not `inf`, not `nan`, which break comparisons far from here.
fn parse(text: &str) -> Result<f64, &'static str> {
    let digits = without_separators(text.trim(), 10).ok_or("`_` stands between two digits only")?;
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err("it must be finite"),
        Err(_) => Err(""),
    }
}

// === impl Floats ===

impl Floats {
    pub(crate) const fn all(single: bool) -> Self {
        Self {
            min: f64::NEG_INFINITY,
            max: f64::INFINITY,
            excludes_max: false,
            single,
        }
    }

    /// The part of them that lies in a range.
    #[must_use]
    pub(crate) const fn within(mut self, range: NumberRange) -> Self {
        if let Some(min) = range.min {
            self.min = min.float();
        }
        if let Some(max) = range.max {
            self.max = max.float();
            self.excludes_max = range.excludes_max;
        }
        self
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.max < self.min || self.excludes_max && self.max == self.min
    }

    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn parse(self, text: &str) -> Result<f64, &'static str> {
        let number = parse(text)?;
        if self.single && !(number as f32).is_finite() {
            return Err("too large for 32 bits");
        }
        let is_above = number > self.max || self.excludes_max && number == self.max;
        if number < self.min || is_above {
            return Err("out of range");
        }
        Ok(number)
    }

    pub(crate) fn expects(self) -> Cow<'static, str> {
        match self.limits() {
            Some(limits) => format!("a number, {limits}").into(),
            None => "a number such as `0.5`".into(),
        }
    }

    /// `0 to 1`, `0 or more`; `None` where every number is one of them.
    pub(crate) fn limits(&self) -> Option<String> {
        let Self { min, max, .. } = self;
        let below = if self.excludes_max { "below " } else { "" };
        match (min.is_finite(), max.is_finite()) {
            (false, false) => None,
            (true, false) => Some(format!("{min} or more")),
            (false, true) if self.excludes_max => Some(format!("below {max}")),
            (false, true) => Some(format!("{max} or less")),
            (true, true) => Some(format!("{min} to {below}{max}")),
        }
    }
}
