//! Whether the range that a field narrows its numbers to makes sense.

use crate::grammar::Grammar;
use crate::schema::{Field, Shape};

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
        Shape::Optional(inner)
        | Shape::Secret(inner)
        | Shape::Rotating(inner)
        | Shape::List(inner)
        | Shape::Map(inner) => leaf(inner),
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
