//! A cached reader per thread and cell, so that reading needs no reader of one's own.
//!
//! Each cell has a number of its own (never used again) and an index into the threads' slots (used
//! again when the cell is gone). A slot keeps its last value alive until its thread ends or another
//! cell takes the index.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::cell::Cell;

/// What tells one cell's slots from another's.
#[derive(Debug)]
pub(crate) struct Key {
    cell: u64,
    index: usize,
}

struct Slot {
    cell: u64,
    version: u64,
    value: Arc<dyn Any + Send + Sync>,
}

thread_local! {
    static SLOTS: RefCell<Vec<Option<Slot>>> = const { RefCell::new(Vec::new()) };
}

/// Indices that are free below the first one that was never used.
static INDICES: Mutex<(Vec<usize>, usize)> = Mutex::new((Vec::new(), 0));
static NEXT_CELL: AtomicU64 = AtomicU64::new(0);

/// Runs `f` on the current value.
#[inline]
pub(crate) fn with<V: Any + Send + Sync, R>(
    cell: &Cell<V>,
    key: &Key,
    f: impl FnOnce(&Arc<dyn Any + Send + Sync>, &V) -> R,
) -> R {
    let version = cell.version();
    let mut f = Some(f);
    let fast = SLOTS.try_with(|slots| {
        let slots = slots.try_borrow().ok()?;
        let slot = slots.get(key.index)?.as_ref()?;
        if slot.cell != key.cell || slot.version != version {
            return None;
        }
        let value = slot.value.downcast_ref::<V>()?;
        f.take().map(|f| f(&slot.value, value))
    });
    match (fast, f) {
        (Ok(Some(result)), _) => result,
        (_, Some(f)) => refreshed(cell, key, f),
        // `f` is taken only where its result is returned.
        (_, None) => unreachable!("the closure ran and gave no result"),
    }
}

/// Reads through the lock, and remembers the value for the next time.
#[cold]
fn refreshed<V: Any + Send + Sync, R>(
    cell: &Cell<V>,
    key: &Key,
    f: impl FnOnce(&Arc<dyn Any + Send + Sync>, &V) -> R,
) -> R {
    let (version, value) = cell.load();
    let shared: Arc<dyn Any + Send + Sync> = value.clone();
    let slot = Slot {
        cell: key.cell,
        version,
        value: shared.clone(),
    };
    // Not while this thread is inside `with` (the slots are borrowed) or ending (they are gone):
    // then the value is used without being remembered.
    let old = SLOTS.try_with(|slots| {
        let mut slots = slots.try_borrow_mut().ok()?;
        if slots.len() <= key.index {
            slots.resize_with(key.index + 1, || None);
        }
        slots.get_mut(key.index)?.replace(slot)
    });
    // Dropped with the slots free again: a value's `Drop` may read a cell.
    drop(old);
    f(&shared, &value)
}

// === impl Key ===

impl Key {
    pub(crate) fn new() -> Self {
        let mut indices = INDICES.lock().unwrap_or_else(PoisonError::into_inner);
        let index = indices.0.pop().unwrap_or_else(|| {
            indices.1 += 1;
            indices.1 - 1
        });
        Self {
            cell: NEXT_CELL.fetch_add(1, Ordering::Relaxed),
            index,
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        INDICES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .push(self.index);
    }
}
