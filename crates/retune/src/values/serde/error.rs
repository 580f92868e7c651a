//! What a type says against its input, and how it is told.

use std::cell::RefCell;
use std::collections::HashMap;
use std::{fmt, ptr};

use crate::decode::Decoder;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::path::push_segment;

/// What a type says against its input, with the innermost node that it is about.
#[derive(Debug)]
pub(super) struct Error<'n> {
    pub(super) message: String,
    pub(super) node: Option<&'n Node>,
    /// Where the key stands, if it is that which is wrong.
    pub(super) key: Option<&'n Origin>,
    /// Keys and indices, the innermost first.
    pub(super) path: Vec<String>,
    /// The field that nothing gives, where it is that.
    pub(super) missing: Option<&'static str>,
    pub(super) wants: Wants,
}

/// What the type would have text taken apart to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wants {
    List,
    Map,
    Other,
}

/// Entries of structs that have no such field, each with the field that may be meant.
pub(super) type Ignored = RefCell<HashMap<*const Entry, Option<&'static str>>>;

/// Notes what was ignored below a node, by its path and place.
pub(super) fn warn(
    decoder: &mut Decoder,
    node: &Node,
    ignored: &HashMap<*const Entry, Option<&'static str>>,
) {
    // Keys of a secret may be secrets themselves.
    if ignored.is_empty() || node.secret {
        return;
    }
    match &node.value {
        NodeValue::Map(entries) => {
            for entry in entries {
                decoder.within(&entry.key, |decoder| {
                    match ignored.get(&ptr::from_ref(entry)) {
                        Some(meant) => decoder.unknown(entry, *meant),
                        None => warn(decoder, &entry.node, ignored),
                    }
                });
            }
        }
        NodeValue::List(items) => {
            for (i, item) in items.iter().enumerate() {
                decoder.within(&format!("[{i}]"), |decoder| warn(decoder, item, ignored));
            }
        }
        NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => {}
    }
}

/// Reports it by the path and place of what is wrong.
pub(super) fn tell(decoder: &mut Decoder, node: &Node, error: Error<'_>, expects: Option<&str>) {
    let mut refused = error.node.unwrap_or(node).clone();
    if let Some(key) = error.key {
        refused.origin = key.clone();
    }
    let mut below = String::new();
    // Keys of a secret may be secrets themselves.
    for segment in error.path.iter().rev().filter(|_| !node.secret) {
        push_segment(&mut below, segment);
    }
    decoder.within(&below, |decoder| {
        if let Some(field) = error.missing {
            decoder.without(&refused, field);
        } else if refused.holds_secret() {
            // The error may quote any part of what the type has seen.
            let expects = expects.unwrap_or("what its type takes");
            decoder.mismatch(&refused.into_secret(), expects, None);
        } else {
            let help = expects.map(|expects| format!("expected {expects}"));
            decoder.problem(&refused, shortened(error.message), help);
        }
    });
}

/// Without the midst of a long message: serde quotes a value whole, and says at the end what was expected.
fn shortened(message: String) -> String {
    const HEAD: usize = 160;
    const TAIL: usize = 160;
    let cut = |n| message.char_indices().nth(n).map(|(at, _)| at);
    let tail = message.char_indices().rev().nth(TAIL - 1);
    match (cut(HEAD), tail) {
        (Some(head), Some((tail, _))) if head < tail => {
            format!("{}…{}", &message[..head], &message[tail..])
        }
        _ => message,
    }
}

// === impl Error ===

impl<'n> Error<'n> {
    pub(super) fn on(mut self, node: &'n Node) -> Self {
        self.node.get_or_insert(node);
        self
    }

    pub(super) fn below(mut self, segment: String) -> Self {
        self.path.push(segment);
        self
    }
}

impl serde::de::Error for Error<'_> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            node: None,
            key: None,
            path: Vec::new(),
            missing: None,
            wants: Wants::Other,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            missing: Some(field),
            ..Self::custom("missing")
        }
    }
}

impl std::error::Error for Error<'_> {}

impl fmt::Display for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
