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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn wait(verdict: Verdict, start: Instant) -> u128 {
        match verdict {
            Verdict::Wait { until, .. } => (until - start).as_millis(),
            Verdict::Take => panic!("taken"),
        }
    }

    #[test]
    fn b5_a_restless_file_is_taken_when_quiet_and_at_the_latest_after_the_patience() {
        let start = Instant::now();
        let mut settle = Settle::new();
        assert_eq!(
            settle.judge(Seen::Plain(1), false, start),
            Verdict::Take,
            "the first is"
        );
        assert_eq!(
            settle.judge(Seen::Plain(1), false, start),
            Verdict::Take,
            "no change"
        );
        assert_eq!(wait(settle.judge(Seen::Plain(2), false, start), start), 200);
        assert_eq!(
            wait(settle.judge(Seen::Plain(2), false, start + 150 * MS), start),
            200
        );
        assert_eq!(
            wait(settle.judge(Seen::Plain(3), false, start + 190 * MS), start),
            390
        );
        assert_eq!(
            wait(settle.judge(Seen::Plain(3), true, start + 380 * MS), start),
            580
        );
        assert_eq!(
            settle.judge(Seen::Plain(3), false, start + 580 * MS),
            Verdict::Take
        );
        // Never quiet: the patience is counted from the first difference.
        let again = start + 1000 * MS;
        assert_eq!(wait(settle.judge(Seen::Plain(4), false, again), again), 200);
        for n in 1..20 {
            settle.judge(Seen::Plain(4 + n), false, again + 100 * (n as u32) * MS);
        }
        assert_eq!(
            settle.judge(Seen::Plain(99), false, again + 2000 * MS),
            Verdict::Take
        );
    }

    #[test]
    fn b15_a_gap_is_waited_out_and_a_return_to_the_old_state_ends_it() {
        let start = Instant::now();
        let mut settle = Settle::new();
        assert_eq!(settle.judge(Seen::Volume, false, start), Verdict::Take);
        assert_eq!(wait(settle.judge(Seen::Nothing, false, start), start), 200);
        assert_eq!(
            settle.judge(Seen::Volume, false, start + MS),
            Verdict::Take,
            "at once"
        );
        assert_eq!(
            wait(settle.judge(Seen::Nothing, false, start + 2 * MS), start),
            202
        );
        assert_eq!(
            settle.judge(Seen::Nothing, false, start + 202 * MS),
            Verdict::Take
        );
    }
}
