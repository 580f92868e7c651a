//! A value, and the one before it for as long as both are taken.

use serde::Serialize;

/// What is there now, in documents and in the tree.
pub(crate) const CURRENT: &str = "current";

/// What was there before it.
pub(crate) const PREVIOUS: &str = "previous";

/// A value that is replaced while what was made with the one before it is still under way: the key
/// that verifies webhooks, a password that others learn a moment later.
///
/// Its source gives one value, as for any other field. When that changes, the value that ran until then
/// becomes [`previous`](Self::previous) in the same generation, and stays for the field's `overlap`:
/// a time from the swap on, or `"until told"`. The end of the overlap is a generation of its own. So
/// both are read as one value, and whoever holds a [`Snapshot`](crate::Snapshot) has both for as long
/// as it is held.
///
/// ```
/// use retune::{Retune, Rotating, Secret};
///
/// #[derive(Debug, Retune)]
/// struct Config {
///     /// Verifies webhooks; the key before it is still taken for ten minutes.
///     #[retune(overlap = "10m")]
///     webhook_key: Rotating<Secret<String>>,
/// }
///
/// # fn main() -> Result<(), retune::Error> {
/// # let volume = tempfile::tempdir().unwrap();
/// # let write = |text: &str| std::fs::write(volume.path().join("webhook-key"), text).unwrap();
/// # write("old");
/// let live = Config::loader().mount(volume.path()).watch()?;
/// // Then somebody changes `webhook-key` from `old` to `new`.
/// # write("new");
/// # live.reload()?;
/// let verifies = |key: &str| live.with(|c| c.webhook_key.any(|known| known.matches(key)));
/// assert!(verifies("new") && verifies("old"));
/// assert_eq!(live.status().overlaps[0].path, "webhook_key");
///
/// // What was leaked is not to be taken for ten more minutes.
/// live.end_overlap("webhook_key")?;
/// assert!(verifies("new") && !verifies("old"));
/// # Ok(())
/// # }
/// ```
///
/// # Pairs
///
/// User and password belong together, and so do a certificate and its key: `Rotating<Credentials>`, for
/// a struct with both, has whole ones of either. The pair changes when any of its fields does.
///
/// # What becomes previous
///
/// - What ran, whoever changed it: a source, or [`Live::set`](crate::Live::set). A default that is a
///   text is a value like any other; what code makes where nothing is given (`default = EXPRESSION` on
///   a struct around the field) is not known to retune, and is not kept.
/// - Of several changes within one overlap only the last one counts: the value that it replaced is
///   kept, for a new overlap, and the one before that goes at once.
/// - A revert within the overlap swaps the two, for a new overlap.
/// - An update that is refused starts no overlap and ends none. An overlap ends in its time also while
///   the sources are bad: no source is read for that, and no gate is asked.
/// - Where an `Option<Rotating<T>>` is no longer given, nothing of it stays.
/// - What ran was good: neither the program's checks nor its own [validity](crate::Decoder::valid) can
///   refuse it any more. `validate` is asked of the current value, and of one before that a source gives.
///
/// # Given by the source
///
/// An overlap of ours is as old as the process: one that starts meanwhile knows only what is there now. Where
/// that matters, the source gives both, `{current: …, previous: …}` in a document, `webhook-key` and
/// `webhook-key.previous` as keys of a volume, `WEBHOOK_KEY_PREVIOUS` as a variable. Then what it says
/// holds, and there is no overlap of our own: a previous value that is taken out of the source is gone
/// in the next generation. One that is there and empty, or `null` in a document, says that there is
/// none; that is how an overlap of ours is ended from outside.
///
/// # Where it can stand
///
/// As a field, in nested structs as well, or as `Option<Rotating<T>>`; not in what comes and goes (items of lists,
/// entries of maps, variants), and not below a field that only a restart changes. `T` is any value but an
/// `Option` or a map, nor one with fields or variants named `current` or `previous`. All this is
/// checked at compile time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rotating<T> {
    current: T,
    previous: Option<T>,
}

// === impl Rotating ===

impl<T> Rotating<T> {
    /// A value without one before it.
    pub const fn new(current: T) -> Self {
        Self {
            current,
            previous: None,
        }
    }

    /// A value, and the one before it: for tests, as [`Live::fixed`](crate::Live::fixed) and
    /// [`settable`](crate::Live::settable) have no overlaps of their own.
    pub const fn with_previous(current: T, previous: Option<T>) -> Self {
        Self { current, previous }
    }

    /// What the source gives now: what to sign with, or to log in with.
    pub const fn current(&self) -> &T {
        &self.current
    }

    /// What it gave before, as long as that is to be taken as well.
    pub const fn previous(&self) -> Option<&T> {
        self.previous.as_ref()
    }

    /// Everything that is to be taken, what is current first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        std::iter::once(&mut self.current).chain(&mut self.previous)
    }

    /// Whether one of them will do; what is current is asked first.
    pub fn any(&self, will_do: impl FnMut(&T) -> bool) -> bool {
        self.iter().any(will_do)
    }
}

impl<T> From<T> for Rotating<T> {
    fn from(current: T) -> Self {
        Self::new(current)
    }
}
