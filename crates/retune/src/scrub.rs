//! Messages of the program's own code, without the secrets that they quote.

use std::borrow::Cow;
use std::fmt::Write;

use zeroize::Zeroizing;

use crate::node::{Node, NodeValue};
use crate::password;
use crate::secret::REDACTED;
use crate::shared_text::SharedText;
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
        let debug = debug(secret);
        let message = without(message, secret);
        without(message, debug.trim_matches('"'))
    });
    // A URL's parts are often written anew, with other characters encoded.
    match password::masked(&message) {
        Cow::Borrowed(_) => message,
        Cow::Owned(masked) => masked,
    }
}

/// The message without a secret. The one that quoted it is wiped.
fn without(message: String, secret: &str) -> String {
    match message.contains(secret) {
        true => Zeroizing::new(message).replace(secret, REDACTED),
        false => message,
    }
}

/// A secret as `{:?}` writes it: measured first, as what grows leaves copies behind.
fn debug(secret: &str) -> Zeroizing<String> {
    struct Length(usize);
    impl Write for Length {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut length = Length(0);
    _ = write!(length, "{secret:?}");
    let mut debug = Zeroizing::new(String::with_capacity(length.0));
    _ = write!(debug, "{secret:?}");
    debug
}

fn collect(node: &Node, secrets: &mut Vec<SharedText>) {
    let mut add = |secret: SharedText| {
        if secret.len() >= SHORTEST {
            secrets.push(secret);
        }
    };
    match &node.value {
        NodeValue::List(items) => items.iter().for_each(|item| collect(item, secrets)),
        NodeValue::Map(entries) => {
            let hidden = entries.iter().filter(|entry| entry.hidden);
            hidden.for_each(|entry| add((&entry.key).into()));
            let nodes = entries.iter().map(|entry| &entry.node);
            nodes.for_each(|node| collect(node, secrets));
        }
        NodeValue::Text { text, .. } if node.secret => add(text.clone()),
        NodeValue::File(bytes) if node.secret => {
            if let Some(text) = text::of_content(bytes) {
                let start = text.len() - text.trim_start().len();
                add(text.slice(start..start + text.trim().len()));
            }
        }
        NodeValue::Text { text, .. } => password::all(text).for_each(|at| add(text.slice(at))),
        NodeValue::File(bytes) => {
            if let Some(text) = text::of_content(bytes) {
                password::all(&text).for_each(|at| add(text.slice(at)));
            }
        }
        NodeValue::Null => {}
    }
}
