//! When plain files are quiet enough to be believed.

use std::time::{Duration, Instant};

/// Decides whether what is seen now is taken, or may still be in the making.
///
/// A swap of `..data` needs none of this; a file that is written in place, or
/// a directory whose files are written one by one, is taken when it has been
/// seen unchanged for the quiet window, or when the patience is over.
#[derive(Debug)]
pub(crate) struct Settle {
    pub(crate) quiet: Duration,
    pub(crate) patience: Duration,
    taken: Option<Seen>,
    pending: Option<Pending>,
}

/// What is at a path, as far as settling is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Nothing,
    Volume,
    Plain(u64),
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    seen: Seen,
    /// Since when it is unchanged.
    since: Instant,
    /// When the first difference from what was taken was seen.
    first: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Take,
    /// Look again at `until`; if it is restless, at `at_most` for the last time.
    Wait {
        until: Instant,
        at_most: Instant,
    },
}

// === impl Settle ===

impl Settle {
    pub(crate) fn new() -> Self {
        Self {
            quiet: Duration::from_millis(200),
            patience: Duration::from_secs(2),
            taken: None,
            pending: None,
        }
    }

    pub(crate) fn judge(&mut self, seen: Seen, unstable: bool, now: Instant) -> Verdict {
        let known = self.taken.is_none_or(|taken| taken == seen);
        if seen == Seen::Volume || (known && !unstable) {
            return self.take(seen);
        }
        let pending = self.pending.get_or_insert(Pending {
            seen,
            since: now,
            first: now,
        });
        if pending.seen != seen || unstable {
            pending.seen = seen;
            pending.since = now;
        }
        let at_most = pending.first + self.patience;
        let until = at_most.min(pending.since + self.quiet);
        if now >= until {
            return self.take(seen);
        }
        Verdict::Wait { until, at_most }
    }

    fn take(&mut self, seen: Seen) -> Verdict {
        self.taken = Some(seen);
        self.pending = None;
        Verdict::Take
    }
}
