//! Messages of the program's own checks, without the secrets that they quote.

use crate::node::{Node, NodeValue};
use crate::secret::REDACTED;
use crate::text;

/// A check's message without the secrets below the node that was checked.
pub(crate) fn scrubbed(message: String, node: &Node) -> String {
    // What is shorter is no secret, and stands in every other word.
    const SHORTEST: usize = 4;
    let scrub = |message: String, secret: &str| match secret.len() {
        0..SHORTEST => message,
        // As it is, and as `{:?}` writes it.
        _ => message
            .replace(secret, REDACTED)
            .replace(&secret.escape_debug().to_string(), REDACTED),
    };
    match &node.value {
        NodeValue::List(items) => items.iter().fold(message, scrubbed),
        NodeValue::Map(entries) => entries
            .iter()
            .map(|entry| &entry.node)
            .fold(message, scrubbed),
        NodeValue::Text { text, .. } if node.secret => scrub(message, text),
        NodeValue::File(bytes) if node.secret => match text::of_file(bytes) {
            Ok(text) => scrub(message, text.trim()),
            Err(_) => message,
        },
        NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => message,
    }
}
