//! How old what runs of secrets is.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde::Serialize;

use crate::node::{Node, NodeValue};
use crate::path::push_segment;
use crate::time;

/// A secret that a source gives. Its value is nowhere in it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SecretStatus {
    /// Its path: `signing_key`. A list or map that is a secret, or has one in it, is one.
    pub path: String,
    /// The generation that brought what it is now.
    pub generation: u64,
    /// Since when it is that: since readers see that generation. What the first generation brought may
    /// be older than the process: where its volume tells when it was published, since then. Either says
    /// nothing of the time before the volume, so that in a new pod every secret is new.
    #[serde(serialize_with = "time::serialize")]
    pub changed: SystemTime,
    /// Whether nothing of it stays in memory once the last generation that holds it is let go: it is a
    /// [`Secret`](crate::Secret), came as a file of its own (a key of a volume, what `X_FILE` names), and
    /// its type [can be wiped](crate::Value::WIPES). Any other way in leaves copies: documents,
    /// lists and maps in brackets, the environment, flags, code.
    pub wiped: bool,
    /// What tells it from what it was before, in eight hexadecimal digits: the same secret has the same
    /// as long as the process runs, and another in every other; see [`Rotation`](super::Rotation).
    pub fingerprint: String,
}

/// Whether every secret in a node is among those that are wiped, by their paths.
pub(crate) fn is_wiped(node: &Node, path: &str, wiped: &BTreeSet<String>) -> bool {
    let below = |segment: &str, node: &Node| {
        let mut path = path.to_owned();
        push_segment(&mut path, segment);
        is_wiped(node, &path, wiped)
    };
    // It may be a part of what is a secret.
    let ends = path.match_indices(['.', '[']).map(|(end, _)| end);
    let mut whole = ends.chain([path.len()]).map(|end| &path[..end]);
    match &node.value {
        _ if node.secret && whole.any(|path| wiped.contains(path)) => true,
        NodeValue::List(items) => {
            let mut items = items.iter().enumerate();
            items.all(|(i, item)| below(&format!("[{i}]"), item))
        }
        // Its keys are secrets, too.
        _ if node.secret => false,
        NodeValue::Map(entries) => {
            let mut entries = entries.iter();
            entries.all(|entry| below(&entry.key, &entry.node))
        }
        NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => !node.holds_secret(),
    }
}
