//! What everybody in the process has seen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many sentences are kept.
const MOST: usize = 20;

#[derive(Debug, Default)]
pub(super) struct Witness {
    pub(super) reads: AtomicU64,
    pub(super) torn: AtomicU64,
    pub(super) panics: AtomicU64,
    pub(super) visitors: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

// === impl Witness ===

impl Witness {
    /// A read of one generation, and what was torn in it.
    pub(super) fn read<R>(&self, found: Result<R, String>) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if let Err(torn) = found {
            self.torn.fetch_add(1, Ordering::Relaxed);
            self.wrong(format!("a read was torn: {torn}"));
        }
    }

    /// Something that must not be.
    pub(super) fn wrong(&self, what: String) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() < MOST {
            wrong.push(what);
        }
    }

    pub(super) fn all_wrong(&self) -> Vec<String> {
        self.wrong
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
