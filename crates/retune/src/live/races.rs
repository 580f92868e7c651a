//! Readers of every kind against a writer, small enough for Miri's detector of races.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::Live;

/// Two words that belong together, counted while they live.
struct Pair(u64, u64, Arc<AtomicUsize>);

impl Pair {
    fn new(n: u64, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(n, n, alive.clone())
    }

    fn number(&self) -> u64 {
        assert_eq!(self.0, self.1, "torn");
        self.0
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.2.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn g11_readers_of_every_kind_see_whole_values_in_order_and_old_ones_are_freed() {
    let writes = if cfg!(miri) { 60 } else { 20_000 };
    let alive = Arc::new(AtomicUsize::new(0));
    let (live, setter) = Live::settable(Pair::new(0, &alive));
    let done = Arc::new(AtomicBool::new(false));
    let reader = |read: fn(&Live<Pair>, &mut super::Reader<Pair>) -> u64| {
        let (live, done) = (live.clone(), done.clone());
        thread::spawn(move || {
            let mut own = live.reader();
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let now = read(&live, &mut own);
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
            read(&live, &mut own)
        })
    };
    let readers = [
        reader(|live, _| live.with(Pair::number)),
        reader(|live, _| live.load().number()),
        reader(|_, own| own.get().number()),
    ];
    for n in 1..=writes {
        setter.set(Pair::new(n, &alive));
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), writes);
    }
    // The current one alone: the readers' threads are gone, and their slots with them.
    assert_eq!(alive.load(Ordering::Relaxed), 1);
}
