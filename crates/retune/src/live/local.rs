//! A cached reader per thread and cell, so that reading needs no reader of one's own.
//!
//! Each cell has an index into the threads' slots, used again when the cell is gone. What is in a slot
//! is this cell's if it lies where the cell's current value does. A slot keeps its last value alive
//! until its thread reads again, releases it or ends. Of a cell that is gone, it does so until its thread
//! reads something new of any cell, or releases any: nobody else can reach into a thread's slots.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cell::{Cell, place};

/// A cell's place in the threads' slots.
#[derive(Debug)]
pub(crate) struct Key {
    index: usize,
    /// Unlike any other cell's.
    owner: u64,
}

type Shared = Arc<dyn Any + Send + Sync>;

/// One thread's, by index.
struct Slots {
    slots: Vec<Slot>,
    /// How many cells were gone when it was looked at last whose values these are.
    gone: u64,
}

/// A value as one thread saw it last.
#[derive(Default)]
struct Slot {
    /// Where the value lies, or [`NOWHERE`]: known without asking the value.
    place: usize,
    value: Option<Shared>,
    /// Whose it is, or was.
    owner: u64,
}

/// Who has which index.
struct Indices {
    /// By index.
    owners: Vec<u64>,
    free: Vec<usize>,
    next_owner: u64,
}

#[cfg(loom)]
loom::thread_local! {
    static SLOTS: RefCell<Slots> = RefCell::new(Slots::new());
}
#[cfg(not(loom))]
thread_local! {
    static SLOTS: RefCell<Slots> = const { RefCell::new(Slots::new()) };
}

static INDICES: Mutex<Indices> = Mutex::new(Indices {
    owners: Vec::new(),
    free: Vec::new(),
    next_owner: NOBODY + 1,
});

const NOBODY: u64 = 0;

/// Where no value lies.
const NOWHERE: usize = 0;

/// How many cells are gone.
static GONE: AtomicU64 = AtomicU64::new(0);

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
        let slot = slots.slots.get(key.index)?;
        if slot.place != current {
            return None;
        }
        let shared = slot.value.as_ref()?;
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
    let old = SLOTS.try_with(|slots| {
        let mut slots = slots.try_borrow_mut().ok()?;
        let old = slots.slots.get_mut(key.index).and_then(Slot::take);
        Some((old, slots.sweep()))
    });
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
    let slot = shared.clone();
    // Not while this thread is inside `with` (the slots are borrowed) or ending (they are gone):
    // then the value is used without being remembered.
    let old = SLOTS.try_with(|slots| {
        let mut slots = slots.try_borrow_mut().ok()?;
        Some((slots.put(key, slot), slots.sweep()))
    });
    // Dropped with the slots free again: a value's `Drop` may read a cell.
    drop(old);
    f(&shared, &value)
}

fn indices() -> MutexGuard<'static, Indices> {
    INDICES.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Slots ===

impl Slots {
    const fn new() -> Self {
        Self {
            slots: Vec::new(),
            gone: 0,
        }
    }

    /// Remembers a value, and gives the one before.
    fn put(&mut self, key: &Key, value: Shared) -> Option<Shared> {
        if self.slots.len() <= key.index {
            self.slots.resize_with(key.index + 1, Slot::default);
        }
        let slot = self.slots.get_mut(key.index)?;
        slot.owner = key.owner;
        slot.place = place(&*value);
        slot.value.replace(value)
    }

    /// Takes out the values of cells that are gone.
    fn sweep(&mut self) -> Vec<Shared> {
        let gone = GONE.load(Ordering::Acquire);
        if gone == self.gone {
            return Vec::new();
        }
        self.gone = gone;
        let indices = indices();
        let slots = self.slots.iter_mut().zip(&indices.owners);
        let lost = slots.filter(|(slot, owner)| slot.owner != **owner);
        lost.filter_map(|(slot, _)| slot.take()).collect()
    }
}

// === impl Slot ===

impl Slot {
    fn take(&mut self) -> Option<Shared> {
        self.place = NOWHERE;
        self.value.take()
    }
}

// === impl Key ===

impl Key {
    pub(crate) fn new() -> Self {
        let mut indices = indices();
        let owner = indices.next_owner;
        indices.next_owner += 1;
        let index = indices.free.pop().unwrap_or(indices.owners.len());
        match indices.owners.get_mut(index) {
            Some(place) => *place = owner,
            None => indices.owners.push(owner),
        }
        Self { index, owner }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let mut indices = indices();
        if let Some(place) = indices.owners.get_mut(self.index) {
            *place = NOBODY;
        }
        indices.free.push(self.index);
        // Whoever sees the count sees the place.
        GONE.fetch_add(1, Ordering::Release);
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
