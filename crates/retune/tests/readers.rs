//! Reads while writes go on: whole generations, in order, and old ones freed.

mod support;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Weak, mpsc};
use std::thread;

use retune::{Live, Snapshot};
use support::eventually;

#[test]
fn g10_a_request_that_holds_a_snapshot_reads_the_same_on_both_sides_of_a_swap() {
    let (live, setter) = Live::settable((1, 1));
    let request = live.load();
    let first = request.0;
    setter.set((2, 2));
    assert_eq!((first, request.1), (1, 1));
    assert_eq!(Snapshot::generation(&request), 1);
    assert_eq!(Snapshot::generation(&live.load()), 2);
    // Inside `with` as well, whatever is read beside it.
    live.with(|outer| {
        setter.set((3, 3));
        assert_eq!(live.with(|inner| *inner), (3, 3));
        assert_eq!(*live.load(), (3, 3));
        assert_eq!(*outer, (2, 2));
    });
}

/// Twice the same number, and a count of the values in memory.
struct Pair {
    a: u64,
    b: u64,
    #[expect(dead_code)]
    alive: Arc<()>,
}

#[test]
fn g11_every_way_to_read_sees_whole_values_in_order_under_writes_and_the_last_in_the_end() {
    const LAST: u64 = 20_000;
    let alive = Arc::new(());
    let pair = |n| Pair {
        a: n,
        b: n,
        alive: alive.clone(),
    };
    let (live, setter) = Live::settable(pair(0));
    let stop = AtomicBool::new(false);
    let reads = AtomicUsize::new(0);
    let all_read = Barrier::new(4);
    thread::scope(|scope| {
        for way in 0..3 {
            let (live, stop, reads, all_read) = (&live, &stop, &reads, &all_read);
            scope.spawn(move || {
                let mut reader = live.reader();
                let mut last = 0;
                let mut read = || {
                    let (a, b) = match way {
                        0 => live.with(|pair| (pair.a, pair.b)),
                        1 => {
                            let pair = live.load();
                            (pair.a, pair.b)
                        }
                        _ => {
                            let pair = reader.get();
                            (pair.a, pair.b)
                        }
                    };
                    assert_eq!(a, b, "torn");
                    assert!(a >= last, "an older value after a newer");
                    last = a;
                    reads.fetch_add(1, Ordering::Relaxed);
                    last
                };
                read();
                all_read.wait();
                while !stop.load(Ordering::Acquire) {
                    read();
                }
                assert_eq!(read(), LAST, "the last value is seen");
            });
        }
        all_read.wait();
        for n in 1..=LAST {
            setter.set(pair(n));
        }
        stop.store(true, Ordering::Release);
    });
    assert!(reads.load(Ordering::Relaxed) >= 6);
    drop((live, setter));
    // This thread has let go, and the readers' do as they end: a scope waits for what its threads
    // run, not for what they drop last.
    eventually("all is freed", || Arc::strong_count(&alive) == 1);
}

#[test]
fn g13_a_snapshot_held_over_a_thousand_changes_retains_itself_alone() {
    let (live, setter) = Live::settable(vec![0u64; 1_000]);
    let held = live.load();
    let mut old: Vec<Weak<()>> = Vec::new();
    let (counted, counting) = Live::settable(Arc::new(()));
    let counted_held = counted.load();
    for n in 1..=1_000 {
        setter.set(vec![n; 1_000]);
        let value = Arc::new(());
        old.push(Arc::downgrade(&value));
        counting.set(value);
    }
    assert_eq!(held[0], 0);
    let left = old.iter().filter(|old| old.strong_count() > 0).count();
    assert_eq!(left, 1, "the current one alone");
    assert_eq!(Arc::strong_count(&counted_held), 1);
    for live in [
        live.status().held.generations,
        counted.status().held.generations,
    ] {
        assert_eq!(live, 1);
    }
    let held_age = live.status().held.oldest_seconds;
    eventually("its age grows", || {
        live.status().held.oldest_seconds > held_age
    });
    drop(held);
    // The thread remembers what it read last, until it reads again.
    live.with(|_| ());
    assert_eq!(live.status().held.generations, 0);
}

#[test]
fn g13_an_idle_reader_holds_one_generation_until_it_reads_or_releases() {
    let (live, setter) = Live::settable(Arc::new(0));
    let mut reader = live.reader();
    let first = Arc::downgrade(reader.get());
    for n in 1..=10 {
        setter.set(Arc::new(n));
    }
    assert_eq!(live.status().held.generations, 1);
    assert!(first.upgrade().is_some());
    assert_eq!(**reader.get(), 10);
    assert!(first.upgrade().is_none(), "reading lets go of the old one");
    let tenth = Arc::downgrade(reader.get());
    setter.set(Arc::new(11));
    assert!(tenth.upgrade().is_some());
    let handle = reader.release();
    assert!(tenth.upgrade().is_none());
    assert_eq!(live.status().held.generations, 0);
    let mut reader = handle.reader();
    assert_eq!(**reader.get(), 11);
    assert_eq!(**reader.snapshot(), 11);
}

#[test]
fn g13_a_thread_that_read_once_holds_its_generation_until_it_reads_again_or_ends() {
    let (live, setter) = Live::settable(Arc::new(0));
    let first = live.with(Arc::downgrade);
    let (go, wait) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let theirs = live.clone();
    let thread = thread::spawn(move || {
        theirs.with(|_| ());
        tell.send(()).unwrap();
        _ = wait.recv();
    });
    told.recv().unwrap();
    setter.set(Arc::new(1));
    assert_eq!(live.with(|n| **n), 1);
    assert!(first.upgrade().is_some(), "the other thread holds it");
    assert_eq!(live.status().held.generations, 1);
    drop(go);
    thread.join().unwrap();
    assert!(first.upgrade().is_none());
}

#[test]
fn g13_a_thread_holds_nothing_of_a_configuration_that_is_gone_once_it_reads_another_anew() {
    // Gone, with its place in this thread free or taken by one that this thread does not read.
    for taken in [false, true] {
        let (other, setter) = Live::settable(0);
        let value = Arc::new("of what is gone");
        let held = Arc::downgrade(&value);
        let gone = Live::fixed(value);
        gone.with(|_| ());
        drop(gone);
        let taker = taken.then(|| Live::fixed(1));
        setter.set(1);
        other.with(|_| ());
        assert_eq!(held.strong_count(), 0, "taken: {taken}");
        drop(taker);
    }
    // Or releases one.
    let other = Live::fixed(0);
    let value = Arc::new("of what is gone");
    let held = Arc::downgrade(&value);
    let gone = Live::fixed(value);
    gone.with(|_| ());
    drop(gone);
    other.release();
    assert_eq!(held.strong_count(), 0);
}

#[test]
fn reads_nest_over_several_configurations_and_types() {
    let (numbers, set_number) = Live::settable(1u32);
    let (words, set_word) = Live::settable("a".to_owned());
    for _ in 0..3 {
        let both = numbers.with(|n| words.with(|w| numbers.with(|m| format!("{n}{w}{m}"))));
        assert_eq!(both, "1a1");
        let deep = numbers.with(|n| {
            set_number.set(2);
            set_word.set("b".to_owned());
            words.with(|w| numbers.with(|m| words.with(|v| format!("{n}{w}{m}{v}"))))
        });
        assert_eq!(deep, "1b2b");
        set_number.set(1);
        set_word.set("a".to_owned());
    }
    // A panic inside leaves all as it was.
    let panics = thread::spawn({
        let numbers = numbers.clone();
        move || {
            let inner = std::panic::AssertUnwindSafe(|| numbers.with(|_| panic!("inside")));
            let caught = std::panic::catch_unwind(inner).is_err();
            (caught, numbers.with(|n| *n))
        }
    });
    assert_eq!(panics.join().unwrap(), (true, 1));
}

#[test]
fn a_place_that_is_used_again_never_gives_another_configurations_value() {
    // Each takes the place of the one before, in threads that still remember that one's value.
    let remembering = thread::spawn(|| {
        for n in 0..1_000u64 {
            let number = Live::fixed(n);
            assert_eq!(number.with(|m| *m), n);
            drop(number);
            let word = Live::fixed(n.to_string());
            assert_eq!(word.with(String::clone), n.to_string());
            assert_eq!(*word.load(), n.to_string());
        }
    });
    remembering.join().unwrap();
}

#[test]
fn a_reader_a_view_and_a_snapshot_outlive_the_handle() {
    let (live, setter) = Live::settable(1u64);
    let (mut reader, view, snapshot) = (live.reader(), live.view(|n| n), live.load());
    live.stop().unwrap();
    drop(live);
    assert_eq!((*reader.get(), view.get(), *snapshot), (1, 1, 1));
    setter.set(2);
    assert_eq!((*reader.get(), view.get(), *snapshot), (2, 2, 1));
    drop((setter, view));
    assert_eq!(*reader.get(), 2);
}

/// Reads when its thread ends, whether the library's own thread-local is still there or not.
struct AtExit {
    live: Live<u64>,
    tell: mpsc::Sender<(u64, u64)>,
}

impl Drop for AtExit {
    fn drop(&mut self) {
        let read = (self.live.with(|n| *n), *self.live.load());
        _ = self.tell.send(read);
    }
}

thread_local! {
    static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) };
}

#[test]
fn a_thread_that_ends_may_still_read() {
    let live = Live::fixed(7u64);
    for reads_first in [true, false] {
        let (tell, told) = mpsc::channel();
        let at_exit = AtExit {
            live: live.clone(),
            tell,
        };
        thread::spawn(move || {
            // Thread-locals go in an order of the platform's: once in each.
            if reads_first {
                at_exit.live.with(|_| ());
            }
            AT_EXIT.with(|slot| {
                let live = at_exit.live.clone();
                *slot.borrow_mut() = Some(at_exit);
                live.with(|_| ());
            });
        })
        .join()
        .unwrap();
        assert_eq!(told.recv().unwrap(), (7, 7));
    }
}

/// A value that reads a configuration when it is dropped.
struct ReadsOnDrop {
    other: Live<u64>,
    own: Option<Weak<Live<ReadsOnDrop>>>,
    tell: mpsc::Sender<u64>,
}

impl Drop for ReadsOnDrop {
    fn drop(&mut self) {
        if let Some(own) = self.own.as_ref().and_then(Weak::upgrade) {
            own.with(|_| ());
        }
        _ = self.tell.send(self.other.with(|n| *n));
    }
}

#[test]
fn a_value_that_reads_when_it_is_dropped_may_be_dropped_by_a_reader() {
    let (tell, told) = mpsc::channel();
    let other = Live::fixed(7u64);
    let value = |own| ReadsOnDrop {
        other: other.clone(),
        own,
        tell: tell.clone(),
    };
    let (live, setter) = Live::settable(value(None));
    let live = Arc::new(live);
    for _ in 0..3 {
        live.with(|_| ());
        setter.set(value(Some(Arc::downgrade(&live))));
        // This thread remembers the old one still, and drops it as it reads on.
        live.with(|_| ());
        assert_eq!(told.try_recv(), Ok(7));
        let mut reader = live.reader();
        reader.get();
        setter.set(value(Some(Arc::downgrade(&live))));
        live.with(|_| ());
        reader.get();
        assert_eq!(told.try_recv(), Ok(7));
    }
    // And by the end of a thread that remembers it.
    let theirs = live.clone();
    thread::spawn(move || theirs.with(|_| ())).join().unwrap();
    setter.set(value(None));
    drop((setter, live));
    thread::spawn(|| ()).join().unwrap();
}
