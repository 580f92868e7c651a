use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use crate::clock::wall_clock;

/// The wake-up of one reader thread.
///
/// The watching thread only sets it; it never runs user code. Any number of
/// [`Watch`](crate::Watch)es can share one signal, and so can the program
/// itself, by [`notify`](Self::notify) and [`notice`](Self::notice). What is set before the wait is not lost.
///
/// ```
/// use retune_mount::Signal;
/// let signal = Signal::new();
/// signal.notify();
/// let wake = signal.wait(None);
/// assert!(wake.notified && wake.noticed.is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    pending: Mutex<Wake>,
    changed: Condvar,
}

/// Why [`Signal::wait`] returned. All empty: the deadline passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wake {
    /// The earliest hint of a change since the last wait.
    pub noticed: Option<Noticed>,
    /// Whether the program itself called [`Signal::notify`].
    pub notified: bool,
}

/// When and how a possible change was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Noticed {
    /// When, on the wall clock, so that it can be set against a publish time.
    pub at: SystemTime,
    /// How.
    pub by: NoticedBy,
}

/// What a wake-up stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoticedBy {
    /// An inotify event.
    Event,
    /// The slow poll, a retry, or the end of a quiet window.
    Poll,
}

/// Signals to be set, each once: a reader that several paths share is to wake
/// up once for what concerns all of them.
#[derive(Default)]
pub(crate) struct Ring(Vec<Signal>);

// === impl Ring ===

impl Ring {
    pub(crate) fn add(&mut self, signal: &Signal) {
        if !self.0.iter().any(|known| known.is(signal)) {
            self.0.push(signal.clone());
        }
    }

    pub(crate) fn ring(self, by: NoticedBy) {
        for signal in self.0 {
            signal.notice(by);
        }
    }
}

// === impl Signal ===

impl Signal {
    /// A signal that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the reader by the program's own wish.
    pub fn notify(&self) {
        self.pending().notified = true;
        self.0.changed.notify_one();
    }

    /// Waits until the signal is set or the deadline has passed, and clears it.
    /// Meant for one waiting thread; of several, one is woken.
    pub fn wait(&self, deadline: Option<Instant>) -> Wake {
        let mut pending = self.pending();
        loop {
            if *pending != Wake::default() {
                return std::mem::take(&mut *pending);
            }
            pending = match deadline {
                None => self
                    .0
                    .changed
                    .wait(pending)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Wake::default();
                    }
                    let waited = self.0.changed.wait_timeout(pending, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Tells the reader that something may have changed, as the watching thread does.
    ///
    /// ```
    /// use retune_mount::{NoticedBy, Signal};
    /// let signal = Signal::new();
    /// signal.notice(NoticedBy::Event);
    /// assert!(signal.wait(None).noticed.is_some());
    /// ```
    pub fn notice(&self, by: NoticedBy) {
        let at = wall_clock();
        self.pending().noticed.get_or_insert(Noticed { at, by });
        self.0.changed.notify_one();
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn pending(&self) -> MutexGuard<'_, Wake> {
        self.0
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_paths_share_is_woken_once_for_all_of_them() {
        let (shared, other) = (Signal::new(), Signal::new());
        let mut ring = Ring::default();
        for signal in [&shared, &other, &shared.clone()] {
            ring.add(signal);
        }
        assert_eq!(ring.0.len(), 2);
        assert!(ring.0[0].is(&shared) && ring.0[1].is(&other));
    }
}
