//! The cell that one writer publishes to and any number of readers read.
//!
//! A version counter beside an `Arc` behind a lock. A reader keeps the `Arc` that it saw last and
//! compares versions: as long as nothing was published, reading is one load of a word that is
//! written only by a publish, so that it scales with the cores. Only the first read after a publish
//! takes the lock, for as long as cloning an `Arc` takes.

#[cfg(loom)]
use loom::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
use std::sync::PoisonError;
#[cfg(not(loom))]
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

/// Holds the current value of one writer.
#[derive(Debug)]
pub(crate) struct Cell<V> {
    /// Changes after each publish, and only then.
    version: AtomicU64,
    current: Mutex<Arc<V>>,
}

/// A reader's own copy of the pointer, with the version it stands for.
#[derive(Debug)]
pub(crate) struct Cached<V> {
    version: u64,
    value: Option<Arc<V>>,
}

// === impl Cell ===

impl<V> Cell<V> {
    pub(crate) fn new(value: Arc<V>) -> Self {
        Self {
            version: AtomicU64::new(1),
            current: Mutex::new(value),
        }
    }

    /// Publishes a value. The one before it is handed back, so that nothing is dropped under the
    /// lock.
    pub(crate) fn store(&self, value: Arc<V>) -> Arc<V> {
        let mut current = self.lock();
        let old = std::mem::replace(&mut *current, value);
        // Written under the lock, so that a reader that takes the lock sees value and version of
        // one publish. `Release` pairs with the `Acquire` in `version`: who sees the new version
        // without the lock will then find the new value under it.
        self.version.fetch_add(1, Ordering::Release);
        old
    }

    /// The version to compare a cached one with.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The current value, with its version.
    pub(crate) fn load(&self) -> (u64, Arc<V>) {
        let current = self.lock();
        // The lock orders this load after the store that belongs to the value.
        (self.version.load(Ordering::Relaxed), current.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<V>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Cached ===

impl<V> Cached<V> {
    /// Holds nothing until the first [`get`](Self::get).
    pub(crate) const fn new() -> Self {
        Self {
            version: 0,
            value: None,
        }
    }

    /// The current value: the copy, or a fresh one if something was published since.
    #[inline]
    pub(crate) fn get(&mut self, cell: &Cell<V>) -> &Arc<V> {
        if cell.version() != self.version {
            self.release();
        }
        let version = &mut self.version;
        self.value.get_or_insert_with(|| {
            let (fresh, value) = cell.load();
            *version = fresh;
            value
        })
    }

    /// Lets go of the copy: under no lock, as its `Drop` is the user's code.
    pub(crate) fn release(&mut self) {
        self.value = None;
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
                    let mut cached = Cached::new();
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
            let mut cached = Cached::new();
            cached.get(&cell);
            for writer in writers {
                writer.join().unwrap();
            }
            assert_eq!(**cached.get(&cell), *cell.load().1);
            assert_eq!(cached.version, 3);
        });
    }

    #[test]
    fn g13_loom_an_old_value_is_freed_when_its_last_holder_lets_go() {
        loom::model(|| {
            let cell = Arc::new(Cell::new(Arc::new(0u64)));
            let (_, held) = cell.load();
            let writer = {
                let cell = cell.clone();
                thread::spawn(move || drop(cell.store(Arc::new(1))))
            };
            let mut other = Cached::new();
            other.get(&cell);
            writer.join().unwrap();
            other.get(&cell);
            assert_eq!(Arc::strong_count(&held), 1);
            drop(cell);
            assert_eq!(other.value.map(|value| Arc::strong_count(&value)), Some(1));
        });
    }
}
