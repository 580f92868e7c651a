//! Messages of the program's own code, without the secrets that they quote.

use std::borrow::Cow;

use crate::node::{Node, NodeValue};
use crate::password;
use crate::secret::REDACTED;
use crate::text;

/// What is shorter is no secret, and stands in every other word.
const SHORTEST: usize = 4;

/// A message without the secrets below a node.
pub(crate) fn scrubbed(message: String, node: &Node) -> String {
    let mut secrets = Vec::new();
    collect(node, &mut secrets);
    // The longest first: of a secret that another begins with, no rest must stay.
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    let message = secrets.iter().fold(message, |message, secret| {
        // As it is, and as `{:?}` writes it.
        let debug = format!("{secret:?}");
        message
            .replace(secret, REDACTED)
            .replace(debug.trim_matches('"'), REDACTED)
    });
    // A URL's parts are often written anew, with other characters encoded.
    match password::masked(&message) {
        Cow::Borrowed(_) => message,
        Cow::Owned(masked) => masked,
    }
}

fn collect(node: &Node, secrets: &mut Vec<String>) {
    let mut add = |secret: &str| {
        if secret.len() >= SHORTEST {
            secrets.push(secret.to_owned());
        }
    };
    match &node.value {
        NodeValue::List(items) => items.iter().for_each(|item| collect(item, secrets)),
        NodeValue::Map(entries) => {
            let nodes = entries.iter().map(|entry| &entry.node);
            nodes.for_each(|node| collect(node, secrets));
        }
        NodeValue::Text { text, .. } if node.secret => add(text),
        NodeValue::File(bytes) if node.secret => {
            if let Ok(text) = text::of_file(bytes) {
                add(text.trim());
            }
        }
        NodeValue::Text { text, .. } => password::all(text).for_each(|at| add(&text[at])),
        NodeValue::File(bytes) => {
            if let Ok(text) = text::of_file(bytes) {
                password::all(&text).for_each(|at| add(&text[at]));
            }
        }
        NodeValue::Null => {}
    }
}
