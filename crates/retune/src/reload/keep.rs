//! The last good configuration is kept for the next start.

use tracing::warn;

use super::Reloader;
use crate::Retune;

// === impl Reloader ===

impl<T: Retune> Reloader<T> {
    /// Keeps what was good just now, where that is asked for.
    pub(super) fn keep(&mut self) {
        let Some(last_good) = &mut self.last_good else {
            return;
        };
        let tree = self.shared.tree();
        // Of a disk that hangs, the status tells.
        let problem = self
            .shared
            .doing("keeping the last good configuration", || {
                last_good.keep(&tree).cloned()
            });
        self.shared.record().last_good = Some(last_good.status(None));
        if let Some(problem) = problem {
            warn!("{problem}");
        }
    }
}
