//! A range that numbers are narrowed to.

use super::Integer;

/// The range that a field narrows its numbers to.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct NumberRange {
    /// The least; that of the type if there is none.
    pub min: Option<RangeEnd>,
    /// The greatest; that of the type if there is none.
    pub max: Option<RangeEnd>,
    /// What is called the greatest lies outside.
    pub excludes_max: bool,
}

/// One end of a [`NumberRange`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RangeEnd {
    /// A whole number.
    Integer(Integer),
    /// A number with a fraction.
    Float(f64),
}

// === impl NumberRange ===

impl NumberRange {
    /// For the derive alone.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(min: Option<RangeEnd>, max: Option<RangeEnd>, excludes_max: bool) -> Self {
        Self {
            min,
            max,
            excludes_max,
        }
    }

    pub(crate) const fn has_fraction(&self) -> bool {
        matches!(self.min, Some(RangeEnd::Float(_))) || matches!(self.max, Some(RangeEnd::Float(_)))
    }
}

// === impl RangeEnd ===

impl RangeEnd {
    pub(crate) const fn float(self) -> f64 {
        match self {
            Self::Integer(integer) => integer.float(),
            Self::Float(float) => float,
        }
    }
}
