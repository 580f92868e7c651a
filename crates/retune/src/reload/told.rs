//! What a reading brought, for the log.

use tracing::{info, warn};

use crate::change::ValueChange;
use crate::live::News;
use crate::status::HistoryEntry;

/// The secrets among some changes, with their fingerprints; `None` if there is none.
pub(super) fn rotated(changes: &[ValueChange]) -> Option<String> {
    let secrets = changes.iter().filter(|change| change.rotated.is_some());
    let told: Vec<_> = secrets.map(ToString::to_string).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// To be called under no lock: what becomes of a log line is the program's own code, and may wait for
/// a full pipe.
pub(super) fn tell(news: &News) {
    for warning in &news.warnings {
        warn!("{warning}");
    }
    for path in &news.back {
        info!("{path}");
    }
    match news.pending_restart.as_deref() {
        None => {}
        Some([]) => info!("nothing waits for a restart any more"),
        Some(changes) => {
            let named = changes.get(..HistoryEntry::MAX_CHANGES).unwrap_or(changes);
            let paths: Vec<_> = named.iter().map(|change| &*change.path).collect();
            let (paths, values) = (paths.join(", "), changes.len());
            let rotated = rotated(named);
            warn!(
                paths,
                rotated, values, "a change takes effect on restart, the running value stays"
            );
        }
    }
}
