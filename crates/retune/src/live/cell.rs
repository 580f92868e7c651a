//! The cell that one writer publishes to and any number of readers read.
//!
//! The place of the current value in memory, beside an `Arc` of it behind a lock. A reader keeps the
//! `Arc` that it saw last and compares places: as long as nothing was published, reading is one
//! load of a word that is written only by a publish, so that it scales with the cores. Only the
//! first read after a publish takes the lock, for as long as cloning an `Arc` takes.

use std::sync::{Arc, PoisonError};

use super::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

/// Holds the current value of one writer.
#[derive(Debug)]
pub(crate) struct Cell<V> {
    /// Where the current value lies. Whoever keeps a value keeps its place from being used again,
    /// so that the place tells it from every value that came after it.
    place: AtomicUsize,
    current: Mutex<Arc<V>>,
}

/// A reader's own copy of the pointer.
#[derive(Debug)]
pub(crate) struct Cached<V>(Arc<V>);

/// Where a value lies: never 0.
#[inline]
pub(crate) fn place<V: ?Sized>(value: &V) -> usize {
    std::ptr::from_ref(value).cast::<()>().addr()
}

// === impl Cell ===

impl<V> Cell<V> {
    pub(crate) fn new(value: Arc<V>) -> Self {
        Self {
            place: AtomicUsize::new(place(&*value)),
            current: Mutex::new(value),
        }
    }

    /// Publishes a value. The one before it is handed back, so that nothing is dropped under the
    /// lock.
    pub(crate) fn store(&self, value: Arc<V>) -> Arc<V> {
        let mut current = self.lock();
        let place = place(&*value);
        let old = std::mem::replace(&mut *current, value);
        // Written under the lock, so that value and place are of one publish.
        self.place.store(place, Ordering::Relaxed);
        old
    }

    /// Where the current value lies.
    ///
    /// `Relaxed`, as the lock orders what has to be ordered: who finds the place of the value that it keeps has
    /// got that value under the lock, and who finds another takes the lock after the writer that wrote it. A read that
    /// comes after a publish in any other order finds its place or a newer one.
    #[inline]
    pub(crate) fn place(&self) -> usize {
        self.place.load(Ordering::Relaxed)
    }

    /// The current value.
    #[cold]
    #[inline(never)]
    pub(crate) fn load(&self) -> Arc<V> {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Arc<V>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Cached ===

impl<V> Cached<V> {
    pub(crate) fn new(cell: &Cell<V>) -> Self {
        Self(cell.load())
    }

    /// The current value: the copy, or a fresh one if something was published since.
    #[inline]
    pub(crate) fn get(&mut self, cell: &Cell<V>) -> &Arc<V> {
        // Loaded before the copy is looked at: then the copy is looked at once, not twice.
        if cell.place() != place(&*self.0) {
            // Here, not in a function that is lent the copy: then it can stay in a register of the loop that reads.
            // The old one is dropped under no lock, as its `Drop` is the user's code.
            self.0 = cell.load();
        }
        &self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn g12_a_read_takes_no_lock_as_long_as_nothing_was_published() {
        let cell = Cell::new(Arc::new(1));
        let mut cached = Cached::new(&cell);
        // Whoever wanted it now would wait for ever.
        let held = cell.lock();
        assert_eq!(**cached.get(&cell), 1);
        drop(held);
        cell.store(Arc::new(2));
        assert_eq!(**cached.get(&cell), 2);
        let held = cell.lock();
        assert_eq!(**cached.get(&cell), 2);
        drop(held);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::thread;

    #[test]
    fn g11_loom_a_reader_sees_whole_values_in_order_and_the_last_one_in_the_end() {
        loom::model(|| {
            let cell = Arc::new(Cell::new(Arc::new((0u64, 0u64))));
            let writer = {
                let cell = cell.clone();
                thread::spawn(move || {
                    for n in 1..=2 {
                        drop(cell.store(Arc::new((n, n))));
                    }
                })
            };
            let reader = {
                let cell = cell.clone();
                thread::spawn(move || {
                    let mut cached = Cached::new(&cell);
                    let mut last = 0;
                    for _ in 0..3 {
                        let (a, b) = **cached.get(&cell);
                        assert_eq!(a, b, "torn");
                        assert!(a >= last, "out of order");
                        last = a;
                    }
                    (cell, cached)
                })
            };
            writer.join().unwrap();
            let (cell, mut cached) = reader.join().unwrap();
            assert_eq!(cached.get(&cell).0, 2, "lost the last value");
        });
    }

    #[test]
    fn g11_loom_two_writers_leave_value_and_version_in_step() {
        loom::model(|| {
            let cell = Arc::new(Cell::new(Arc::new(0u64)));
            let writers: Vec<_> = (1..=2u64)
                .map(|n| {
                    let cell = cell.clone();
                    thread::spawn(move || drop(cell.store(Arc::new(n))))
                })
                .collect();
            let mut cached = Cached::new(&cell);
            cached.get(&cell);
            for writer in writers {
                writer.join().unwrap();
            }
            assert_eq!(**cached.get(&cell), *cell.load());
        });
    }

    #[test]
    fn g13_loom_an_old_value_is_freed_when_its_last_holder_lets_go() {
        loom::model(|| {
            let cell = Arc::new(Cell::new(Arc::new(0u64)));
            let held = cell.load();
            let writer = {
                let cell = cell.clone();
                thread::spawn(move || drop(cell.store(Arc::new(1))))
            };
            let mut other = Cached::new(&cell);
            other.get(&cell);
            writer.join().unwrap();
            other.get(&cell);
            assert_eq!(Arc::strong_count(&held), 1);
            drop(cell);
            assert_eq!(Arc::strong_count(&other.0), 1);
        });
    }
}
