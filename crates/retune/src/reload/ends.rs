//! The end of overlaps: a generation with less in it than the one before.

use std::time::{Duration, Instant};

use retune_mount::wall_clock;

use tracing::{error, info};

use super::{Outcome, Reloader};
use crate::Retune;
use crate::overlap::Kept;
use crate::problem::Problem;
use crate::report;
use crate::status::HistoryEntry;

/// How long to wait after an overlap could not be ended.
const END_AGAIN: Duration = Duration::from_secs(10);

// === impl Reloader ===

impl<T: Retune> Reloader<T> {
    /// When the next overlap ends by itself.
    pub(super) fn next_end(&self) -> Option<Instant> {
        let tree = self.shared.tree();
        let next = tree.kept().iter().filter_map(Kept::ends).min()?;
        Some(self.end_again.map_or(next, |again| again.max(next)))
    }

    /// Ends the overlaps whose time has come, whatever the sources are like.
    pub(super) fn end_overlaps(&mut self) {
        let now = Instant::now();
        if self.next_end().is_some_and(|end| end <= now) {
            self.end(|kept| kept.ends().is_some_and(|end| end <= now));
        }
    }

    pub(super) fn end_overlap(&mut self, path: &str) -> Outcome {
        let tree = self.shared.tree();
        let kept = tree.kept().iter().find(|kept| kept.path == path);
        if kept.is_some_and(|kept| !kept.is_ours()) {
            let problem = Problem::new(path, "a source gives what was before");
            let help = "remove it there, or leave it empty";
            return Outcome::Refused(vec![problem.with_help(help)]);
        }
        self.end(|kept| kept.path == path)
    }

    /// Publishes what runs without some of what is kept. There is nothing new in it, so that nobody
    /// is asked about it.
    fn end(&mut self, is_over: impl Fn(&Kept) -> bool) -> Outcome {
        let Some(tree) = self.shared.tree().without(is_over) else {
            return Outcome::Good(self.shared.current().0.number);
        };
        self.end_again = Instant::now().checked_add(END_AGAIN);
        let decoded = self.shared.doing("ending an overlap", || {
            self.pipeline.decode_again::<T>(&tree.root)
        });
        let value = match decoded {
            Ok(value) => value,
            Err(problems) => {
                let report = report::excerpts(&problems);
                error!(report, "an overlap could not be ended, and is tried again");
                return Outcome::Refused(problems);
            }
        };
        self.end_again = None;
        self.pipeline.unsettle();
        let last_success = self.shared.record().last_success;
        let generation = self
            .shared
            .publish(value, tree, None, wall_clock(), |record| {
                record.counters.applied += 1;
                // The sources may still be bad.
                record.last_success = last_success;
            });
        let entry = self.shared.record().history.back().cloned();
        let paths: Vec<_> = entry.iter().flat_map(HistoryEntry::paths).collect();
        let paths = paths.join(", ");
        info!(generation, paths, "an overlap has ended");
        Outcome::Good(generation)
    }
}
