//! F8: a field that only a restart changes is reported, not applied.
#![allow(missing_docs)]

mod support;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use retune::status::{Health, RejectionReason};
use retune::{Live, Retune};
use support::log::{self, logged};
use support::pending::{loader, pending, start, waits};
use support::{Notes, Volume, eventually, lines, rejection, until_ok, until_rejected, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
#[retune(validate = in_bounds)]
struct Config {
    #[retune(default = 8080, restart)]
    listen: u16,
    #[retune(default = 100)]
    limit: u32,
    #[retune(default = 1000, restart)]
    most: u32,
}

fn in_bounds(config: &Config) -> Result<(), String> {
    match config.limit <= config.most {
        true => Ok(()),
        false => Err(format!("limit {} is above {}", config.limit, config.most)),
    }
}

#[test]
fn f8_other_fields_apply_and_the_running_value_stays() {
    let (_dir, volume, live) = start::<Config>(&[("listen", "80"), ("limit", "1")]);
    let notes = Notes::of(&live, |c| (c.listen, c.limit));
    assert_eq!(pending(&live), []);
    volume.publish(&[("listen", "90"), ("limit", "2")]);
    notes.until_last((80, 2));
    let status = live.status();
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
    assert_eq!((status.health, status.generation), (Health::Ok, 2));
    assert_eq!(status.history[1].paths().collect::<Vec<_>>(), ["limit"]);
    assert_eq!(warnings(&live), [""; 0]);

    // One more generation, of which it is no part either.
    volume.publish(&[("listen", "90"), ("limit", "3")]);
    notes.until_last((80, 3));
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
    assert_eq!(notes.values(), [(80, 1), (80, 2), (80, 3)]);
}

#[test]
fn f8_alone_it_is_no_generation_and_a_revert_clears_it() {
    let (_dir, volume, live) = start::<Config>(&[("listen", "80")]);
    let hash = live.status().hash;
    let notes = Notes::of(&live, |c| c.listen);
    let part = Arc::new(AtomicUsize::new(0));
    let calls = part.clone();
    let view = live.view(|c| &c.listen);
    let _subscription = view.subscribe(move |_| _ = calls.fetch_add(1, Ordering::Relaxed));
    for (value, expected) in [
        ("90", vec![waits("listen", "80", "90")]),
        // What it was to be before is of no interest: what runs is.
        ("91", vec![waits("listen", "80", "91")]),
        ("80", vec![]),
        ("92", vec![waits("listen", "80", "92")]),
    ] {
        volume.publish(&[("listen", value)]);
        eventually(value, || pending(&live) == expected);
        assert_eq!(live.status().hash, hash, "the hash is of what runs");
    }
    let status = live.status();
    assert_eq!((status.generation, status.counters.applied), (1, 0));
    assert_eq!(status.history.len(), 1);
    // Another field's change is told, so that a call too many would have come by then.
    volume.publish(&[("listen", "92"), ("limit", "7")]);
    eventually("the limit", || notes.all().len() == 2);
    assert_eq!(notes.all(), [(1, 80), (2, 80)]);
    eventually("applied", || live.status().times.applied.is_some());
    assert_eq!(part.load(Ordering::Relaxed), 1);
}

#[test]
fn f8_a_restarted_replica_runs_the_new_value_and_has_another_hash() {
    let (_dir, volume, old) = start::<Config>(&[("listen", "80")]);
    volume.publish(&[("listen", "90")]);
    eventually("pending", || pending(&old).len() == 1);
    let new = loader::<Config>(&volume).watch().unwrap();
    assert_eq!(pending(&new), []);
    assert_eq!((old.load().listen, new.load().listen), (80, 90));
    assert_ne!(old.status().hash, new.status().hash);
    volume.publish(&[("listen", "80")]);
    eventually("pending there", || {
        pending(&new) == [waits("listen", "90", "80")]
    });
    eventually("not here", || pending(&old).is_empty());
}

#[test]
fn f8_a_default_is_a_running_value_as_well() {
    let (_dir, volume, live) = start::<Config>(&[("limit", "1")]);
    volume.publish(&[("limit", "2"), ("listen", "90")]);
    eventually("pending", || {
        pending(&live) == [waits("listen", "8080", "90")]
    });
    assert_eq!(live.with(|c| (c.listen, c.limit)), (8080, 2));
    // Given, and still the same: a restart would change nothing.
    volume.publish(&[("limit", "3"), ("listen", "8080\n")]);
    eventually("the limit", || live.with(|c| c.limit) == 3);
    assert_eq!(pending(&live), []);
    volume.publish(&[("limit", "4")]);
    eventually("the limit", || live.with(|c| c.limit) == 4);
    assert_eq!(pending(&live), []);

    let (_dir, volume, live) = start::<Config>(&[("listen", "80")]);
    volume.publish(&[("limit", "1")]);
    eventually("removed", || {
        pending(&live) == [waits("listen", "80", "8080")]
    });
    assert_eq!(live.load().listen, 80);
    let told = warnings(&live);
    assert!(
        told.len() == 1 && told[0].contains("the running value holds until a restart"),
        "{told:?}"
    );
}

#[test]
fn f8_what_is_given_elsewhere_and_is_the_same_does_not_wait() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    fs::write(&file, "listen: 80\n").unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("limit", "1")]);
    let live = Config::loader()
        .file(&*file)
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    volume.publish(&[("limit", "2"), ("listen", "80\n")]);
    eventually("the limit", || live.with(|c| c.limit) == 2);
    assert_eq!(pending(&live), []);
    let winner = live.explain("listen").unwrap().winner.unwrap();
    assert!(winner.origin.to_string().contains("/v/listen"), "{winner}");
}

#[test]
fn f8_the_candidate_as_it_stands_must_be_good() {
    let (_dir, volume, live) = start::<Config>(&[("limit", "100"), ("most", "1000")]);
    // Good as long as 1000 runs; a process that starts now would not start.
    volume.publish(&[("limit", "100"), ("most", "50")]);
    let told = until_rejected(&live);
    assert_eq!(
        told,
        [
            "limit 100 is above 50; what runs could go on, but a process that starts now would \
             refuse it"
        ]
    );
    assert_eq!(live.status().health, Health::Degraded);
    assert_eq!(pending(&live), [], "it is refused, and so does not wait");
    volume.publish(&[("limit", "50"), ("most", "50")]);
    until_ok(&live);
    assert_eq!(pending(&live), [waits("most", "1000", "50")]);
    assert_eq!(live.load().limit, 50);
}

#[test]
fn f8_what_would_run_now_must_be_good() {
    let (_dir, volume, live) = start::<Config>(&[("limit", "100"), ("most", "1000")]);
    volume.publish(&[("limit", "1500"), ("most", "2000")]);
    let told = until_rejected(&live);
    assert_eq!(
        told,
        [
            "limit 1500 is above 1000; so it is with the running value of `most`, which only a \
             restart changes (restart the process: the new values are good together)"
        ]
    );
    assert_eq!(
        live.status().rejection.unwrap().reason,
        RejectionReason::Invalid
    );
    assert_eq!(live.load().limit, 100);
    assert_eq!(loader::<Config>(&volume).once().unwrap().limit, 1500);
    volume.publish(&[("limit", "900"), ("most", "2000")]);
    until_ok(&live);
    assert_eq!(live.load().limit, 900);
}

#[test]
fn f8_what_is_bad_either_way_is_told_once_and_plainly() {
    let (_dir, volume, live) = start::<Config>(&[("limit", "100")]);
    volume.publish(&[("limit", "x"), ("listen", "90")]);
    let told = until_rejected(&live);
    assert!(told.len() == 1 && !told[0].contains("restart"), "{told:?}");
    volume.publish(&[("limit", "100"), ("listen", "x")]);
    eventually("the other", || {
        let told = rejection(&live);
        told.len() == 1 && told[0].contains("a process that starts now would refuse it")
    });
    // A bad observation after a good one leaves what waits as it was.
    volume.publish(&[("limit", "100"), ("listen", "90")]);
    until_ok(&live);
    volume.publish(&[("limit", "x"), ("listen", "91")]);
    until_rejected(&live);
    assert_eq!(pending(&live), [waits("listen", "8080", "90")]);
    volume.publish(&[("limit", "100")]);
    until_ok(&live);
    assert_eq!(pending(&live), []);
}

#[test]
fn f8_a_required_field_that_is_gone_is_refused() {
    #[derive(Debug, Retune)]
    struct Required {
        #[retune(restart)]
        listen: u16,
        #[retune(default = 1)]
        limit: u32,
    }
    let (_dir, volume, live) = start::<Required>(&[("listen", "80")]);
    volume.publish(&[("limit", "2")]);
    let told = until_rejected(&live);
    assert_eq!(told.len(), 1);
    for part in [
        "`listen`: missing",
        "gave it until now",
        "a process that starts now would refuse it",
    ] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    assert_eq!(live.with(|c| (c.listen, c.limit)), (80, 1));
}

#[test]
fn f8_explain_shows_what_waits_as_ignored() {
    let (_dir, volume, live) = start::<Config>(&[("app.yaml", "listen: 70"), ("listen", "80")]);
    // What runs overrode 70; what the new one would override is of no interest before it runs.
    volume.publish(&[("app.yaml", "listen: 71"), ("listen", "90")]);
    eventually("pending", || pending(&live).len() == 1);
    let told = live.explain("listen").unwrap();
    assert_eq!(told.winner.as_ref().unwrap().value, "80");
    assert_eq!(told.since_generation, 1);
    let [key, document] = ["listen", "app.yaml"].map(|key| volume.key(key).display().to_string());
    assert_eq!(
        told.to_string(),
        format!(
            "listen = 80 ({key}:1:1), since generation 1\n  ignores 90 ({key}:1:1): takes effect on \
             restart\n  overrides 70 ({document}:1:9)\n  overrides 8080 (default)"
        )
    );
    volume.publish(&[]);
    // A volume without keys is a loss; what waited waits on.
    until_rejected(&live);
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
    volume.publish(&[("limit", "1")]);
    until_ok(&live);
    let told = live.explain("listen").unwrap();
    let waiting = &told.losers[0];
    assert_eq!((&*waiting.value, waiting.ignored.is_some()), ("8080", true));
}

#[test]
fn f8_what_another_value_overrides_is_not_held_back() {
    let keys =
        |document, listen, limit| [("app.yaml", document), ("listen", listen), ("limit", limit)];
    let (_dir, volume, live) = start::<Config>(&keys("limit: 1", "80", "10"));
    volume.publish(&keys("limit: 2", "90", "20"));
    eventually("the other", || live.load().limit == 20);
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
    let told = live.explain("limit").unwrap();
    assert_eq!(
        (&*told.winner.unwrap().value, &*told.losers[0].value),
        ("20", "2")
    );
}

#[test]
fn f8_a_value_set_by_code_waits_like_any_other() {
    let (_dir, volume, live) = start::<Config>(&[("listen", "80")]);
    assert_eq!(live.set("listen", "90").unwrap(), 1);
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
    assert_eq!(live.load().listen, 80);
    assert_eq!(live.set("limit", "7").unwrap(), 2);
    // Refused, and so not kept: what waited before still does.
    let error = live.set("listen", "x").unwrap_err().to_string();
    assert!(error.contains("a process that starts now"), "{error}");
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
    assert_eq!(live.status().health, Health::Ok);
    assert_eq!(live.unset("listen").unwrap(), 2);
    assert_eq!(pending(&live), []);
    assert_eq!(live.with(|c| (c.listen, c.limit)), (80, 7));
    // What the volume gives meanwhile is what waits once the code's value is gone.
    live.set("listen", "90").unwrap();
    volume.publish(&[("listen", "91")]);
    live.reload().unwrap();
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
    live.unset("listen").unwrap();
    assert_eq!(pending(&live), [waits("listen", "80", "91")]);
}

#[test]
fn f8_a_strict_configuration_takes_it_as_well() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("listen", "80")]);
    let live = loader::<Config>(&volume).strict().watch().unwrap();
    volume.publish(&[("listen", "90"), ("limit", "7")]);
    eventually("applied", || live.with(|c| c.limit) == 7);
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
    volume.publish(&[("listen", "91"), ("limmit", "8")]);
    until_rejected(&live);
    assert_eq!(pending(&live), [waits("listen", "80", "90")]);
}

#[test]
fn f8_gates_are_asked_about_what_would_run_and_checks_run_once_for_what_waits() {
    static CHECKS: AtomicUsize = AtomicUsize::new(0);
    #[derive(Debug, Retune)]
    struct Checked {
        #[retune(default = 80, restart, validate = count)]
        listen: u16,
        #[retune(default = 1)]
        limit: u32,
    }
    #[allow(clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps)]
    fn count(_: &u16) -> Result<(), String> {
        CHECKS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    let (_dir, volume, live) = start::<Checked>(&[("listen", "80")]);
    let asked = Arc::new(AtomicUsize::new(0));
    let asks = asked.clone();
    let _gate = live.gate(move |config| {
        asks.fetch_add(1, Ordering::Relaxed);
        match config.listen {
            80 => Ok(()),
            other => Err(format!("{other} does not run")),
        }
    });
    volume.publish(&[("listen", "90")]);
    eventually("pending", || pending(&live).len() == 1);
    let checks = CHECKS.load(Ordering::Relaxed);
    for _ in 0..3 {
        live.reload().unwrap();
    }
    assert_eq!(
        CHECKS.load(Ordering::Relaxed),
        checks,
        "it is known as good"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0, "nothing new would run");
    volume.publish(&[("listen", "90"), ("limit", "2")]);
    eventually("applied", || live.with(|c| c.limit) == 2);
    assert_eq!(rejection(&live), [""; 0]);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn f8_it_is_logged_once_and_when_it_is_over() {
    #[derive(Debug, Retune)]
    struct Logged {
        #[retune(default = 1, restart)]
        a_field_of_the_log: u16,
        #[retune(default = 1)]
        n: u32,
    }
    log::keep();
    let (_dir, volume, live) = start::<Logged>(&[("n", "1")]);
    let told = || logged(&["WARN", "takes effect on restart", "a_field_of_the_log"]);
    volume.publish(&[("a-field-of-the-log", "2")]);
    eventually("told", || told() == 1);
    volume.publish(&[("a-field-of-the-log", "2"), ("n", "2")]);
    eventually("applied", || live.with(|c| c.n == 2));
    live.reload().unwrap();
    assert_eq!(told(), 1);
    volume.publish(&[("a-field-of-the-log", "1"), ("n", "2")]);
    assert_eq!(live.load().a_field_of_the_log, 1);
    eventually("over", || {
        pending(&live).is_empty() && logged(&["INFO", "nothing waits for a restart"]) > 0
    });
    assert_eq!(told(), 1);
}

#[test]
fn f8_values_set_whole_wait_for_nothing() {
    let config = |listen| Config {
        listen,
        limit: 1,
        most: 1,
    };
    let (live, setter) = Live::settable(config(80));
    setter.set(config(90));
    assert_eq!(live.load().listen, 90);
    assert_eq!(pending(&live), []);
}

#[test]
fn f8_a_report_at_the_start_says_nothing_of_restarts() {
    let error = Config::loader().set("most", "1").once().unwrap_err();
    assert_eq!(lines(error.problems()), ["limit 100 is above 1"]);
}
