//! The generations that were seen, with their times.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use retune::status::{HistoryEntry, Status};
use serde_json::{Value, json};

use crate::output::nanoseconds;

/// How many generations are kept.
const MOST: usize = 1000;

pub(crate) type Revisions = BTreeMap<&'static str, u64>;

/// The generations that were seen: the status names the last 16 alone.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<u64, Record>>);

#[derive(Debug, Default)]
struct Record {
    entry: Option<HistoryEntry>,
    /// `None` for a generation that the subscriber stepped over.
    revisions: Option<Revisions>,
}

// === impl Ledger ===

impl Ledger {
    /// Notes what the subscriber saw of a generation.
    pub(crate) fn seen(&self, generation: u64, revisions: Revisions) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.entry(generation).or_default().revisions = Some(revisions);
    }

    /// Notes the times that the status tells.
    pub(crate) fn note(&self, status: Status) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for mut entry in status.history {
            entry.changes.clear();
            let record = records.entry(entry.generation).or_default();
            record.entry = Some(entry);
        }
        while records.len() > MOST {
            records.pop_first();
        }
    }

    /// All of them, the oldest first.
    pub(crate) fn list(&self) -> Vec<Value> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records
            .iter()
            .map(|(generation, record)| record.shown(*generation))
            .collect()
    }
}

// === impl Record ===

impl Record {
    fn shown(&self, generation: u64) -> Value {
        let mut shown = json!({
            "generation": generation,
            "seen": self.revisions.is_some(),
            "revision": self.revisions.as_ref().and_then(|all| all.get("revision")),
            "revisions": self.revisions,
        });
        if let (Value::Object(shown), Some(entry)) = (&mut shown, &self.entry)
            && let Value::Object(times) = times(entry)
        {
            shown.extend(times);
        }
        shown
    }
}

/// The times of a generation, in nanoseconds since 1970 and in seconds from its publish.
pub(crate) fn times(entry: &HistoryEntry) -> Value {
    let seconds = |lag: Option<Duration>| lag.map(|lag| lag.as_secs_f64());
    let optional = |time: Option<SystemTime>| time.map(nanoseconds);
    json!({
        "published": optional(entry.times.published),
        "noticed": nanoseconds(entry.times.noticed),
        "swapped": nanoseconds(entry.times.swapped),
        "applied": optional(entry.times.applied),
        "lag_seconds": seconds(entry.times.lag()),
        "lag_applied_seconds": seconds(entry.times.lag_applied()),
        "changed": entry.changed,
    })
}
