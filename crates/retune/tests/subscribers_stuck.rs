//! Subscribers that do not return: nobody else waits, memory is bounded, and the status names them.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use retune::{Live, Retune};
use support::{Volume, eventually};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = 1)]
    size: u64,
}

/// A value that is counted for as long as it is in memory.
struct Counted(u64, #[expect(dead_code)] Arc<()>);

/// A callback that does not return before the sender is dropped; the number of its calls.
fn stuck<C>() -> (mpsc::Sender<()>, impl FnMut(C) + Send, Arc<AtomicU64>) {
    let (open, door) = mpsc::channel::<()>();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let callback = move |_: C| {
        counted.fetch_add(1, Ordering::SeqCst);
        _ = door.recv();
    };
    (open, callback, calls)
}

#[test]
fn g2_a_stuck_subscriber_holds_up_nobody_and_holds_at_most_one_old_generation() {
    const LAST: u64 = 10_000;
    let alive = Arc::new(());
    let (live, setter) = Live::settable(Counted(0, alive.clone()));
    let (open, mut callback, calls) = stuck();
    let _stuck = live.subscribe(move |change| callback(change.new_value().0));
    let last = Arc::new(AtomicU64::new(0));
    let told = last.clone();
    let _quick = live.subscribe(move |change| told.store(change.new_value().0, Ordering::SeqCst));
    eventually("it is stuck", || calls.load(Ordering::SeqCst) == 1);
    let mut unread = live.changes();
    assert_eq!(unread.next().unwrap().new_value().0, 0);
    for n in 1..=LAST {
        setter.set(Counted(n, alive.clone()));
    }
    eventually("the quick one is told the last", || {
        last.load(Ordering::SeqCst) == LAST
    });
    // Held: the first generation by the two that do not move, the last one as the current, and
    // while the quick one still steps, the one before.
    eventually("the others are gone", || Arc::strong_count(&alive) <= 1 + 3);
    assert!(live.status().held.generations <= 2);
    assert!(live.status().times.applied.is_none());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    drop(open);
    eventually("it steps to the last", || calls.load(Ordering::SeqCst) == 2);
    assert_eq!(unread.next().unwrap().new_value().0, LAST);
    drop(unread);
    eventually("all have returned", || {
        live.status().times.applied.is_some()
    });
    eventually("one is left", || Arc::strong_count(&alive) == 2);
    assert_eq!(live.status().held.generations, 0);
}

#[test]
fn g2_a_subscriber_past_its_patience_is_named_with_its_line_and_age() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("size", "1")]);
    let patience = Duration::from_millis(20);
    let loader = Config::loader().mount(volume.path()).patience(patience);
    let live = loader.watch().unwrap();
    let (open, mut callback, calls) = stuck();
    let line = line!() + 1;
    let _stuck = live.subscribe(move |change| callback(change.new_value().size));
    eventually("it is stuck", || calls.load(Ordering::SeqCst) == 1);
    eventually("it is named", || live.status().late.len() == 1);
    live.set("size", "2").unwrap();
    let status = live.status();
    let late = &status.late[0];
    let here = format!("subscribers_stuck.rs:{line}");
    assert!(late.subscriber.contains(&here), "{}", late.subscriber);
    assert_eq!(late.generation, 2);
    assert!(late.seconds > patience);
    assert!(status.times.applied.is_none());
    drop(open);
    eventually("it is named no more", || live.status().late.is_empty());
    eventually("it has returned", || live.status().times.applied.is_some());
    live.stop().unwrap();
}

#[test]
fn applied_waits_for_those_who_were_there_at_the_swap_and_for_nobody_else() {
    let (live, setter) = Live::settable(0u64);
    assert!(
        live.status().times.applied.is_some(),
        "nobody to wait for at the start"
    );
    let (open_a, mut callback, calls_a) = stuck();
    let _a = live.subscribe(move |change| callback(**change.new_value()));
    eventually("a is called", || calls_a.load(Ordering::SeqCst) == 1);
    setter.set(1);
    // One that comes later, and is stuck as well.
    let (open_b, mut callback, calls_b) = stuck();
    let _b = live.subscribe(move |change| callback(**change.new_value()));
    eventually("b is called", || calls_b.load(Ordering::SeqCst) == 1);
    assert!(live.status().times.applied.is_none());
    // `a` returns from the first call, and from the second.
    drop(open_a);
    eventually("applied without b", || {
        live.status().times.applied.is_some()
    });
    assert_eq!(calls_a.load(Ordering::SeqCst), 2);
    let times = live.status().times;
    assert!(times.applied.unwrap() >= times.swapped);
    drop(open_b);
}

#[test]
fn applied_does_not_wait_for_a_subscriber_that_left_while_it_was_stuck() {
    let (live, setter) = Live::settable(0u64);
    let (open, mut callback, calls) = stuck();
    let subscription = live.subscribe(move |change| callback(**change.new_value()));
    eventually("it is stuck", || calls.load(Ordering::SeqCst) == 1);
    setter.set(1);
    assert!(live.status().times.applied.is_none());
    drop(subscription);
    assert!(live.status().times.applied.is_some());
    setter.set(2);
    assert!(live.status().times.applied.is_some());
    drop(open);
    live.stop().unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn applied_is_kept_by_generation_in_the_history() {
    let (live, setter) = Live::settable(0u64);
    let gate = Arc::new(Mutex::new(()));
    let shut = gate.lock().unwrap();
    let waits = gate.clone();
    let _subscription = live.subscribe(move |_| drop(waits.lock()));
    for n in 1..=40 {
        setter.set(n);
    }
    let numbers: Vec<_> = live
        .status()
        .history
        .iter()
        .map(|entry| (entry.generation, entry.times.applied.is_some()))
        .collect();
    let expected: Vec<_> = (26..=41).map(|number| (number, false)).collect();
    assert_eq!(numbers, expected);
    drop(shut);
    eventually("all of them are applied", || {
        let history = live.status().history;
        history.iter().all(|entry| entry.times.applied.is_some())
    });
}
