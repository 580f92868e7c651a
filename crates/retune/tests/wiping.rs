//! H4: what stays in a process's memory of secrets that are no more. A child runs the configuration;
//! the test searches the child's memory for what only the test and the files know.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::{env, thread};

use retune::source::{Env, Mount};
use retune::{Live, Retune, Secret, Token};
use support::memory::{Remnants, Searched, random, step};
use support::{Volume, eventually, is_child, until_ok, until_rejected};

/// Where the child finds its volumes.
const DIR: &str = "RETUNE_TEST_DIR";

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "what stays of it is searched for")]
struct Config {
    message: String,
    #[retune(default = 0)]
    pin: u16,
    text: Secret<String>,
    windows: Secret<String>,
    bytes: Secret<Vec<u8>>,
    path: Secret<PathBuf>,
    list: Secret<Vec<String>>,
    each: Vec<Secret<String>>,
    pair: Secret<Pair>,
    raw: Option<Secret<Box<str>>>,
    indirect: Secret<String>,
    token: Token,
}

#[derive(Debug, Retune)]
#[retune(wipe)]
struct Pair {
    user: String,
    password: String,
}

/// The keys of one generation. Each name with a secret of its own, but for the message and the pin.
const KEYS: [&str; 15] = [
    "text",
    "windows",
    "windows2",
    "bytes",
    "path",
    "list",
    "list2",
    "each",
    "each2",
    "pair.user",
    "pair.password",
    "raw",
    "unknown",
    "indirect",
    "token",
];

/// One generation of secrets.
struct Secrets(Vec<String>);

impl Secrets {
    /// Each shorter than the ones before: what takes their place in memory covers a part of it only.
    fn new(length: usize) -> Self {
        Self(KEYS.iter().map(|_| random(length)).collect())
    }

    fn of(&self, key: &str) -> &str {
        &self.0[KEYS.iter().position(|name| *name == key).unwrap()]
    }

    /// What a volume holds: one secret more lies below each that wins.
    fn publish(&self, main: &Volume, lower: &Volume, lost: &Self, message: &str, pin: &str) {
        let indirect = ("indirect", self.of("indirect"));
        lower.publish(&[
            ("text", lost.of("text")),
            ("list", lost.of("list")),
            indirect,
        ]);
        let windows = format!(
            "\u{feff}{}\r\n{}\r\n",
            self.of("windows"),
            self.of("windows2")
        );
        let list = format!("{}\n{}\n", self.of("list"), self.of("list2"));
        let each = format!(" {} ,{}", self.of("each"), self.of("each2"));
        let path = format!("/{}\n", self.of("path"));
        let token = format!("e30.eyJleHAiOjk5OTk5OTk5OTl9.{}\n", self.of("token"));
        let mut keys: Vec<(&str, &str)> = vec![
            ("token", &token),
            ("message", message),
            ("pin", pin),
            ("windows", &windows),
            ("list", &list),
            ("each", &each),
            ("path", &path),
        ];
        let plain = [
            "text",
            "bytes",
            "pair.user",
            "pair.password",
            "raw",
            "unknown",
        ];
        keys.extend(plain.map(|key| (key, self.of(key))));
        main.publish(&keys);
    }

    fn search(&self, child: &Searched) -> Vec<Remnants> {
        child.search(&self.0.iter().map(|secret| &**secret).collect::<Vec<_>>())
    }

    /// Each is there as a whole.
    #[track_caller]
    fn assert_there(&self, child: &Searched, but: &[&str]) {
        for (key, found) in KEYS.iter().zip(self.search(child)) {
            assert!(found.copies > 0 || but.contains(key), "{key}: {found:?}");
        }
    }

    #[track_caller]
    fn assert_gone(&self, child: &Searched) {
        for (key, found) in KEYS.iter().zip(self.search(child)) {
            assert_eq!(found, Remnants::default(), "{key}");
        }
    }
}

#[test]
fn h4_nothing_stays_in_memory_of_a_secret_that_was_a_file_of_its_own() {
    if is_child() {
        return run(Path::new(&env::var_os(DIR).unwrap()));
    }
    let dir = tempfile::tempdir().unwrap();
    let [main, lower] = ["main", "lower"].map(|name| Volume::new(dir.path().join(name), &[]));
    let [first, second, refused, fourth, fifth] = [300, 120, 60, 40, 20].map(Secrets::new);
    let lost: Vec<_> = [200, 100, 50, 30, 18].map(Secrets::new).into();
    first.publish(&main, &lower, &lost[0], "one", "1");

    let test = "h4_nothing_stays_in_memory_of_a_secret_that_was_a_file_of_its_own";
    let mut child = Searched::start(test, |command| _ = command.env(DIR, dir.path()));
    child.until("loaded");
    first.assert_there(&child, &[]);
    child.go_on();

    child.until("held");
    second.publish(&main, &lower, &lost[1], "two", "2");
    child.go_on();
    child.until("rotated");
    // The idle readers hold it: so it can be found.
    first.assert_there(&child, &["unknown"]);
    second.assert_there(&child, &[]);
    child.go_on();
    child.until("released");
    first.assert_gone(&child);
    lost[0].assert_gone(&child);
    second.assert_there(&child, &[]);

    refused.publish(&main, &lower, &lost[2], "three", "hunter2");
    child.go_on();
    child.until("refused");
    fourth.publish(&main, &lower, &lost[3], "four", "4");
    child.go_on();
    child.until("recovered");
    for gone in [&first, &second, &refused, &lost[1], &lost[2]] {
        gone.assert_gone(&child);
    }
    fourth.assert_there(&child, &[]);

    // The search finds what the program itself keeps: a copy, and eight bytes.
    child.go_on();
    child.until("leaked");
    fifth.publish(&main, &lower, &lost[4], "five", "5");
    child.go_on();
    child.until("with leaks");
    for (key, found) in KEYS.iter().zip(fourth.search(&child)) {
        match *key {
            "text" => assert_eq!((found.copies, found.fragments), (1, 33), "{key}"),
            "bytes" => assert_eq!((found.copies, found.fragments), (0, 1), "{key}"),
            _ => assert_eq!(found, Remnants::default(), "{key}"),
        }
    }
    child.go_on();
    child.until("ended");
    fifth.assert_gone(&child);
    lost[4].assert_gone(&child);
    child.finish();
}

/// The child: a configuration that is read in every way.
fn run(dir: &Path) {
    support::log::keep();
    let indirect = dir.join("lower").join("indirect");
    let live = Config::loader()
        .mount(Mount::new(dir.join("lower")).not_secret())
        .mount(Mount::new(dir.join("main")).not_secret())
        .env(Env::from_iter("APP", [("APP_INDIRECT_FILE", indirect)]))
        .watch()
        .unwrap();
    step("loaded");

    let _gate = live.gate(|config| match config.text.expose().is_empty() {
        true => Err("empty"),
        false => Ok(()),
    });
    let subscribed = live.subscribe(|change| assert!(!format!("{change:?}").is_empty()));
    let changes = live.changes();
    let stream = thread::spawn(move || changes.map(|change| change.paths().len()).sum::<usize>());
    let idle = live.reader();
    let held = live.load();
    let (ask, asked) = mpsc::channel::<mpsc::Sender<()>>();
    let other = thread::spawn({
        let live = live.clone();
        move || {
            live.with(|config| assert!(config.text.matches(config.text.expose())));
            for done in asked {
                live.with(|config| assert_eq!(config.list.expose().len(), 2));
                live.release();
                done.send(()).unwrap();
            }
        }
    });
    let rest = || {
        live.with(|config| assert!(!config.bytes.expose().is_empty()));
        live.release();
        let (done, told) = mpsc::channel();
        ask.send(done).unwrap();
        told.recv().unwrap();
        eventually("nothing old is held", || {
            live.status().held.generations == 0
        });
    };

    step("held");
    until_message(&live, "two");
    eventually("the old one is held", || live.status().held.generations > 0);
    look(&live);
    step("rotated");
    drop(held);
    _ = idle.release();
    rest();
    step("released");
    assert!(!until_rejected(&live).is_empty());
    look(&live);
    step("refused");
    until_message(&live, "four");
    until_ok(&live);
    look(&live);
    rest();
    step("recovered");
    live.with(|config| {
        std::mem::forget(config.text.expose().clone());
        std::mem::forget(config.bytes.expose()[5..13].to_vec());
    });
    step("leaked");
    until_message(&live, "five");
    look(&live);
    rest();
    step("with leaks");
    drop(ask);
    other.join().unwrap();
    drop(subscribed);
    live.stop().unwrap();
    stream.join().unwrap();
    drop(live);
    step("ended");
}

fn until_message(live: &Live<Config>, message: &str) {
    eventually(message, || live.load().message == message);
}

/// Everything that tells of a configuration.
fn look(live: &Live<Config>) {
    let status = live.status();
    assert!(
        status.secrets.iter().all(|secret| secret.wiped),
        "{status:#?}"
    );
    let told = serde_json::to_string(&status).unwrap();
    assert!(told.contains(r#""wiped":true"#), "{told}");
    assert!(!format!("{status:?} {live:#?} {:?}", live.explain_all()).is_empty());
    let explained: Vec<_> = live.explain_all().iter().map(ToString::to_string).collect();
    assert!(explained.concat().contains("text = [redacted]"));
}
