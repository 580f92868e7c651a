//! Truth.

use crate::decode::{Decoder, Value};
use crate::node::Node;
use crate::schema::Shape;

/// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`, in any case.
impl Value for bool {
    const SHAPE: Shape = Shape::Text("`true` or `false`");

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.parsed(node, "`true` or `false`", |text| {
            parse(text).ok_or("`yes` and `no`, `on` and `off`, `1` and `0` work too")
        })
    }
}

pub(super) fn parse(text: &str) -> Option<bool> {
    let is = |words: &[&str]| {
        words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(text.trim()))
    };
    if is(&["true", "yes", "on", "1"]) {
        Some(true)
    } else if is(&["false", "no", "off", "0"]) {
        Some(false)
    } else {
        None
    }
}
