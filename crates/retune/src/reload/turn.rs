//! A good change that waits, so that not all replicas take it at once.

use std::time::{Instant, SystemTime};

use retune_mount::wall_clock;
use tracing::info;

use super::told::tell;
use super::{Outcome, Reloader};
use crate::Retune;
use crate::explain::Tree;
use crate::jitter::Turn;
use crate::pipeline::Observation;
use crate::status::{Delayed, Rejection, RejectionReason};
use crate::time;

// === impl Reloader ===

impl<T: Retune> Reloader<T> {
    /// Until when a good change has to wait, if it has to.
    pub(super) fn turn(
        &mut self,
        before: &Tree,
        seen: &Observation,
        noticed: SystemTime,
    ) -> Option<Turn> {
        let now = Instant::now();
        // A clock that was set back meanwhile is no reason to wait for longer.
        let ago = wall_clock().duration_since(noticed).unwrap_or_default();
        let noticed = (now.checked_sub(ago).unwrap_or(now), noticed);
        self.turns.turn(noticed, now, || {
            let changes = before.changed(&seen.tree);
            let mut changes = changes.iter().map(|changed| &changed.change);
            changes.any(|change| change.rotated.is_some())
        })
    }

    /// Goes on with what runs until then. What was seen is good, so that nothing that was refused before
    /// is there any more; but gates are asked only when it is taken.
    pub(super) fn delay(&mut self, mut seen: Observation, turn: Turn) -> Outcome {
        self.put_off(&mut seen);
        self.due = self.due.into_iter().chain([turn.due]).min();
        let generation = self.shared.current().0.number;
        let Turn { since, until, .. } = turn;
        let pending = seen.tree.pending();
        let mut record = self.shared.record();
        let by_gate = |refused: &mut Rejection| refused.reason == RejectionReason::Gate;
        let refused = record.rejection.take_if(by_gate);
        let news = record.good(&seen.warnings, seen.sources, pending);
        record.rejection = refused;
        record.last_success = Some(wall_clock());
        let delayed = Delayed {
            since,
            until,
            generation: generation + 1,
        };
        let is_new = record.delayed.replace(delayed).is_none();
        drop(record);
        tell(&news);
        if is_new {
            let until = time::told(until);
            info!(
                generation = generation + 1,
                until, "a change waits for its turn"
            );
        }
        Outcome::Good(generation)
    }

    /// A gate refuses what was waiting: it is asked again at each look, without another wait.
    pub(super) fn spend_delay(&mut self) {
        self.shared.record().delayed = None;
    }

    /// Nothing waits any more; since when something did.
    pub(super) fn end_delay(&mut self) -> Option<SystemTime> {
        let turn = self.turns.end()?;
        self.shared.record().delayed = None;
        Some(turn.since)
    }
}
