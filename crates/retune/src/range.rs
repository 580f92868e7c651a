//! The range that a field narrows its numbers to.

use crate::grammar::Grammar;
use crate::schema::{Field, Shape};
use crate::values::Integer;

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

/// Panics, in a constant and so at compile time, when a field's range makes no sense.
pub const fn refuse_range(field: &'static Field) {
    let Some(range) = field.range else { return };
    match leaf(&field.shape) {
        Some(Grammar::Integer(integers)) => {
            if range.has_fraction() {
                panic!(
                    "the field takes whole numbers: write the ends of its `range` without a point"
                );
            }
            if !integers.reach(range) {
                panic!("the `range` goes beyond what the field's type can hold");
            }
            if integers.within(range).is_empty() {
                panic!("no number lies in this `range`");
            }
        }
        Some(Grammar::Float(floats)) => {
            if floats.within(range).is_empty() {
                panic!("no number lies in this `range`");
            }
        }
        _ => panic!(
            "`range` is for numbers, and for options, lists and maps of them; for other types use \
             `validate`"
        ),
    }
}

/// What a range is about: the value inside.
const fn leaf(shape: &Shape) -> Option<Grammar> {
    match shape {
        Shape::Text(grammar) => Some(*grammar),
        Shape::Optional(inner) | Shape::Secret(inner) | Shape::List(inner) | Shape::Map(inner) => {
            leaf(inner)
        }
        _ => None,
    }
}

// === impl Field ===

#[cfg(feature = "clap")]
impl Field {
    /// The limits of its numbers, where they are narrower than their type's.
    pub(crate) fn limits(&self) -> Option<String> {
        leaf(&self.shape)?.within(Some(self.range?)).limits()
    }
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

    const fn has_fraction(&self) -> bool {
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
