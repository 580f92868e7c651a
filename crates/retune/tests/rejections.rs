//! Group F: what is refused, what is told of it, and what clears it.
#![allow(missing_docs, dead_code)]

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use retune::status::{Health, RejectionReason};
use retune::{Live, Retune, Secret};
use support::{Notes, Volume, eventually, rejection, replace, until_ok, until_rejected};
use tempfile::tempdir;

#[derive(Clone, Copy, Debug, PartialEq, Retune)]
enum Level {
    Debug,
    Info,
    Warn,
}

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "info")]
    log_level: Level,
    #[retune(default = 1, validate = |n: &u32| match *n {
        13 => panic!("thirteen"),
        0 => Err("must be more than nothing".to_owned()),
        _ => Ok(()),
    })]
    workers: u32,
    #[retune(default = "30s")]
    timeout: Duration,
}

#[test]
fn f2_f3_f4_a_bad_edit_is_refused_and_cleared_by_a_fix_or_by_its_revert() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("log-level", "warn")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let notes = Notes::of(&live, |c| c.log_level);
    volume.publish(&[("log-level", "wran")]);
    let told = until_rejected(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "v/log-level:1:1",
        "`log_level`",
        "wran",
        "did you mean `warn`?",
    ] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    let status = live.status();
    let refused = status.rejection.unwrap();
    assert_eq!((status.generation, refused.generation), (1, 2));
    assert_eq!(
        (status.health, refused.reason),
        (Health::Degraded, RejectionReason::Invalid)
    );
    assert_eq!(live.with(|c| c.log_level), Level::Warn);

    // F4: what is live again makes no generation, and all is well.
    volume.publish(&[("log-level", "warn")]);
    until_ok(&live);
    assert_eq!(live.status().health, Health::Ok);
    assert_eq!(live.status().generation, 1);

    // F3
    volume.publish(&[("log-level", "wran")]);
    until_rejected(&live);
    volume.publish(&[("log-level", "debug")]);
    notes.until_last(Level::Debug);
    until_ok(&live);
    assert_eq!(notes.all(), [(1, Level::Warn), (2, Level::Debug)]);
    assert_eq!(live.status().counters.rejected_invalid, 2);
    assert_eq!(live.status().counters.rejected(), 2);
}

#[test]
fn f2_a_rejection_that_is_replaced_by_another_tells_the_other() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    volume.publish(&[("workers", "many")]);
    until_rejected(&live);
    let since = live.status().rejection.unwrap().since;
    volume.publish(&[("workers", "0")]);
    eventually("the other", || {
        rejection(&live)[0].contains("must be more than nothing")
    });
    assert_eq!(
        live.status().rejection.unwrap().since,
        since,
        "degraded since"
    );
    assert_eq!(live.status().counters.rejected(), 2);
    assert_eq!(live.with(|c| c.workers), 1);
}

#[test]
fn f5_one_bad_key_of_many_rejects_all() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("log-level", "warn"), ("workers", "1")],
    );
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let notes = Notes::of(&live, |c| (c.log_level, c.workers, c.timeout.as_secs()));
    volume.publish(&[("log-level", "debug"), ("workers", "-1"), ("timeout", "5s")]);
    let told = until_rejected(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    volume.publish(&[("log-level", "debug"), ("workers", "2"), ("timeout", "5s")]);
    notes.until_last((Level::Debug, 2, 5));
    assert_eq!(notes.values(), [(Level::Warn, 1, 30), (Level::Debug, 2, 5)]);
}

#[test]
fn f6_a_rule_across_fields_is_checked_on_what_all_sources_together_give() {
    fn ordered(range: &Range) -> Result<(), String> {
        match range.min <= range.max {
            true => Ok(()),
            false => Err(format!("min {} is more than max {}", range.min, range.max)),
        }
    }
    #[derive(Debug, Retune)]
    #[retune(validate = ordered)]
    struct Range {
        #[retune(default = 1)]
        min: u32,
        #[retune(default = 10)]
        max: u32,
    }
    let dir = tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "min: 5\n").unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("max", "8")]);
    let live = Range::loader()
        .file(file.as_path())
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    volume.publish(&[("max", "4")]);
    let told = until_rejected(&live);
    assert!(told[0].contains("min 5 is more than max 4"), "{told:?}");
    // The other file makes it right.
    replace(&file, "min: 3\n");
    eventually("both apply", || live.with(|c| (c.min, c.max) == (3, 4)));
    until_ok(&live);
    assert_eq!(live.status().generation, 2);
}

#[test]
fn f7_a_check_that_panics_refuses_and_reloading_goes_on() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    for _ in 0..2 {
        volume.publish(&[("workers", "13")]);
        let told = until_rejected(&live);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("panicked: thirteen"), "{told:?}");
        volume.publish(&[("workers", "2")]);
        until_ok(&live);
    }
    assert_eq!(live.with(|c| c.workers), 2);
    let error = Config::loader().set("workers", "13").once().unwrap_err();
    assert!(error.to_string().contains("panicked: thirteen"), "{error}");
}

#[test]
fn f11_a_gate_that_refuses_leaves_everybody_with_the_old() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let notes = Notes::of(&live, |c| c.workers);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let ask = asked.clone();
    let _first = live.gate(move |c| {
        ask.lock().unwrap().push(c.workers);
        Ok::<(), String>(())
    });
    let second = live.gate(|c| match c.workers {
        2 => Err("cannot bind"),
        3 => panic!("three"),
        _ => Ok(()),
    });
    volume.publish(&[("workers", "2")]);
    let told = until_rejected(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["rejections.rs", "cannot bind"] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    assert_eq!(
        live.status().rejection.unwrap().reason,
        RejectionReason::Gate
    );
    assert_eq!(live.with(|c| c.workers), 1);
    volume.publish(&[("workers", "3")]);
    eventually("the panic is told", || {
        rejection(&live)[0].contains("three")
    });
    let error = live.set("workers", "2").unwrap_err().to_string();
    assert!(error.contains("cannot bind"), "{error}");
    volume.publish(&[("workers", "4")]);
    notes.until_last(4);
    until_ok(&live);
    drop(second);
    volume.publish(&[("workers", "2")]);
    notes.until_last(2);
    assert_eq!(notes.values(), [1, 4, 2]);
    assert_eq!(
        asked.lock().unwrap()[0],
        2,
        "the first was asked and agreed"
    );
    assert_eq!(live.status().counters.rejected_gate, 3);
}

#[test]
fn f11_a_value_set_by_hand_is_offered_to_the_gates_and_told_its_number() {
    let (live, setter) = Live::settable(1_u8);
    let gate = |even: &u8| match even % 2 {
        0 => Ok(()),
        _ => Err("is odd".to_owned()),
    };
    let gate = live.gate(move |value| gate(value));
    assert_eq!(setter.offer(2).unwrap(), 2);
    assert_eq!(setter.offer(4).unwrap(), 3);
    let error = setter.offer(5).unwrap_err().to_string();
    assert!(error.contains("the change was refused"), "{error}");
    assert!(error.contains("is odd"), "{error}");
    assert_eq!((*live.load(), live.status().generation), (4, 3));
    drop(gate);
    assert_eq!(setter.offer(5).unwrap(), 4);
    assert_eq!(*live.load(), 5);
}

#[test]
fn f11_a_gate_that_refuses_for_a_reason_of_the_moment_is_asked_again() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let closed = Arc::new(AtomicBool::new(true));
    let is_closed = closed.clone();
    live.gate(move |_| match is_closed.load(Ordering::Relaxed) {
        true => Err("not now"),
        false => Ok(()),
    })
    .detach();
    volume.publish(&[("workers", "2")]);
    until_rejected(&live);
    closed.store(false, Ordering::Relaxed);
    assert_eq!(live.reload().unwrap(), 2);
    until_ok(&live);
}

#[test]
fn f11_h1_a_gate_s_and_a_check_s_words_do_not_tell_a_secret() {
    fn quote(config: &Login) -> Result<(), String> {
        match config.password.expose().len() {
            9 => Err(format!("{} is too short", config.password.expose())),
            _ => Ok(()),
        }
    }
    #[derive(Debug, Retune)]
    #[retune(validate = quote)]
    struct Login {
        password: Secret<String>,
    }
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("password", "long-enough\n")]);
    let live = Login::loader().mount(volume.not_secret()).watch().unwrap();
    let _gate = live.gate(|c| Err::<(), _>(format!("no login by {}", c.password.expose())));
    for secret in ["swordfish", "swordfish-the-second"] {
        volume.publish(&[("password", secret)]);
        eventually("refused", || live.reload().is_err());
        let told = format!(
            "{:?} {} {}",
            rejection(&live),
            live.reload().unwrap_err(),
            serde_json::to_string(&live.status()).unwrap()
        );
        assert!(told.contains("[redacted]"), "{told}");
        assert!(!told.contains("swordfish"), "{told}");
    }
}

/// Lets a check wait until the test says so.
#[derive(Default)]
struct Barrier {
    held: AtomicBool,
    entered: AtomicU64,
}

impl Barrier {
    /// Holds every candidate of a configuration.
    fn before(live: &Live<Config>) -> Arc<Self> {
        let barrier = Arc::new(Self::default());
        barrier.held.store(true, Ordering::SeqCst);
        let gate = barrier.clone();
        live.gate(move |_| {
            gate.pass();
            Ok::<(), String>(())
        })
        .detach();
        barrier
    }

    fn pass(&self) {
        self.entered.fetch_add(1, Ordering::SeqCst);
        while self.held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

static SLOW: Barrier = Barrier {
    held: AtomicBool::new(false),
    entered: AtomicU64::new(0),
};

#[test]
fn f7_a_check_beyond_its_patience_is_named_and_its_late_result_is_not_published() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(validate = |_: &u32| { SLOW.pass(); Ok::<(), String>(()) })]
        workers: u32,
    }
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let live = Config::loader()
        .mount(volume.not_secret())
        .patience(Duration::from_millis(20))
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| c.workers);
    let entered = SLOW.entered.load(Ordering::SeqCst);
    SLOW.held.store(true, Ordering::SeqCst);
    volume.publish(&[("workers", "2")]);
    eventually("the check runs", || {
        SLOW.entered.load(Ordering::SeqCst) > entered
    });
    eventually("the status names it", || live.status().stuck.is_some());
    let status = live.status();
    let stuck = status.stuck.unwrap();
    assert!(stuck.doing.contains("check"), "{stuck:?}");
    assert_eq!(status.health, Health::Degraded);
    assert_eq!(live.with(|c| c.workers), 1, "the old generation serves on");
    // What is being checked is outdated before the check returns.
    volume.publish(&[("workers", "3")]);
    SLOW.held.store(false, Ordering::SeqCst);
    notes.until_last(3);
    assert_eq!(notes.values(), [1, 3]);
    eventually("nothing is stuck", || {
        let status = live.status();
        status.stuck.is_none() && status.health == Health::Ok
    });
}

#[test]
fn c9_f11_a_value_that_is_set_while_all_is_stopped_is_not_said_to_hold() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let barrier = Barrier::before(&live);
    let in_thread = |act: fn(&Live<Config>) -> Result<(), retune::Error>| {
        let live = live.clone();
        std::thread::spawn(move || act(&live))
    };
    let set = in_thread(|live| live.set("workers", "2").map(drop));
    eventually("the gate is asked", || {
        barrier.entered.load(Ordering::SeqCst) > 0
    });
    let stopped = in_thread(|live| live.stop());
    // Nobody is answered any more once it is being stopped.
    let reload = in_thread(|live| live.reload().map(drop));
    eventually("it is being stopped", || reload.is_finished());
    barrier.held.store(false, Ordering::SeqCst);
    stopped.join().unwrap().unwrap();
    let answer = set.join().unwrap().unwrap_err();
    assert!(answer.to_string().contains("stopped"), "{answer}");
    assert_eq!(live.with(|c| c.workers), 1);
}

#[test]
fn f7_nothing_is_stuck_between_reloads_however_short_the_patience() {
    #[derive(Debug, Retune)]
    struct Config {
        workers: u32,
    }
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let loader = Config::loader().mount(volume.not_secret());
    let live = loader.patience(Duration::ZERO).watch().unwrap();
    live.gate(|_| Ok::<(), String>(())).detach();
    for workers in ["1", "2", "x", "3"] {
        volume.publish(&[("workers", workers)]);
        let answer = live.reload();
        assert_eq!(answer.is_err(), workers == "x", "{answer:?}");
        // A look of its own may be under way, which ends.
        eventually("nothing is under way", || live.status().stuck.is_none());
    }
}

#[test]
fn f11_a_gate_beyond_its_patience_is_named_and_stopping_does_not_publish() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let live = Config::loader()
        .mount(volume.not_secret())
        .patience(Duration::from_millis(20))
        .watch()
        .unwrap();
    let barrier = Barrier::before(&live);
    volume.publish(&[("workers", "2")]);
    eventually("the status names the gate", || {
        let stuck = live.status().stuck;
        stuck.is_some_and(|stuck| stuck.doing.contains("rejections.rs"))
    });
    // A reload that is asked for meanwhile ends with the configuration.
    let asker = live.clone();
    let asked = std::thread::spawn(move || asker.reload());
    let stopper = live.clone();
    let stopped = std::thread::spawn(move || stopper.stop());
    eventually("stopping ends the wait", || asked.is_finished());
    assert!(asked.join().unwrap().is_err());
    barrier.held.store(false, Ordering::SeqCst);
    stopped.join().unwrap().unwrap();
    assert_eq!(live.with(|c| c.workers), 1);
}
