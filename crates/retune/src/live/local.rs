//! A cached reader per thread and cell, so that reading needs no reader of one's own.
//!
//! Each cell has an index into the threads' slots, used again when the cell is gone. What is in a slot
//! is this cell's if it lies where the cell's current value does. A slot keeps its last value alive
//! until its thread reads again, releases it or ends, or another cell takes the index.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use super::cell::{Cell, place};

/// A cell's place in the threads' slots.
#[derive(Debug)]
pub(crate) struct Key(usize);

type Shared = Arc<dyn Any + Send + Sync>;

thread_local! {
    static SLOTS: RefCell<Vec<Option<Shared>>> = const { RefCell::new(Vec::new()) };
}

/// Indices that are free below the first one that was never used, and that one.
static INDICES: Mutex<(Vec<usize>, usize)> = Mutex::new((Vec::new(), 0));

/// Runs `f` on the current value.
#[inline]
pub(crate) fn with<V: Any + Send + Sync, R>(
    cell: &Cell<V>,
    key: &Key,
    f: impl FnOnce(&Shared, &V) -> R,
) -> R {
    let mut f = Some(f);
    let current = cell.place();
    let fast = SLOTS.try_with(|slots| {
        let slots = slots.try_borrow().ok()?;
        let shared = slots.get(key.0)?.as_ref()?;
        if place(&**shared) != current {
            return None;
        }
        let value = shared.downcast_ref::<V>()?;
        f.take().map(|f| f(shared, value))
    });
    match (fast, f) {
        (Ok(Some(result)), _) => result,
        (_, Some(f)) => refreshed(cell, key, f),
        // `f` is taken only where its result is returned.
        (_, None) => unreachable!("the closure ran and gave no result"),
    }
}

/// Lets go of the value that this thread saw last.
pub(crate) fn release(key: &Key) {
    // Within `with` the slots are borrowed: the value is in use.
    let old = SLOTS.try_with(|slots| slots.try_borrow_mut().ok()?.get_mut(key.0)?.take());
    // Dropped with the slots free again: a value's `Drop` may read a cell.
    drop(old);
}

/// Reads through the lock, and remembers the value for the next time.
#[cold]
#[inline(never)]
fn refreshed<V: Any + Send + Sync, R>(
    cell: &Cell<V>,
    key: &Key,
    f: impl FnOnce(&Shared, &V) -> R,
) -> R {
    let value = cell.load();
    let shared: Shared = value.clone();
    let slot = Some(shared.clone());
    // Not while this thread is inside `with` (the slots are borrowed) or ending (they are gone):
    // then the value is used without being remembered.
    let old = SLOTS.try_with(|slots| {
        let mut slots = slots.try_borrow_mut().ok()?;
        if slots.len() <= key.0 {
            slots.resize_with(key.0 + 1, || None);
        }
        Some(std::mem::replace(slots.get_mut(key.0)?, slot))
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
        Self(index)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        INDICES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .push(self.0);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::{Barrier, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::super::cell::Cached;
    use super::*;

    /// So one more thread that reads costs the others nothing.
    #[test]
    fn g12_what_did_not_change_is_read_without_the_lock_and_uncounted() {
        let (cell, key) = (Cell::new(Arc::new(7)), Key::new());
        let (remembered, locked) = (Barrier::new(2), Barrier::new(2));
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            let (cell, key, remembered, locked) = (&cell, &key, &remembered, &locked);
            scope.spawn(move || {
                let mut cached = Cached::new(cell);
                with(cell, key, |_, _| ());
                remembered.wait();
                locked.wait();
                let by_slot = with(cell, key, |all, n| (*n, Arc::strong_count(all)));
                let own = cached.get(cell);
                _ = tell.send([by_slot, (**own, Arc::strong_count(own))]);
            });
            remembered.wait();
            let lock = cell.lock();
            locked.wait();
            let read = told.recv_timeout(Duration::from_secs(30));
            // Before it can fail: a reader that waits for the lock goes on.
            drop(lock);
            // The cell's own, and what the reader and the thread remember.
            assert_eq!(read, Ok([(7, 3); 2]));
        });
    }
}
