//! A15: volumes that belong together and carry a revision are taken together, or not at all.
#![allow(missing_docs)]

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use retune::source::Mount;
use retune::status::{Health, RejectionReason};
use retune::{Live, Loader, Retune, Secret};
use support::log::{self, logged};
use support::{Notes, Volume, eventually, lines, rejection, until_ok, until_rejected, warnings};
use tempfile::{TempDir, tempdir};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = 0)]
    user: u64,
    #[retune(default = 0)]
    password: Secret<u64>,
    #[retune(default = 0)]
    other: u64,
}

impl Config {
    fn pair(&self) -> (u64, u64) {
        (self.user, *self.password.expose())
    }
}

/// A ConfigMap and a Secret that belong together.
struct Both {
    _dir: TempDir,
    config: Volume,
    secret: Volume,
}

impl Both {
    fn new() -> Self {
        log::keep();
        let dir = tempdir().unwrap();
        let both = Self {
            config: Volume::new(dir.path().join("config"), &[]),
            secret: Volume::new(dir.path().join("secret"), &[]),
            _dir: dir,
        };
        both.write_config(1);
        both.write_secret(1);
        both
    }

    fn write_config(&self, n: u64) {
        let n = n.to_string();
        self.config.publish(&[("user", &n), ("revision", &n)]);
    }

    /// With a newline, as an editor leaves it.
    fn write_secret(&self, n: u64) {
        let n = n.to_string();
        self.secret
            .publish(&[("password", &n), ("rev", &format!("{n}\n"))]);
    }

    fn loader(&self) -> Loader<Config> {
        Config::loader()
            .mount(self.config.not_secret().revision("revision"))
            .mount(Mount::new(self.secret.path()).secret().revision("rev"))
            .poll_every(HOUR, HOUR)
    }

    fn watch(&self) -> Live<Config> {
        self.loader().watch().unwrap()
    }

    /// How the two are called in what is told.
    fn named(&self) -> [String; 2] {
        [&self.config, &self.secret].map(|volume| format!("mount {}", volume.path().display()))
    }
}

fn waits(live: &Live<Config>) -> Option<String> {
    let waiting = live.status().waiting;
    waiting.map(|waiting| waiting.problem.to_string())
}

#[track_caller]
fn until_waits(live: &Live<Config>) -> String {
    eventually("waiting", || waits(live).is_some());
    waits(live).unwrap()
}

#[test]
fn a15_volumes_of_a_revision_are_one_generation_and_never_mixed_whichever_is_first() {
    let both = Both::new();
    let live = both.watch();
    let notes = Notes::of(&live, Config::pair);
    let stop = AtomicBool::new(false);
    let samples = AtomicU64::new(0);
    let mixed = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut mixed = 0;
            while !stop.load(Ordering::Relaxed) {
                let (user, password) = live.with(Config::pair);
                mixed += u64::from(user != password);
                samples.fetch_add(1, Ordering::Relaxed);
            }
            mixed
        });
        for n in 2..8 {
            let first = n % 2 == 0;
            match first {
                true => both.write_config(n),
                false => both.write_secret(n),
            }
            // However far apart they are: what is in between has been read.
            until_waits(&live);
            assert_eq!(live.with(Config::pair), (n - 1, n - 1));
            match first {
                true => both.write_secret(n),
                false => both.write_config(n),
            }
            notes.until_last((n, n));
            assert_eq!(waits(&live), None);
        }
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert_eq!(mixed, 0);
    assert!(samples.load(Ordering::Relaxed) > 0);
    let expected: Vec<_> = (1..8).map(|n| (n, (n, n))).collect();
    assert_eq!(notes.all(), expected, "a generation for each pair");
    assert_eq!(live.status().counters.rejected(), 0);
}

#[test]
fn a15_swaps_back_to_back_are_never_mixed() {
    let both = Both::new();
    let live = both.watch();
    let stop = AtomicBool::new(false);
    let (samples, mixed) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut samples, mut mixed, mut last) = (0_u64, 0_u64, 0);
            while !stop.load(Ordering::Relaxed) {
                let (user, password) = live.with(Config::pair);
                samples += 1;
                mixed += u64::from(user != password || user < last);
                last = user;
            }
            (samples, mixed)
        });
        for n in 2..500 {
            match n % 2 {
                0 => (both.write_config(n), both.write_secret(n)),
                _ => (both.write_secret(n), both.write_config(n)),
            };
        }
        eventually("the last", || live.with(Config::pair) == (499, 499));
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(samples > 0);
    assert_eq!(mixed, 0, "of {samples}");
    assert_eq!(rejection(&live), [""; 0]);
}

#[test]
fn a15_waiting_is_told_and_no_fault_and_a_revert_ends_it() {
    let both = Both::new();
    let live = both.watch();
    both.write_config(2);
    let told = until_waits(&live);
    let [config, secret] = both.named();
    assert_eq!(
        told,
        format!(
            "volumes that belong together have different revisions: {config} has \"2\", {secret} has \
             one that is secret ([redacted]) (write the others with the same revision, too)"
        )
    );
    let status = live.status();
    assert_eq!(status.health, Health::Ok, "{:?}", status.reasons);
    assert!(status.rejection.is_none());
    eventually("logged", || logged(&["INFO", "waiting: ", &config]) == 1);
    let since = status.waiting.unwrap().since;

    // It is the same wait, whatever is read or asked for meanwhile.
    let error = live.reload().unwrap_err();
    assert_eq!(lines(error.problems()), [&*told]);
    let error = live.set("other", "5").unwrap_err();
    assert_eq!(lines(error.problems()), [&*told]);
    assert_eq!(live.status().waiting.unwrap().since, since);
    assert_eq!(logged(&["INFO", "waiting: ", &config]), 1);
    assert_eq!(live.load().other, 0);

    // Its end is that they belong together again, not that one cannot be read.
    let together = ["INFO", "of one revision again"];
    let before = logged(&together);
    both.write_config(1);
    eventually("over", || waits(&live).is_none());
    eventually("logged", || logged(&together) > before);
    let status = live.status();
    assert_eq!((status.generation, status.health), (1, Health::Ok));
    assert_eq!(status.counters.rejected(), 0);
    assert_eq!(live.set("other", "5").unwrap(), 2);
}

#[test]
fn a15_volumes_that_stay_apart_are_degraded_until_the_other_comes() {
    let both = Both::new();
    let patience = Duration::from_millis(100);
    let live = both.loader().revision_patience(patience).watch().unwrap();
    both.write_secret(2);
    // With no event any more, and no poll.
    let told = until_rejected(&live);
    assert!(
        told.len() == 1 && told[0].contains("have different revisions"),
        "{told:?}"
    );
    let status = live.status();
    assert_eq!(status.health, Health::Degraded);
    assert_eq!(status.rejection.unwrap().reason, RejectionReason::Revision);
    assert!(status.waiting.is_some());
    live.reload().unwrap_err();
    assert_eq!(live.status().counters.rejected_revision, 1);
    assert_eq!(live.with(Config::pair), (1, 1));
    both.write_config(2);
    until_ok(&live);
    assert_eq!(live.with(Config::pair), (2, 2));
    assert_eq!((waits(&live), live.status().health), (None, Health::Ok));
}

#[test]
fn a15_what_is_wrong_anyway_is_told_at_once() {
    let both = Both::new();
    let live = both.watch();
    both.config
        .publish(&[("app.yaml", "user: [\n"), ("revision", "2")]);
    let told = until_rejected(&live);
    assert!(told.len() == 2, "{told:?}");
    assert!(told[0].contains("app.yaml") && told[1].contains("different revisions"));
    // What values say that do not belong together is not looked at.
    both.config.publish(&[("user", "x"), ("revision", "2")]);
    both.secret.publish(&[("password", "2"), ("rev", "2")]);
    eventually("the value", || {
        let told = rejection(&live);
        told.len() == 1 && told[0].contains("`user`")
    });
    both.write_config(2);
    until_ok(&live);
    assert_eq!(live.with(Config::pair), (2, 2));
}

#[test]
fn a15_a_new_revision_alone_is_no_generation_but_is_waited_for() {
    let both = Both::new();
    let live = both.watch();
    let hash = live.status().hash;
    both.config.publish(&[("user", "1"), ("revision", "2")]);
    until_waits(&live);
    both.secret.publish(&[("password", "1"), ("rev", "2")]);
    eventually("over", || waits(&live).is_none());
    assert_eq!((live.status().generation, live.status().hash), (1, hash));
    assert_eq!(warnings(&live), [""; 0], "the key is not unknown");
    assert!(live.explain("revision").is_none());
}

#[test]
fn a15_a_volume_without_the_key_is_refused_with_what_to_do() {
    let both = Both::new();
    let live = both.watch();
    let place = both.config.key("revision").display().to_string();
    for (keys, what) in [
        (&[("user", "2")][..], "is not there"),
        (&[("user", "2"), ("revision", "\n")], "is empty"),
    ] {
        both.config.publish(keys);
        let expected = format!(
            "{place}: the volume's revision {what} (give the ConfigMap or Secret the key `revision`, \
             with the same text in all that belong together)"
        );
        eventually(what, || rejection(&live) == [&*expected]);
        assert_eq!(
            live.status().rejection.unwrap().reason,
            RejectionReason::Source
        );
        let error = both.loader().once().unwrap_err();
        assert_eq!(lines(error.problems()), [expected]);
    }
    both.write_config(1);
    until_ok(&live);
    assert_eq!(live.status().generation, 1);
}

#[test]
fn a15_different_revisions_at_the_start_are_an_error_that_names_both() {
    let both = Both::new();
    both.write_config(2);
    let [config, secret] = both.named();
    for error in [
        both.loader().once().unwrap_err(),
        both.loader().watch().map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.problems().len(), 1);
        let error = error.to_string();
        for part in [&*config, &*secret, "different revisions", "\"2\""] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn a15_no_revision_of_a_secret_is_shown() {
    #[derive(Debug, Retune)]
    struct Named {
        revision: Secret<String>,
    }
    log::keep();
    let dir = tempdir().unwrap();
    let volume = |name, revision| Volume::new(dir.path().join(name), &[("revision", revision)]);
    let (one, two) = (volume("one", "hunter2"), volume("two", "hunter2"));
    // The one by its mount, the other by the field that has the key's name.
    let live = Named::loader()
        .mount(Mount::new(one.path()).secret().revision("revision"))
        .mount(two.not_secret().revision("revision"))
        .watch()
        .unwrap();
    assert_eq!(live.with(|c| c.revision.expose().clone()), "hunter2");
    for volume in [&one, &two] {
        volume.publish(&[("revision", "hunter3")]);
        eventually("waiting", || live.status().waiting.is_some());
        let shown = format!("{:?} {}", live.status(), live.reload().unwrap_err());
        assert!(!shown.contains("hunter"), "{shown}");
        volume.publish(&[("revision", "hunter2")]);
        eventually("over", || live.status().waiting.is_none());
    }
    for volume in [&one, &two] {
        volume.publish(&[("revision", "hunter3")]);
    }
    eventually("it is a field's value, too", || {
        live.with(|c| c.revision.expose() == "hunter3")
    });
    assert_eq!(live.status().generation, 2);
    assert_eq!(logged(&["hunter"]), 0);
}

#[test]
fn a15_an_optional_volume_that_is_not_there_needs_no_revision() {
    let both = Both::new();
    let missing = both.config.path().with_extension("optional");
    let live = both
        .loader()
        .mount(
            Mount::new(&missing)
                .optional()
                .not_secret()
                .revision("revision"),
        )
        .watch()
        .unwrap();
    let third = Volume::new(&missing, &[("other", "2"), ("revision", "2")]);
    let told = until_waits(&live);
    assert!(told.contains(missing.to_str().unwrap()), "{told}");
    both.write_config(2);
    eventually("two of three", || {
        waits(&live).is_some_and(|told| told.matches("has \"2\"").count() == 2)
    });
    both.write_secret(2);
    eventually("all", || live.with(Config::pair) == (2, 2));
    assert_eq!(live.load().other, 2);
    assert_eq!(live.status().generation, 2);
    // Lost, it is refused as always, and not for its revision.
    third.publish(&[]);
    let told = until_rejected(&live);
    assert!(
        told.len() == 1 && told[0].contains("has no keys any more"),
        "{told:?}"
    );
}
