//! What happened, for the status: generations and their times, the last rejection, counters.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use retune_mount::wall_clock;

use super::subscriber::Subscriber;
use crate::change::ValueChange;
use crate::problem::Problem;
use crate::status::{
    Counters, Delayed, HistoryEntry, Lags, LastGood, Rejection, RejectionReason, SourceStatus,
    Status, Times, Waiting, WatchMode,
};
use crate::validity::Validity;

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) history: VecDeque<HistoryEntry>,
    unapplied: Vec<Unapplied>,
    pub(crate) rejection: Option<Rejection>,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) delayed: Option<Delayed>,
    pub(crate) last_good: Option<LastGood>,
    pub(crate) pending_restart: Vec<ValueChange>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) sources: Vec<SourceStatus>,
    /// Of what runs.
    pub(crate) validities: Vec<Validity>,
    pub(crate) counters: Counters,
    pub(crate) lags: Lags,
    /// When an observation was good last.
    pub(crate) last_success: Option<SystemTime>,
    pub(crate) activity: Option<Activity>,
}

/// A generation that not every subscriber has finished with.
#[derive(Debug)]
struct Unapplied {
    generation: u64,
    subscribers: Vec<Arc<Subscriber>>,
}

/// What the reload thread is doing.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) doing: String,
    pub(crate) since: Instant,
}

/// What an observation says that the one before it did not, for the log.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) warnings: Vec<String>,
    /// Of paths that were orphaned, and are not any more.
    pub(crate) back: BTreeSet<String>,
    /// What waits for a restart, where that is not what waited before.
    pub(crate) pending_restart: Option<Vec<ValueChange>>,
    /// A rejection is over.
    pub(crate) cleared: bool,
}

// === impl Record ===

impl Record {
    /// Takes over what an observation says of the sources, and what is odd.
    pub(crate) fn observed(&mut self, warnings: &[Problem], sources: Vec<SourceStatus>) -> News {
        let told: HashSet<_> = self.warnings.iter().map(Problem::to_string).collect();
        let lines = warnings.iter().map(Problem::to_string);
        let fresh = lines.filter(|line| !told.contains(line)).collect();
        self.warnings = warnings.to_vec();
        let before = std::mem::replace(&mut self.sources, sources);
        // A path may have two sources, of which one alone has a heartbeat.
        let (lost, still) = (orphaned(&before), orphaned(&self.sources));
        let now = self.sources.iter().flat_map(|source| &source.paths);
        let back = now
            .filter(|now| lost.contains(&*now.path) && !still.contains(&*now.path))
            .filter(|now| matches!(now.mode, WatchMode::Events | WatchMode::Polling))
            .map(|now| format!("{}: no longer orphaned: {}", now.path, now.detail));
        News {
            warnings: fresh,
            back: back.collect(),
            ..News::default()
        }
    }

    /// The same of a good observation.
    pub(crate) fn good(
        &mut self,
        warnings: &[Problem],
        sources: Vec<SourceStatus>,
        pending_restart: Vec<ValueChange>,
    ) -> News {
        let news = self.observed(warnings, sources);
        let is_new = pending_restart != self.pending_restart;
        self.pending_restart.clone_from(&pending_restart);
        News {
            pending_restart: is_new.then_some(pending_restart),
            cleared: self.rejection.take().is_some(),
            ..news
        }
    }

    /// What runs is what the sources give, whatever it was at the start.
    pub(crate) fn is_of_sources(&mut self) {
        if let Some(last_good) = &mut self.last_good {
            last_good.runs = false;
        }
    }

    /// Takes over what was refused; whether that is another thing than before.
    pub(crate) fn refused(&mut self, mut rejection: Rejection) -> bool {
        let before = self.rejection.take();
        let is_new = before.as_ref().is_none_or(|before| {
            let lines =
                |problems: &[Problem]| problems.iter().map(Problem::to_string).collect::<Vec<_>>();
            lines(&before.problems) != lines(&rejection.problems)
        });
        if let Some(before) = before {
            rejection.since = before.since;
        }
        // Each poll finds the same again until it is mended: that is still the one rejection.
        let counters = &mut self.counters;
        *match rejection.reason {
            RejectionReason::Source => &mut counters.rejected_source,
            RejectionReason::Gate => &mut counters.rejected_gate,
            RejectionReason::Revision => &mut counters.rejected_revision,
            RejectionReason::Invalid => &mut counters.rejected_invalid,
        } += u64::from(is_new);
        self.rejection = Some(rejection);
        is_new
    }

    pub(crate) fn published(&mut self, entry: HistoryEntry) {
        self.last_success = Some(entry.times.swapped);
        self.lags.swapped(entry.generation, &entry.times);
        self.history.push_back(entry);
        while self.history.len() > Status::MAX_HISTORY_LEN {
            // What nobody can look up any more need not be waited for either.
            let old = self.history.pop_front().map(|entry| entry.generation);
            self.unapplied
                .retain(|waiting| Some(waiting.generation) != old);
        }
    }

    /// Notes who has to return from a generation before it counts as applied.
    pub(crate) fn awaits(&mut self, generation: u64, subscribers: &[Arc<Subscriber>]) {
        let behind = subscribers
            .iter()
            .filter(|subscriber| subscriber.behind().is_some_and(|(g, _)| g >= generation));
        self.unapplied.push(Unapplied {
            generation,
            subscribers: behind.cloned().collect(),
        });
        self.settle();
    }

    /// Notes that a subscriber has finished with everything up to a generation.
    pub(crate) fn finished(&mut self, subscriber: &Arc<Subscriber>, up_to: u64) {
        for waiting in &mut self.unapplied {
            if waiting.generation <= up_to {
                waiting
                    .subscribers
                    .retain(|other| !Arc::ptr_eq(other, subscriber));
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        let now = wall_clock();
        let (history, lags) = (&mut self.history, &mut self.lags);
        self.unapplied.retain(|waiting| {
            if !waiting.subscribers.is_empty() {
                return true;
            }
            let entry = history
                .iter_mut()
                .find(|entry| entry.generation == waiting.generation);
            if let Some(entry) = entry {
                entry.times.applied.get_or_insert(now);
                lags.applied(entry.generation, &entry.times);
            }
            false
        });
    }

    pub(crate) fn times(&self) -> Times {
        self.history.back().map_or_else(
            || {
                let now = wall_clock();
                Times {
                    published: None,
                    noticed: now,
                    swapped: now,
                    applied: None,
                }
            },
            |entry| entry.times,
        )
    }
}

fn orphaned(sources: &[SourceStatus]) -> HashSet<&str> {
    let paths = sources.iter().flat_map(|source| &source.paths);
    let orphaned = paths.filter(|path| path.mode == WatchMode::Orphaned);
    orphaned.map(|path| &*path.path).collect()
}
