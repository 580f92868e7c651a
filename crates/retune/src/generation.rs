//! One generation: a whole configuration, as all its sources gave it at one moment.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::change::ValueChange;
use crate::explain::Tree;

/// A value with what it was made of.
pub(crate) struct Generation<T> {
    pub(crate) number: u64,
    pub(crate) value: T,
    pub(crate) tree: Arc<Tree>,
}

/// One whole generation, owned: as long as it is held, nothing in it changes.
///
/// Dereferences to the configuration. Cheap to clone.
///
/// ```
/// use retune::{Live, Snapshot};
///
/// let live = Live::fixed(String::from("hello"));
/// let now = live.load();
/// assert_eq!(now.len(), 5);
/// assert_eq!(Snapshot::generation(&now), 1);
/// ```
pub struct Snapshot<T>(pub(crate) Arc<Generation<T>>);

/// A step from one generation to a later one, as subscribers get it.
///
/// Subscribers get the latest generation, so that a slow one may step over some.
pub struct Change<T> {
    old: Option<Snapshot<T>>,
    new: Snapshot<T>,
}

// === impl Snapshot ===

impl<T> Snapshot<T> {
    /// The number of the generation: 1 at the start, one more with each change.
    #[must_use]
    pub fn generation(this: &Self) -> u64 {
        this.0.number
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Snapshot<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("generation", &self.0.number)
            .field("value", &self.0.value)
            .finish()
    }
}

// === impl Change ===

impl<T> Change<T> {
    pub(crate) fn new(old: Option<Snapshot<T>>, new: Snapshot<T>) -> Self {
        Self { old, new }
    }

    /// What the two were made of.
    pub(crate) fn trees(&self) -> Vec<Arc<Tree>> {
        let both = self.old.iter().chain([&self.new]);
        both.map(|snapshot| snapshot.0.tree.clone()).collect()
    }

    /// What the subscriber was told before; `None` the first time, when it is told what holds by then.
    #[must_use]
    pub fn old(&self) -> Option<&Snapshot<T>> {
        self.old.as_ref()
    }

    /// What holds from now on.
    #[must_use]
    pub fn new_value(&self) -> &Snapshot<T> {
        &self.new
    }

    /// Paths of the values that differ between the two, in order (`feature_flags.new_ui`); none
    /// the first time, and none for values that a program sets whole. A key of a secret map is
    /// `[redacted]`.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.values()
            .into_iter()
            .map(|change| change.path)
            .collect()
    }

    /// The same with the values themselves, as the [history](crate::status::HistoryEntry) tells them:
    /// secrets are redacted, and say by fingerprints that they were rotated.
    #[must_use]
    pub fn values(&self) -> Vec<ValueChange> {
        self.old.as_ref().map_or_else(Vec::new, |old| {
            let changes = old.0.tree.changed(&self.new.0.tree);
            changes.into_iter().map(|changed| changed.change).collect()
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for Change<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("old", &self.old)
            .field("new", &self.new)
            .finish()
    }
}
