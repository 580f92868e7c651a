//! How one value differs between two generations.

use serde::Serialize;

use crate::node::Node;

/// One value that a generation changed. A secret, or a password in a URL, is `[redacted]`, in the old and
/// the new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ValueChange {
    /// Its path: `feature_flags.new_ui`.
    pub path: String,
    /// What a source gave before; `None` if none did: the default held, or it is new.
    pub old: Option<String>,
    /// What a source gives now; `None` if none does.
    pub new: Option<String>,
}

// === impl ValueChange ===

impl ValueChange {
    /// What differs between two nodes at a path. Long values are cut.
    pub(crate) fn new(path: String, old: Option<&Node>, new: Option<&Node>) -> Self {
        const MOST: usize = 200;
        let shown = |node: &Node| {
            let mut shown = node.shown();
            if let Some((end, _)) = shown.char_indices().nth(MOST) {
                shown.truncate(end);
                shown.push('…');
            }
            shown
        };
        Self {
            path,
            old: old.map(shown),
            new: new.map(shown),
        }
    }
}
