//! Publishing against whoever comes, leaves, stops or lets go, in every order that loom finds with four
//! preemptions: the code itself, with all its locks, has more orders than can be tried. The parts that decide
//! are tried without that bound in `cell` and `subscriber`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use loom::model::Builder;
use loom::thread;

use super::{Changes, Command, Live};
use crate::generation::Snapshot;

fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut model = Builder::new();
    // `LOOM_MAX_PREEMPTIONS` is for who has more time.
    model.preemption_bound.get_or_insert(4);
    model.max_branches = 10_000;
    let orders = Arc::new(AtomicUsize::new(0));
    let counted = orders.clone();
    model.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        f();
    });
    let orders = orders.load(Ordering::Relaxed);
    println!("{orders} orders");
    assert!(
        orders > 10,
        "threads that do not meet show nothing: {orders}"
    );
}

/// Takes changes, in order and none twice, until the last one or the end; the last that it took.
fn follow(changes: &mut Changes<u64>, last: u64) -> u64 {
    let mut taken = 0;
    while taken < last {
        let Some(change) = changes.next() else {
            return taken;
        };
        let old = change.old().map(|old| **old);
        assert_eq!(old, (taken > 0).then_some(taken), "the one before");
        let new = **change.new_value();
        assert!(new > taken, "twice, or out of order");
        taken = new;
    }
    taken
}

#[test]
fn g9_loom_who_subscribes_during_a_publish_takes_it_once() {
    model(|| {
        let (live, setter) = Live::settable(1);
        let writer = thread::spawn(move || {
            setter.set(2);
            setter
        });
        let mut changes = live.changes();
        assert_eq!(follow(&mut changes, 2), 2);
        drop(changes);
        let setter = writer.join().unwrap();
        assert!(live.status().times.applied.is_some(), "waited for in vain");
        drop(setter);
    });
}

#[test]
fn g7_loom_who_leaves_during_a_publish_is_not_waited_for() {
    model(|| {
        let (live, setter) = Live::settable(1);
        let changes = live.changes();
        let writer = thread::spawn(move || {
            setter.set(2);
        });
        drop(changes);
        writer.join().unwrap();
        assert!(live.status().times.applied.is_some());
    });
}

#[test]
fn c9_loom_a_stop_ends_who_waits_and_loses_no_publish() {
    model(|| {
        let (live, setter) = Live::settable(1);
        let mut changes = live.changes();
        let follower = thread::spawn(move || follow(&mut changes, u64::MAX));
        let stopped = live.clone();
        let stopper = thread::spawn(move || stopped.stop().unwrap());
        assert_eq!(setter.set(2), 2);
        stopper.join().unwrap();
        assert!(follower.join().unwrap() <= 2);
        assert_eq!(Snapshot::generation(&live.load()), 2);
        assert!(live.changes().next().is_none(), "all is stopped");
    });
}

#[test]
fn c9_loom_who_subscribes_during_a_stop_does_not_wait_for_ever() {
    model(|| {
        let (live, _setter) = Live::settable(1);
        let late = live.clone();
        let late = thread::spawn(move || follow(&mut late.changes(), u64::MAX));
        live.stop().unwrap();
        assert!(late.join().unwrap() <= 1);
    });
}

#[test]
fn c9_loom_the_last_handle_ends_who_waits_wherever_it_is_dropped() {
    model(|| {
        let (live, setter) = Live::settable(1);
        let mut changes = live.changes();
        let writer = thread::spawn(move || {
            setter.set(2);
        });
        drop(live);
        assert!(follow(&mut changes, u64::MAX) <= 2);
        writer.join().unwrap();
    });
}

#[test]
fn c9_loom_who_asks_for_a_reload_during_a_stop_is_told_that_none_comes() {
    model(|| {
        let (live, _setter) = Live::settable(1);
        let (reply, answer) = mpsc::channel();
        let asking = live.clone();
        let asking = thread::spawn(move || asking.shared().send(Command::Reload(reply)));
        live.stop().unwrap();
        asking.join().unwrap();
        let told = answer.try_recv().err();
        assert_eq!(told, Some(mpsc::TryRecvError::Disconnected));
    });
}

/// Counted while it lives.
struct Counted(u64, Arc<AtomicUsize>);

impl Counted {
    fn new(n: u64, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(n, alive.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn g13_loom_a_generation_that_a_thread_releases_during_a_publish_is_freed() {
    model(|| {
        let alive = Arc::new(AtomicUsize::new(0));
        let (live, setter) = Live::settable(Counted::new(1, &alive));
        let next = Counted::new(2, &alive);
        let writer = thread::spawn(move || {
            setter.set(next);
        });
        assert!(live.with(|value| value.0) <= 2);
        let held = live.load();
        live.release();
        let Counted(number, _) = &*held;
        assert!(*number <= 2, "what is held stays");
        drop(held);
        writer.join().unwrap();
        assert_eq!(live.status().held.generations, 0);
        assert_eq!(alive.load(Ordering::SeqCst), 1);
        assert_eq!(live.with(|value| value.0), 2);
    });
}
