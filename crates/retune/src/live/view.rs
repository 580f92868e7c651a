//! One part of a configuration.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::subscription::{self, Gate, Subscription};
use super::{Live, Snapshot};

/// One part of a configuration, to read or to follow by itself.
///
/// ```
/// use retune::Live;
///
/// struct Config {
///     level: String,
///     port: u16,
/// }
/// let live = Live::fixed(Config { level: "info".into(), port: 8080 });
/// let level = live.view(|config| &config.level);
/// assert_eq!(level.get(), "info");
/// ```
pub struct View<T: Send + Sync + 'static, U: 'static> {
    live: Live<T>,
    part: Arc<Part<T, U>>,
}

type Part<T, U> = dyn for<'a> Fn(&'a T) -> &'a U + Send + Sync;

// === impl View ===

impl<T: Send + Sync + 'static, U: 'static> View<T, U> {
    pub(super) fn new(
        live: Live<T>,
        part: impl for<'a> Fn(&'a T) -> &'a U + Send + Sync + 'static,
    ) -> Self {
        Self {
            live,
            part: Arc::new(part),
        }
    }

    /// Runs `f` on the part as it is now.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&U) -> R) -> R {
        self.live.with(|value| f((self.part)(value)))
    }

    /// The part as it is now, cloned.
    #[must_use]
    pub fn get(&self) -> U
    where
        U: Clone,
    {
        self.with(U::clone)
    }

    /// Calls `f` with the part as it is now, and then whenever it changes: not when only other
    /// parts do. Otherwise like [`Live::subscribe`].
    #[track_caller]
    #[must_use = "dropping the subscription ends it; `detach()` keeps it"]
    pub fn subscribe(&self, mut f: impl FnMut(&U) + Send + 'static) -> Subscription
    where
        U: PartialEq,
    {
        let part = self.part.clone();
        // What `f` was told last. A change that is stepped over (there and back) is none.
        let mut told: Option<Snapshot<T>> = None;
        subscription::spawn(self.live.shared(), Location::caller(), move |change| {
            let new = change.new_value();
            let now = part(new);
            let same = told.as_ref().is_some_and(|told| part(told) == now);
            // Kept in either case, so that no older generation stays in memory.
            told = Some(new.clone());
            if !same {
                f(now);
            }
        })
    }

    /// Calls `f` with the part in each generation, and the generation's number.
    #[track_caller]
    pub(crate) fn subscribe_generations(
        &self,
        mut f: impl FnMut(u64, &U) + Send + 'static,
    ) -> Subscription {
        let part = self.part.clone();
        subscription::spawn(self.live.shared(), Location::caller(), move |change| {
            let new = change.new_value();
            f(Snapshot::generation(new), part(new));
        })
    }

    /// Asks `check` about the part as it is and as a candidate has it.
    #[track_caller]
    pub(crate) fn gate(
        &self,
        check: impl Fn(&U, &U) -> Result<(), String> + Send + Sync + 'static,
    ) -> Gate {
        let part = self.part.clone();
        // A gate belongs to what it looks at.
        let shared = Arc::downgrade(self.live.shared());
        let check = move |candidate: &T| match shared.upgrade() {
            Some(shared) => check(part(&shared.current()), part(candidate)),
            None => Ok(()),
        };
        subscription::gate(self.live.shared(), Location::caller(), check)
    }

    /// The whole as it is now.
    pub(crate) fn snapshot(&self) -> Snapshot<T> {
        self.live.load()
    }

    /// The part of a whole.
    pub(crate) fn part<'a>(&self, whole: &'a T) -> &'a U {
        (self.part)(whole)
    }
}

impl<T: Send + Sync + 'static, U: 'static> Clone for View<T, U> {
    fn clone(&self) -> Self {
        Self {
            live: self.live.clone(),
            part: self.part.clone(),
        }
    }
}

impl<T: Send + Sync + 'static, U: fmt::Debug + 'static> fmt::Debug for View<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|part| f.debug_tuple("View").field(part).finish())
    }
}
