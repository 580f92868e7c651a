//! What the probe holds while it runs, and how it looks at what it sees.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use retune::{Change, Live, Snapshot};
use serde_json::json;

use crate::config::Probed;
use crate::invariants::{Group, Torn, check, revisions};
use crate::ledger::{Ledger, times};
use crate::output::tell;

/// The exit code of a program that found itself broken.
const TORN: i32 = 70;

/// How many changed paths a line names.
const MOST_PATHS: usize = 30;

/// What the pages show.
pub(crate) struct App<T: Probed> {
    pub(crate) live: Live<T>,
    pub(crate) ledger: Ledger,
    /// How often the reader thread has looked.
    pub(crate) reads: AtomicU64,
    /// When the process started, in nanoseconds since 1970.
    pub(crate) started: u64,
    pub(crate) together: Vec<Group>,
}

// === impl App ===

impl<T: Probed> App<T> {
    /// Looks at a generation, and tells of it.
    pub(crate) fn changed(&self, change: &Change<T>) {
        let now = change.new_value();
        let generation = Snapshot::generation(now);
        let fields = now.fields();
        if let Err(torn) = check(&fields, &self.together) {
            end(generation, "subscriber", &torn);
        }
        let status = self.live.status();
        let entry = status
            .history
            .iter()
            .find(|entry| entry.generation == generation);
        let mut line = entry.map_or_else(|| json!({}), times);
        let changed = change.paths();
        let revisions = revisions(&fields);
        line["generation"] = generation.into();
        line["revision"] = json!(revisions.get("revision"));
        line["revisions"] = json!(revisions);
        line["changed"] = changed.len().into();
        line["paths"] = json!(changed.iter().take(MOST_PATHS).collect::<Vec<_>>());
        tell("generation", line);
        self.ledger.seen(generation, revisions);
        self.ledger.note(status);
    }

    /// Looks at what holds, again and again.
    pub(crate) fn read_on(&self, pause: Duration) {
        let mut reader = self.live.reader();
        loop {
            if let Err(torn) = check(&reader.get().fields(), &self.together) {
                end(Snapshot::generation(&reader.snapshot()), "reader", &torn);
            }
            self.reads.fetch_add(1, Ordering::Relaxed);
            if !pause.is_zero() {
                thread::sleep(pause);
            }
        }
    }
}

/// Nothing that a torn generation says is worth serving.
fn end(generation: u64, by: &str, torn: &Torn) -> ! {
    let problem = torn.to_string();
    tell(
        "torn",
        json!({ "generation": generation, "by": by, "problem": problem }),
    );
    std::process::exit(TORN)
}
