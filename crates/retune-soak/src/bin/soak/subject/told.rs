//! What the process tells of itself.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use retune_soak::record::Inside;
use serde::{Deserialize, Serialize};

use super::slot::{Subject, Totals};
use super::witness::Witness;

/// A line of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// Nothing of retune is there yet.
    Born,
    /// Every configuration runs.
    Ready,
    /// Now and then.
    Inside(Inside),
    /// Nobody reads or follows.
    Resting,
    /// All is as it has to be, after so many seconds; or what is not.
    Settled(f64, Vec<String>),
    /// When it was asked.
    Looked(Inside),
    /// Everything is stopped; what was wrong meanwhile.
    Ended(Inside, Vec<String>),
}

/// Counts what is told.
#[derive(Clone)]
pub(super) struct Counting {
    slots: Arc<[Box<dyn Subject>]>,
    witness: Arc<Witness>,
    /// What the buckets of the lag had last.
    last: Arc<Mutex<Vec<u64>>>,
}

pub(super) fn tell(told: &Told) {
    let line = serde_json::to_string(told).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    // Who does not listen any more has ended.
    _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

// === impl Counting ===

impl Counting {
    pub(super) fn new(slots: Arc<[Box<dyn Subject>]>, witness: Arc<Witness>) -> Self {
        Self {
            slots,
            witness,
            last: Arc::default(),
        }
    }

    pub(super) fn inside(&self) -> Inside {
        let mut totals = Totals::default();
        self.slots
            .iter()
            .for_each(|slot| totals.merge(slot.totals()));
        let lag_p99 = self.lag(&totals.applied);
        let lives = self.slots.iter().filter(|slot| slot.runs()).count() as u64;
        let Totals {
            generations,
            refused,
            unchanged,
            held,
            ..
        } = totals;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Inside {
            heap: crate::ALLOCATED.allocated() as u64,
            lives,
            generations,
            refused,
            unchanged,
            held,
            visitors: count(&self.witness.visitors),
            lag_p99,
            reads: count(&self.witness.reads),
            torn: count(&self.witness.torn),
            panics: count(&self.witness.panics),
            overflows: retune_mount::health().overflows,
        }
    }

    /// What 99 of 100 of the changes since the last time did not exceed.
    fn lag(&self, buckets: &[(Option<Duration>, u64)]) -> Option<f64> {
        let counts: Vec<u64> = buckets.iter().map(|(_, count)| *count).collect();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *last, counts.clone());
        let new = counts
            .iter()
            .enumerate()
            .map(|(at, count)| count.saturating_sub(before.get(at).copied().unwrap_or(0)));
        let new: Vec<u64> = new.collect();
        let most = new.iter().sum::<u64>().checked_mul(99)?.div_ceil(100);
        let mut seen = 0;
        let bucket = new.iter().position(|count| {
            seen += count;
            most > 0 && seen >= most
        })?;
        let bound = buckets.get(bucket)?.0;
        Some(bound.map_or(120.0, |bound| bound.as_secs_f64()))
    }
}
