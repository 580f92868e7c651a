//! Texts that are lists and maps: their items.

use crate::node::{Entry, Node, NodeValue};
use crate::shared_text::SharedText;

pub(super) fn plain_text(node: &Node) -> Option<&str> {
    match &node.value {
        NodeValue::Text { text, .. } => Some(text),
        NodeValue::File(bytes) => bytes.as_str(),
        _ => None,
    }
}

fn shared_text(node: &Node) -> Option<SharedText> {
    match &node.value {
        NodeValue::Text { text, .. } => Some(text.clone()),
        NodeValue::File(bytes) => SharedText::new(bytes),
        _ => None,
    }
}

/// `a, b,` as a list: split at separators, blanks around items trimmed, a final one ignored; the empty
/// text is the empty list. In a file, a line end separates as well.
pub(crate) fn split(node: &Node, separator: char) -> Option<Vec<Node>> {
    let text = shared_text(node)?;
    let is_file = matches!(node.value, NodeValue::File(_));
    Some(
        parts(&text, |c| c == separator || is_file && c == '\n')
            .map(|(start, item)| Node {
                value: NodeValue::Text {
                    text: text.slice(start..start + item.len()),
                    quoted: false,
                },
                origin: node.origin.part(start..start + item.len()),
                secret: node.secret,
            })
            .collect(),
    )
}

/// `a=1, b=2` as a map.
pub(crate) fn pairs(node: &Node, separator: char) -> Option<Vec<Entry>> {
    let text = shared_text(node)?;
    let is_file = matches!(node.value, NodeValue::File(_));
    parts(&text, |c| c == separator || is_file && c == '\n')
        .map(|(start, pair)| {
            let (key, value) = pair.split_once('=')?;
            let at = start + key.len() + 1;
            let begin = at + (value.len() - value.trim_start().len());
            Some(Entry {
                key: key.trim().into(),
                key_origin: node.origin.part(start..start + key.len()),
                hidden: false,
                node: Node {
                    value: NodeValue::Text {
                        text: text.slice(begin..begin + value.trim().len()),
                        quoted: false,
                    },
                    origin: node.origin.part(at..at + value.len()),
                    secret: node.secret,
                },
            })
        })
        .collect()
}

/// The trimmed parts of a text with their places; no part after a final separator.
fn parts(text: &str, separates: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let base = text.as_ptr() as usize;
    let text = text.trim_end();
    let text = text.strip_suffix(&separates).unwrap_or(text);
    let empty = text.trim().is_empty();
    text.split(separates)
        .filter(move |_| !empty)
        .map(move |part| {
            let part = part.trim();
            (part.as_ptr() as usize - base, part)
        })
}
