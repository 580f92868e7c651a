//! A value as a source gave it: untyped, with its origin.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use retune_mount::Content;

use crate::origin::Origin;
use crate::password;
use crate::shared_text::SharedText;
use crate::text::without_final_newline;

/// A value as a source gave it, with where it was written and whether it is a secret.
#[derive(Clone)]
pub struct Node {
    pub(crate) value: NodeValue,
    pub(crate) origin: Origin,
    pub(crate) secret: bool,
}

/// What a [`Node`] holds. Scalars stay text until the type that wants them is known, so that
/// `no`, `1e3` and `012` reach a string unharmed.
#[derive(Clone)]
pub(crate) enum NodeValue {
    /// `null`: clears what lower layers gave.
    Null,
    /// A scalar as written, quotes and escapes resolved.
    Text {
        text: SharedText,
        /// Quoted in its document: never `null`, nor guessed at where the type leaves it open.
        quoted: bool,
    },
    /// A whole file: a key of a mount, or what `X_FILE` names. Text by rule, bytes when asked.
    File(Content),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of its document.
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    /// Where the key stands, for reports of unknown and duplicate keys.
    pub(crate) key_origin: Origin,
    /// Of a secret map, whose keys are as secret as its values.
    pub(crate) hidden: bool,
    pub(crate) node: Node,
}

// === impl Node ===

impl Node {
    pub(crate) fn new(value: NodeValue, origin: Origin) -> Self {
        Self {
            value,
            origin,
            secret: false,
        }
    }

    pub(crate) fn text(text: impl Into<SharedText>, origin: Origin) -> Self {
        Self::new(
            NodeValue::Text {
                text: text.into(),
                quoted: false,
            },
            origin,
        )
    }

    pub(crate) fn map(entries: Vec<Entry>, origin: Origin) -> Self {
        Self::new(NodeValue::Map(entries), origin)
    }

    /// Marks this node and all below it as secret.
    pub(crate) fn into_secret(mut self) -> Self {
        self.secret = true;
        self.origin = self.origin.without_value();
        match &mut self.value {
            NodeValue::List(items) => {
                for item in items {
                    *item = std::mem::replace(item, Self::null()).into_secret();
                }
            }
            NodeValue::Map(entries) => {
                for entry in entries {
                    entry.node = std::mem::replace(&mut entry.node, Self::null()).into_secret();
                }
            }
            NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => {}
        }
        self
    }

    /// Whether each value in it is a file of its own, or a part of one, of which no parser has a copy.
    pub(crate) fn is_own_file(&self) -> bool {
        match &self.value {
            NodeValue::List(items) => items.iter().all(Self::is_own_file),
            NodeValue::Map(entries) => entries.iter().all(|entry| entry.node.is_own_file()),
            NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => {
                self.origin.is_own_file()
            }
        }
    }

    /// Whether this or anything below it is marked as secret.
    pub(crate) fn is_marked(&self) -> bool {
        self.secret
            || match &self.value {
                NodeValue::List(items) => items.iter().any(Self::is_marked),
                NodeValue::Map(entries) => entries.iter().any(|entry| entry.node.is_marked()),
                NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => false,
            }
    }

    /// Whether this or anything below it is secret, or has a password in it, so that its text must
    /// not be shown.
    pub(crate) fn holds_secret(&self) -> bool {
        self.secret
            || match &self.value {
                NodeValue::List(items) => items.iter().any(Self::holds_secret),
                NodeValue::Map(entries) => entries.iter().any(|entry| entry.node.holds_secret()),
                NodeValue::Text { text, .. } => password::any(text),
                NodeValue::File(bytes) => bytes.as_str().is_some_and(password::any),
                NodeValue::Null => false,
            }
    }

    /// The same for those who only tell of it: a secret is told without its content, which they must
    /// not keep.
    pub(crate) fn into_told(self) -> Self {
        let value = match self.value {
            _ if self.secret => NodeValue::Null,
            NodeValue::List(items) => {
                NodeValue::List(items.into_iter().map(Self::into_told).collect())
            }
            NodeValue::Map(entries) => {
                let told = |entry: Entry| Entry {
                    node: entry.node.into_told(),
                    ..entry
                };
                NodeValue::Map(entries.into_iter().map(told).collect())
            }
            value => value,
        };
        Self { value, ..self }
    }

    pub(crate) fn null() -> Self {
        Self::new(NodeValue::Null, Origin::Default)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            NodeValue::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| &*entry.key == key)
            .map(|entry| &entry.node)
    }

    /// Whether two bound nodes hold the same content, wherever it was written. Quotes are left only
    /// where the type leaves open what a plain scalar is.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        self.same(other, false)
    }

    /// The same content, of which the same is secret: nobody sees that it is another.
    pub(crate) fn alike(&self, other: &Self) -> bool {
        self.same(other, true)
    }

    fn same(&self, other: &Self, in_secrecy: bool) -> bool {
        if in_secrecy && self.secret != other.secret {
            return false;
        }
        match (&self.value, &other.value) {
            (NodeValue::Null, NodeValue::Null) => true,
            (NodeValue::Text { text: a, quoted: x }, NodeValue::Text { text: b, quoted: y }) => {
                a == b && x == y
            }
            (NodeValue::File(a), NodeValue::File(b)) => a == b,
            (NodeValue::List(a), NodeValue::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b, in_secrecy))
            }
            (NodeValue::Map(a), NodeValue::Map(b)) => same_entries(a, b, in_secrecy),
            _ => false,
        }
    }

    /// The value for people, in one line: `[redacted]` for a secret, and for a password in a URL.
    pub(crate) fn shown(&self) -> String {
        if self.secret {
            return crate::secret::REDACTED.to_owned();
        }
        match &self.value {
            NodeValue::Null => "null".to_owned(),
            NodeValue::Text { text, .. } => password::masked(text).into_owned(),
            NodeValue::File(bytes) => match bytes.as_str() {
                Some(text) => password::masked(without_final_newline(text)).into_owned(),
                None => format!("{} bytes", bytes.len()),
            },
            NodeValue::List(items) => {
                let items: Vec<_> = items.iter().map(Self::shown).collect();
                format!("[{}]", items.join(", "))
            }
            NodeValue::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| format!("{}: {}", entry.key, entry.node.shown()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    /// What kind of thing this is, for "expected …, found a list".
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "null",
            NodeValue::Text { .. } | NodeValue::File(_) => "text",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a map",
        }
    }
}

/// Whether two maps hold the same, in whatever order.
fn same_entries(a: &[Entry], b: &[Entry], in_secrecy: bool) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let same = |a: &Entry, b: &Entry| {
        (!in_secrecy || a.hidden == b.hidden) && a.node.same(&b.node, in_secrecy)
    };
    // The order is mostly the same, and then no index is needed.
    if a.iter().zip(b).all(|(a, b)| a.key == b.key) {
        return a.iter().zip(b).all(|(a, b)| same(a, b));
    }
    let index: HashMap<&str, &Entry> = b.iter().map(|entry| (&*entry.key, entry)).collect();
    a.iter().all(|entry| {
        let twin = index.get(&*entry.key);
        twin.is_some_and(|twin| same(entry, twin))
    })
}

/// Redacted like everything that shows a node.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Node({}, {})",
            self.shown(),
            self.origin.told(self.holds_secret())
        )
    }
}
