//! The end: stopped or dropped, at whatever moment, nothing is left behind.

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use retune::{Live, Retune, Setter};
use support::{Volume, eventually};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "info", validate = known)]
    level: String,
}

#[expect(clippy::ptr_arg, reason = "a check takes the field's type")]
fn known(level: &String) -> Result<(), String> {
    match level.as_str() {
        "panic" => panic!("as the test wants it"),
        "debug" | "info" | "warn" => Ok(()),
        other => Err(format!("no level: {other}")),
    }
}

fn watched() -> (tempfile::TempDir, Volume, Live<Config>) {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    (dir, volume, live)
}

#[test]
fn c9_no_callback_runs_after_stop_has_returned() {
    for _ in 0..200 {
        let (live, setter) = Live::settable(0u64);
        let stopped = Arc::new(AtomicBool::new(false));
        let calls = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let (stopped, calls) = (stopped.clone(), calls.clone());
            live.subscribe(move |_| {
                assert!(!stopped.load(Ordering::SeqCst), "called after the stop");
                calls.fetch_add(1, Ordering::SeqCst);
            })
            .detach();
        }
        setter.set(1);
        live.stop().unwrap();
        stopped.store(true, Ordering::SeqCst);
        let before = calls.load(Ordering::SeqCst);
        setter.set(2);
        assert!(live.changes().next().is_none());
        live.subscribe(|_| panic!("called after the stop")).detach();
        live.stop().unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), before);
        assert_eq!(live.status().counters.subscriber_panics, 0);
        assert_eq!(live.with(|n| *n), 2, "still readable");
    }
}

#[test]
fn c9_each_of_several_stops_at_once_waits_for_the_end() {
    let (live, setter) = Live::settable(0u64);
    let (open, door) = mpsc::channel::<()>();
    let door = Mutex::new(door);
    let running = Arc::new(AtomicBool::new(false));
    let runs = running.clone();
    live.subscribe(move |_| {
        runs.store(true, Ordering::SeqCst);
        _ = door.lock().unwrap().recv();
        runs.store(false, Ordering::SeqCst);
    })
    .detach();
    eventually("the callback runs", || running.load(Ordering::SeqCst));
    let returned = Arc::new(AtomicUsize::new(0));
    let stops: Vec<_> = (0..3)
        .map(|_| {
            let (live, running, returned) = (live.clone(), running.clone(), returned.clone());
            thread::spawn(move || {
                live.stop().unwrap();
                assert!(!running.load(Ordering::SeqCst), "it still runs");
                returned.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    eventually("they have begun", || live.changes().next().is_none());
    // A stop that does not wait would return about now.
    for n in 1..=1_000 {
        setter.set(n);
        thread::yield_now();
    }
    assert_eq!(returned.load(Ordering::SeqCst), 0);
    drop(open);
    for stop in stops {
        stop.join().unwrap();
    }
}

#[test]
fn c9_a_callback_that_stops_while_another_thread_stops_gets_an_error() {
    let live = Live::fixed(0u64);
    let inner = Arc::new(live.clone());
    let begun = Arc::new(AtomicBool::new(false));
    let (begins, answers) = (begun.clone(), mpsc::channel());
    live.subscribe(move |_| {
        begins.store(true, Ordering::SeqCst);
        eventually("the other stop has begun", || {
            inner.changes().next().is_none()
        });
        answers.0.send(inner.stop().is_err()).unwrap();
    })
    .detach();
    eventually("the callback runs", || begun.load(Ordering::SeqCst));
    live.stop().unwrap();
    assert!(answers.1.recv().unwrap());
}

#[test]
fn c9_a_reload_that_waits_when_all_is_stopped_gets_an_answer() {
    for _ in 0..50 {
        let (_dir, _volume, live) = watched();
        let askers: Vec<_> = (0..3)
            .map(|_| {
                let live = live.clone();
                thread::spawn(move || while live.reload().is_ok() {})
            })
            .collect();
        live.stop().unwrap();
        for asker in askers {
            asker.join().unwrap();
        }
        let error = live.reload().unwrap_err().to_string();
        assert!(error.contains("stopped"), "{error}");
    }
}

#[test]
fn the_last_handle_may_be_dropped_by_its_own_callback() {
    let (_dir, _volume, live) = watched();
    // The subscriber's own thread holds the only handle, and lets go of it while it runs.
    let handle = Mutex::new(None::<Live<Config>>);
    let handle = Arc::new(handle);
    let (inner, held) = (handle.clone(), Arc::new(()));
    let holds = Arc::downgrade(&held);
    live.subscribe(move |_| {
        _ = &held;
        eventually("the handle was left", || inner.lock().unwrap().is_some());
        drop(inner.lock().unwrap().take());
    })
    .detach();
    *handle.lock().unwrap() = Some(live);
    eventually("the callback is gone with its thread", || {
        holds.upgrade().is_none()
    });
}

#[test]
fn the_last_handle_may_be_dropped_by_a_gate() {
    let (_dir, volume, live) = watched();
    let held = Arc::new(());
    let gone = Arc::downgrade(&held);
    let inner = Mutex::new(Some(live.clone()));
    live.gate(move |_| {
        _ = &held;
        drop(inner.lock().unwrap().take());
        Ok::<_, String>(())
    })
    .detach();
    drop(live);
    volume.publish(&[("level", "warn")]);
    eventually("the gate is gone with everything else", || {
        gone.upgrade().is_none()
    });
}

/// A value that does something when it is dropped.
struct OnDrop<F: FnMut()>(u64, F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.1)();
    }
}

type Effect = Box<dyn FnMut() + Send + Sync>;
type Both = (Live<OnDrop<Effect>>, Setter<OnDrop<Effect>>);

#[test]
fn a_value_that_reads_sets_and_subscribes_when_it_is_dropped_does_not_deadlock() {
    static ONCE: AtomicUsize = AtomicUsize::new(0);
    let home: Arc<Mutex<Weak<Both>>> = Arc::default();
    let inner = home.clone();
    let effect: Effect = Box::new(move || {
        let Some(both) = inner.lock().unwrap().upgrade() else {
            return;
        };
        _ = both.0.with(|value| value.0);
        _ = both.0.status();
        drop(both.0.changes().next());
        both.1.set(OnDrop(7, Box::new(|| ())));
        ONCE.fetch_add(1, Ordering::SeqCst);
    });
    let both = Arc::new(Live::settable(OnDrop(1, effect)));
    *home.lock().unwrap() = Arc::downgrade(&both);
    let theirs = both.clone();
    let setting = thread::spawn(move || _ = theirs.1.set(OnDrop(2, Box::new(|| ()))));
    eventually("the swap returns", || setting.is_finished());
    setting.join().unwrap();
    assert_eq!(ONCE.load(Ordering::SeqCst), 1);
    assert_eq!(both.0.with(|value| value.0), 7);
}

#[test]
fn c14_a_check_that_panics_is_refused_and_reloading_goes_on() {
    let (_dir, volume, live) = watched();
    volume.publish(&[("level", "panic")]);
    eventually("refused", || live.status().rejection.is_some());
    let rejection = live.status().rejection.unwrap();
    assert!(
        rejection.problems[0].message().contains("panicked"),
        "{rejection:?}"
    );
    assert_eq!(live.with(|config| config.level.clone()), "info");
    volume.publish(&[("level", "warn")]);
    eventually("taken", || live.with(|config| config.level == "warn"));
    live.gate(|config: &Config| match config.level.as_str() {
        "debug" => panic!("as the test wants it"),
        _ => Ok::<_, String>(()),
    })
    .detach();
    let error = live.set("level", "debug").unwrap_err().to_string();
    assert!(error.contains("panicked: as the test wants it"), "{error}");
    volume.publish(&[("level", "info")]);
    eventually("taken", || live.with(|config| config.level == "info"));
    live.stop().unwrap();
}

#[test]
fn c12_a_publish_time_in_the_future_gives_no_lag_and_never_a_negative_one() {
    use std::time::{Duration, SystemTime};
    let (_dir, _volume, live) = watched();
    let mut times = live.status().times;
    assert!(times.lag().is_some());
    times.published = Some(times.swapped + Duration::from_secs(3600));
    times.applied = Some(SystemTime::now());
    assert_eq!((times.lag(), times.lag_applied()), (None, None));
    times.published = Some(times.swapped - Duration::from_secs(3600));
    assert_eq!(times.lag(), Some(Duration::from_secs(3600)));
    assert!(times.lag_applied() >= times.lag());
    live.stop().unwrap();
}

#[test]
fn c5_reading_causes_no_reload() {
    let (_dir, volume, live) = watched();
    let observations = || {
        let counters = live.status().counters;
        counters.events + counters.polls
    };
    for round in 1..=20 {
        let level = if round % 2 == 0 { "info" } else { "warn" };
        volume.publish(&[("level", level)]);
        eventually("taken", || live.with(|config| config.level == level));
        // Readings of our own: they open, read and close every file of the volume.
        for _ in 0..5 {
            live.reload().unwrap();
        }
    }
    // Twenty swaps make a few events each; readings that caused readings would go on without end.
    let made = live.status().counters;
    assert_eq!(made.applied, 20);
    assert!(observations() <= 20 * 8, "{made:?}");
    // Nothing more comes of itself: what is counted between two markers are the markers.
    volume.publish(&[("level", "debug")]);
    eventually("the marker", || live.with(|config| config.level == "debug"));
    let before = observations();
    volume.publish(&[("level", "warn")]);
    eventually("the marker", || live.with(|config| config.level == "warn"));
    assert!(
        observations() - before <= 16,
        "{:?}",
        live.status().counters
    );
    live.stop().unwrap();
}
