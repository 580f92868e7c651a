//! Callbacks: what they are told, in which order, and how long.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use retune::{Live, Retune, Snapshot, Subscription};
use support::{Volume, eventually};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "info")]
    level: String,
    #[retune(default = 1)]
    size: u32,
    db: Db,
}

#[derive(Debug, PartialEq, Retune)]
struct Db {
    #[retune(default = "localhost")]
    host: String,
    #[retune(default = 5432)]
    port: u16,
}

/// What a callback was told, in order.
fn heard<V>() -> (impl Fn(V) + Clone, Arc<Mutex<Vec<V>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    (move |value| told.lock().unwrap().push(value), heard)
}

/// A door that callbacks wait at until the test opens it.
fn door() -> (Sender<()>, Arc<Mutex<Receiver<()>>>) {
    let (open, closed) = mpsc::channel();
    (open, Arc::new(Mutex::new(closed)))
}

#[test]
fn g1_g5_quick_updates_reach_a_slow_subscriber_in_order_and_the_last_one_always() {
    const LAST: u64 = 20_000;
    let (live, setter) = Live::settable(0u64);
    let (tell, steps) = heard();
    let _slow = live.subscribe(move |change| {
        tell((change.old().map(|old| **old), **change.new_value()));
        thread::sleep(Duration::from_millis(1));
    });
    for n in 1..=LAST {
        assert_eq!(setter.set(n), n + 1);
    }
    eventually("the last value", || {
        steps
            .lock()
            .unwrap()
            .last()
            .is_some_and(|(_, new)| *new == LAST)
    });
    let steps = steps.lock().unwrap();
    let mut before = None;
    for (old, new) in &*steps {
        assert_eq!(*old, before, "the old value is the one told before");
        assert!(before.is_none_or(|before| *new > before), "out of order");
        before = Some(*new);
    }
}

#[test]
fn g5_both_values_are_of_whole_generations() {
    let (live, setter) = Live::settable((0u64, 0u64));
    let (tell, steps) = heard();
    let _subscription = live.subscribe(move |change| {
        let pair = |side: &Snapshot<(u64, u64)>| (Snapshot::generation(side), **side);
        tell((change.old().map(pair), pair(change.new_value())));
    });
    for n in 1..=1_000 {
        setter.set((n, n));
    }
    eventually("the last value", || {
        steps
            .lock()
            .unwrap()
            .last()
            .is_some_and(|(_, (number, _))| *number == 1_001)
    });
    for (old, new) in &*steps.lock().unwrap() {
        for (number, (a, b)) in old.iter().chain([new]) {
            assert_eq!((*a, *b), (number - 1, number - 1));
        }
    }
}

#[test]
fn g3_a_panic_is_counted_and_neither_ends_the_subscription_nor_harms_another() {
    let (live, setter) = Live::settable(0u64);
    let (tell, steps) = heard();
    let (tell_panicking, panicking) = heard();
    let _panics = live.subscribe(move |change| {
        tell_panicking(**change.new_value());
        panic!("as the test wants it");
    });
    let _other = live.subscribe(move |change| tell(**change.new_value()));
    for n in 1..=3 {
        setter.set(n);
        for heard in [&steps, &panicking] {
            eventually("each is told", || heard.lock().unwrap().last() == Some(&n));
        }
    }
    eventually("every panic is counted", || {
        live.status().counters.subscriber_panics == panicking.lock().unwrap().len() as u64
    });
    eventually("a panic is an answer", || {
        live.status().times.applied.is_some()
    });
    assert!(live.status().late.is_empty());
}

#[test]
fn g3_a_panic_whose_payload_panics_when_it_is_dropped_is_counted_as_any_other() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Bomb);
        }
    }
    let (live, setter) = Live::settable(0);
    let _panics = live.subscribe(|_| std::panic::panic_any(Bomb));
    for n in 1..=3 {
        let panics = || live.status().counters.subscriber_panics;
        eventually("it panics", || panics() == n);
        setter.set(n);
    }
}

/// A value whose `Drop` panics while it is armed.
struct Bomb(u64, Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.1.load(Ordering::SeqCst) > 0 && !thread::panicking() {
            self.1.fetch_sub(1, Ordering::SeqCst);
            panic!("dropping {}, as the test wants it", self.0);
        }
    }
}

#[test]
fn g3_a_panic_when_an_old_value_is_dropped_does_not_end_the_subscription() {
    let armed = Arc::new(AtomicUsize::new(0));
    let (live, setter) = Live::settable(Bomb(0, armed.clone()));
    let (tell, steps) = heard();
    let _subscription = live.subscribe(move |change| tell(change.new_value().0));
    eventually("told", || steps.lock().unwrap().len() == 1);
    for n in 1..=5 {
        armed.store(1, Ordering::SeqCst);
        setter.set(Bomb(n, armed.clone()));
        eventually("told", || steps.lock().unwrap().last() == Some(&n));
        eventually("the old one was dropped", || {
            armed.load(Ordering::SeqCst) == 0
        });
    }
    assert_eq!(live.with(|bomb| bomb.0), 5);
}

#[test]
fn g4_a_view_hears_of_its_own_part_alone() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info"), ("size", "1")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let (tell, levels) = heard();
    let (tell_db, hosts) = heard();
    let _level = live
        .view(|config| &config.level)
        .subscribe(move |level| tell(level.clone()));
    let _db = live
        .view(|config| &config.db)
        .subscribe(move |db| tell_db(format!("{}:{}", db.host, db.port)));
    eventually("the first values", || {
        levels.lock().unwrap().len() == 1 && hosts.lock().unwrap().len() == 1
    });
    // Every one of these is a generation, and the views see each (`applied` says so), but none is
    // about the level, and the last one alone is about the database.
    for size in 2..=5u32 {
        volume.publish(&[("level", "info"), ("size", &size.to_string())]);
        eventually("applied", || {
            live.with(|config| config.size) == size && live.status().times.applied.is_some()
        });
    }
    volume.publish(&[("level", "info"), ("size", "5"), ("db.port", "1")]);
    eventually("the other port", || hosts.lock().unwrap().len() == 2);
    volume.publish(&[("level", "warn"), ("size", "5"), ("db.port", "1")]);
    eventually("the other level", || levels.lock().unwrap().len() == 2);
    assert_eq!(*levels.lock().unwrap(), ["info", "warn"]);
    assert_eq!(*hosts.lock().unwrap(), ["localhost:5432", "localhost:1"]);
    live.stop().unwrap();
}

#[test]
fn g4_a_change_there_and_back_that_was_stepped_over_is_none_for_a_view() {
    let (live, setter) = Live::settable((1u8, 0u8));
    let (open, door) = door();
    let (tell, parts) = heard();
    let _subscription = live.view(|value| &value.0).subscribe(move |part| {
        tell(*part);
        _ = door.lock().unwrap().recv();
    });
    eventually("it waits", || parts.lock().unwrap().len() == 1);
    setter.set((2, 1));
    setter.set((1, 2));
    open.send(()).unwrap();
    eventually("stepped over", || live.status().times.applied.is_some());
    drop(open);
    setter.set((3, 3));
    eventually("the marker", || parts.lock().unwrap().last() == Some(&3));
    assert_eq!(*parts.lock().unwrap(), [1, 3]);
}

#[test]
fn g6_a_callback_may_subscribe_read_reload_and_set() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let (tell, steps) = heard();
    let (tell_inner, inner_steps) = heard();
    let inner = live.clone();
    let _subscription = live.subscribe(move |change| {
        let level = change.new_value().level.clone();
        let tell_inner = tell_inner.clone();
        inner
            .subscribe(move |change| tell_inner(change.new_value().level.clone()))
            .detach();
        let number = inner.reload().unwrap();
        if level == "warn" {
            inner.set("size", "7").unwrap();
        }
        _ = (inner.with(|config| config.size), inner.status());
        tell((number, level));
    });
    eventually("the first call returns", || {
        steps.lock().unwrap().len() == 1
    });
    volume.publish(&[("level", "warn")]);
    eventually("both calls return", || {
        live.with(|config| config.size == 7) && steps.lock().unwrap().len() == 3
    });
    eventually("a subscriber that a callback made is told", || {
        inner_steps
            .lock()
            .unwrap()
            .iter()
            .any(|level| level == "warn")
    });
    live.stop().unwrap();
}

#[test]
fn g6_stopping_in_a_callback_is_an_error_and_no_deadlock() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let (tell, errors) = heard();
    let inner = live.clone();
    let _subscription = live.subscribe(move |_| tell(inner.stop().map_err(|e| e.to_string())));
    eventually("it returned", || errors.lock().unwrap().len() == 1);
    let error = errors.lock().unwrap()[0].clone().unwrap_err();
    assert!(error.contains("would wait for itself"), "{error}");
    // It goes on as before.
    live.set("size", "2").unwrap();
    eventually("told", || errors.lock().unwrap().len() == 2);
    live.stop().unwrap();
}

#[test]
fn g6_a_gate_may_read_and_is_refused_what_would_wait_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let (tell, answers) = heard();
    let inner = live.clone();
    live.gate(move |config: &Config| {
        tell((
            inner.reload().unwrap_err().to_string(),
            inner.set("size", "9").unwrap_err().to_string(),
            inner.stop().unwrap_err().to_string(),
            (config.size, inner.with(|old| old.size)),
        ));
        inner.gate(|_| Ok::<_, String>(())).detach();
        Ok::<_, String>(())
    })
    .detach();
    live.set("size", "2").unwrap();
    let answers = answers.lock().unwrap();
    let (reload, set, stop, sizes) = &answers[0];
    for error in [reload, set, stop] {
        assert!(error.contains("would wait for itself"), "{error}");
    }
    assert_eq!(*sizes, (2, 1));
    drop(live);
}

#[test]
fn g7_a_dropped_subscription_is_told_nothing_more() {
    let (live, setter) = Live::settable(0u64);
    let (tell, dropped) = heard();
    let (tell_other, other) = heard();
    let subscription = live.subscribe(move |change| tell(**change.new_value()));
    let _other = live.subscribe(move |change| tell_other(**change.new_value()));
    eventually("both were told", || {
        dropped.lock().unwrap().len() == 1 && live.status().times.applied.is_some()
    });
    drop(subscription);
    for n in 1..=10 {
        setter.set(n);
        eventually("the other one hears", || {
            other.lock().unwrap().last() == Some(&n)
        });
    }
    // Stopping joins all threads: whatever was to come has come.
    live.stop().unwrap();
    assert_eq!(*dropped.lock().unwrap(), [0]);
}

#[test]
fn g6_g7_a_callback_may_end_its_own_subscription() {
    let (live, setter) = Live::settable(0u64);
    let own: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let (tell, steps) = heard();
    let inner = own.clone();
    let subscription = live.subscribe(move |change| {
        tell(**change.new_value());
        if **change.new_value() == 1 {
            drop(inner.lock().unwrap().take());
        }
    });
    *own.lock().unwrap() = Some(subscription);
    setter.set(1);
    eventually("it ended itself", || own.lock().unwrap().is_none());
    setter.set(2);
    // Stopping joins all threads: whatever was to come has come.
    live.stop().unwrap();
    assert_eq!(steps.lock().unwrap().last(), Some(&1));
}

#[test]
fn g7_a_detached_subscription_lasts_as_long_as_the_configuration() {
    let (live, setter) = Live::settable(0u64);
    let (tell, steps) = heard();
    // Dropped with the callback: tells when its thread has let go of it.
    let held = Arc::new(());
    let holds = held.clone();
    live.subscribe(move |change| {
        _ = &holds;
        tell(**change.new_value());
    })
    .detach();
    setter.set(1);
    eventually("told", || steps.lock().unwrap().last() == Some(&1));
    drop((live, setter));
    eventually("its thread ends with the configuration", || {
        Arc::strong_count(&held) == 1
    });
}

#[test]
fn g8_g9_a_subscriber_hears_first_and_once_what_holds_when_it_comes() {
    let (live, setter) = Live::settable(0u64);
    for n in 1..=5 {
        setter.set(n);
    }
    let (tell, steps) = heard();
    let _late = live.subscribe(move |change| {
        tell((
            change.old().is_some(),
            **change.new_value(),
            change.paths().len(),
        ));
    });
    eventually("told", || !steps.lock().unwrap().is_empty());
    setter.set(6);
    eventually("told again", || steps.lock().unwrap().len() == 2);
    assert_eq!(*steps.lock().unwrap(), [(false, 5, 0), (true, 6, 0)]);
}

#[test]
fn changes_name_the_paths_that_differ() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let mut changes = live.changes();
    assert!(changes.next().unwrap().paths().is_empty());
    volume.publish(&[("db.port", "1"), ("size", "3"), ("level", "info")]);
    let change = changes.next().unwrap();
    assert_eq!(change.paths(), ["db.port", "size"]);
    assert_eq!(change.old().unwrap().db.port, 5432);
    live.stop().unwrap();
    assert!(changes.next().is_none());
}
