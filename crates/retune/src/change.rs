//! How one value differs between two generations.

use std::fmt;

use serde::Serialize;

use crate::fingerprint::fingerprint;
use crate::node::Node;
use crate::path::ValuePath;

/// One value that a generation changed. A secret, or a password in a URL, is `[redacted]`, in the old and
/// the new.
///
/// [`Display`](fmt::Display) gives it in one line: `log_level: info → debug`, and of a secret
/// `signing_key: rotated (5d01c2ab → 93fe7780)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ValueChange {
    /// Its path: `feature_flags.new_ui`. A key of a secret map is `[redacted]` as well.
    pub path: String,
    /// What a source gave before; `None` if none did: the default held, or it is new.
    pub old: Option<String>,
    /// What a source gives now; `None` if none does.
    pub new: Option<String>,
    /// Of a secret, or a value that holds one: what tells the old from the new. `None` for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotated: Option<Rotation>,
}

/// Fingerprints of a secret before and after a change: the same secret has the same as long as the process
/// runs, so that a revert is seen. In another process, and after a restart, they are others: the key is
/// random and never leaves the process, so that no password can be tried out on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rotation {
    /// Of what a source gave before, in eight hexadecimal digits; `None` if none did.
    pub from: Option<String>,
    /// Of what a source gives now; `None` if none does.
    pub to: Option<String>,
}

/// The same, with what tells the value from others.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    pub(crate) path: ValuePath,
    pub(crate) change: ValueChange,
}

// === impl Changed ===

impl Changed {
    /// What differs between two nodes at a path. Long values are cut.
    pub(crate) fn new(path: ValuePath, old: Option<&Node>, new: Option<&Node>) -> Self {
        const MOST: usize = 200;
        let shown = |node: &Node| {
            let mut shown = node.shown();
            if let Some((end, _)) = shown.char_indices().nth(MOST) {
                shown.truncate(end);
                shown.push('…');
            }
            shown
        };
        let is_secret = old.is_some_and(Node::holds_secret) || new.is_some_and(Node::holds_secret);
        let change = ValueChange {
            path: path.shown().to_owned(),
            old: old.map(shown),
            new: new.map(shown),
            rotated: is_secret.then(|| Rotation {
                from: old.map(fingerprint),
                to: new.map(fingerprint),
            }),
        };
        Self { path, change }
    }
}

// === impl ValueChange ===

impl fmt::Display for ValueChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn told(value: &Option<String>) -> &str {
            value.as_deref().unwrap_or("not given")
        }
        let Self { path, old, new, .. } = self;
        let differs = old.is_some() && new.is_some() && old != new;
        match &self.rotated {
            // Of a URL the rest may have changed, which is no secret.
            Some(Rotation { from, to }) if !differs => {
                write!(f, "{path}: rotated ({} → {})", told(from), told(to))
            }
            _ => write!(f, "{path}: {} → {}", told(old), told(new)),
        }
    }
}
