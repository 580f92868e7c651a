//! Paths of values, as reports name them: `feature_flags.new_ui`, `endpoints[2].port`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::secret::REDACTED;

/// Where a value stands: the path that tells it from others, and the one that people see. They differ
/// where a key of a map is a secret.
#[derive(Clone, Default)]
pub(crate) struct ValuePath {
    own: String,
    /// Where it is another: every reading has a path for each value.
    shown: Option<String>,
}

/// How long a path was, to go back to that.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize, Option<usize>);

/// Adds a field's name, an index (`[2]`) or a path below to a path.
pub(crate) fn push_segment(path: &mut String, segment: &str) {
    if !path.is_empty() && !segment.is_empty() && !segment.starts_with('[') {
        path.push('.');
    }
    path.push_str(segment);
}

/// A map's key as a segment of a path: what is secret is not only the values of such a map.
pub(crate) fn key_segment(key: &str, secret: bool) -> &str {
    if secret { REDACTED } else { key }
}

// === impl ValuePath ===

impl ValuePath {
    /// A path of fields, whose names are no secret.
    pub(crate) fn of_fields(path: impl Into<String>) -> Self {
        Self {
            own: path.into(),
            shown: None,
        }
    }

    /// What tells it from others. It may hold secrets.
    pub(crate) fn own(&self) -> &str {
        &self.own
    }

    /// What people see.
    pub(crate) fn shown(&self) -> &str {
        self.shown.as_ref().unwrap_or(&self.own)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(self.own.len(), self.shown.as_ref().map(String::len))
    }

    pub(crate) fn truncate(&mut self, Mark(own, shown): Mark) {
        self.own.truncate(own);
        self.shown = self.shown.take().zip(shown).map(|(mut path, length)| {
            path.truncate(length);
            path
        });
    }

    /// Adds a name; `secret` if it is the key of a secret map.
    pub(crate) fn push(&mut self, name: &str, secret: bool) {
        if secret && self.shown.is_none() {
            self.shown = Some(self.own.clone());
        }
        push_segment(&mut self.own, name);
        if let Some(shown) = &mut self.shown {
            push_segment(shown, key_segment(name, secret));
        }
    }
}

impl PartialEq for ValuePath {
    fn eq(&self, other: &Self) -> bool {
        self.own == other.own
    }
}

impl Eq for ValuePath {}

impl Ord for ValuePath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.own.cmp(&other.own)
    }
}

impl PartialOrd for ValuePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for ValuePath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.own.hash(state);
    }
}

impl fmt::Debug for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}
