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

/// In which way its secret comes.
const WAY: &str = "RETUNE_TEST_WAY";

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
        .mount(Mount::new(dir.join("lower")))
        .mount(Mount::new(dir.join("main")))
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
    assert!(live.status().held.generations > 0);
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

/// Ways in, each with a secret of as many lines as a private key has. What is escaped has a backslash in
/// each.
const WAYS: [&str; 16] = [
    "own_file",
    "own_file_in_brackets",
    "own_file_from_str",
    "own_file_serde",
    "closure",
    "set_by_code",
    "yaml",
    "yaml_escaped",
    "yaml_block",
    "json",
    "json_escaped",
    "toml",
    "toml_escaped",
    "dot_env",
    "dot_env_escaped",
    "environment",
];

/// In lines, each searched for by itself: between them stands what an escape or a block makes of a break.
const LINES: usize = 27;

/// The text of the key that brings it.
fn by_way(way: &str, lines: &[String]) -> String {
    let escaped = lines.join("\\n");
    match way {
        "own_file_in_brackets" => format!("[\"{escaped}\"]"),
        "own_file_serde" => format!("{{\"token\": \"{escaped}\"}}"),
        "yaml" => format!("yaml: {}\n", lines.concat()),
        "yaml_escaped" => format!("yaml_escaped: \"{escaped}\"\n"),
        "yaml_block" => format!("yaml_block: |\n  {}\n", lines.join("\n  ")),
        "json" => format!("{{\"json\": \"{}\"}}", lines.concat()),
        "json_escaped" => format!("{{\"json_escaped\": \"{escaped}\"}}"),
        "toml" => format!("toml = \"{}\"\n", lines.concat()),
        "toml_escaped" => format!("toml_escaped = \"{escaped}\"\n"),
        "dot_env" => format!("DOT_ENV={}\n", lines.concat()),
        "dot_env_escaped" => format!("DOT_ENV_ESCAPED=\"{escaped}\"\n"),
        _ => lines.join("\n"),
    }
}

/// The key of the volume that holds it.
fn key_of(way: &str) -> String {
    match way.split('_').next() {
        Some(format @ ("yaml" | "json" | "toml")) => format!("{way}.{format}"),
        Some("dot") => format!("{way}.env"),
        // What only the child's own code reads.
        Some("closure" | "set") => format!("..{way}"),
        _ => way.to_owned(),
    }
}

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "what stays of it is searched for")]
struct Other {
    message: String,
    own_file: Option<Secret<String>>,
    own_file_in_brackets: Option<Secret<Vec<String>>>,
    #[retune(from_str)]
    own_file_from_str: Option<Secret<FromText>>,
    #[retune(serde)]
    own_file_serde: Option<Secret<Leaf>>,
    closure: Option<Secret<String>>,
    set_by_code: Option<Secret<String>>,
    yaml: Option<Secret<String>>,
    yaml_escaped: Option<Secret<String>>,
    yaml_block: Option<Secret<String>>,
    json: Option<Secret<String>>,
    json_escaped: Option<Secret<String>>,
    toml: Option<Secret<String>>,
    toml_escaped: Option<Secret<String>>,
    dot_env: Option<Secret<String>>,
    dot_env_escaped: Option<Secret<String>>,
    environment: Option<Secret<String>>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "what stays of it is searched for")]
struct FromText(String);

#[derive(Debug, serde::Deserialize)]
#[expect(dead_code, reason = "what stays of it is searched for")]
struct Leaf {
    token: String,
}

impl std::str::FromStr for FromText {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Publishes a new secret by one way; its lines.
fn publish(dir: &Path, volume: &Volume, way: &str, message: &str, length: usize) -> Vec<String> {
    let lines: Vec<_> = (0..LINES).map(|_| random(length)).collect();
    let (key, text) = (key_of(way), by_way(way, &lines));
    if let Some(name) = key.strip_prefix("..") {
        std::fs::write(dir.join(name), text).unwrap();
        volume.publish(&[("message", message)]);
    } else {
        volume.publish(&[("message", message), (&key, &text)]);
    }
    lines
}

/// What is found of all lines together.
fn search(child: &Searched, lines: &[String]) -> Remnants {
    let lines: Vec<&str> = lines.iter().map(|line| &**line).collect();
    let found = child.search(&lines);
    Remnants {
        copies: found.iter().map(|line| line.copies).max().unwrap_or(0),
        fragments: found.iter().map(|line| line.fragments).sum(),
    }
}

/// What is left of a secret after it was replaced by a shorter one and let go.
fn left_by(way: &str) -> Remnants {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[]);
    let lines = publish(dir.path(), &volume, way, "one", 64);
    let test = "h4_what_other_ways_in_leave_in_memory_is_counted";
    let mut child = Searched::start(test, |command| {
        command.env(DIR, dir.path()).env(WAY, way);
        if way == "environment" {
            command.env("APP_ENVIRONMENT", lines.join("\n"));
        }
    });
    child.until("loaded");
    let there = search(&child, &lines);
    assert!(
        there.copies > 0 && there.fragments > 1_500,
        "{way}: {there:?}"
    );
    publish(dir.path(), &volume, way, "two", 4);
    child.go_on();
    child.until("rotated");
    let left = search(&child, &lines);
    child.finish();
    left
}

/// The figures of docs/secrets.md. Nothing is promised but for the first, which is held to it.
#[test]
fn h4_what_other_ways_in_leave_in_memory_is_counted() {
    if is_child() {
        let [dir, way] = [DIR, WAY].map(|name| env::var(name).unwrap());
        return run_other(Path::new(&dir), &way);
    }
    let all = LINES * (64 + 1 - support::memory::FRAGMENT);
    let mut table =
        format!("| way in | parts of 8 bytes left, of {all} | copies |\n|---|---|---|\n");
    let left = thread::scope(|scope| {
        let threads = WAYS.map(|way| scope.spawn(move || left_by(way)));
        threads.map(|thread| thread.join().unwrap())
    });
    for (way, Remnants { copies, fragments }) in WAYS.iter().zip(&left) {
        table += &format!("| {way} | {fragments} | {copies} |\n");
    }
    std::io::Write::write_all(&mut std::io::stdout(), table.as_bytes()).unwrap();
    assert_eq!(left[0], Remnants::default());
}

fn run_other(dir: &Path, way: &str) {
    let path = dir.to_owned();
    let closure = retune::source::from_fn("closure", move || {
        let read = std::fs::read(path.join("closure"));
        std::io::Result::Ok(read.ok().map(|bytes| [("closure", bytes)]))
    });
    let hint = closure.hint();
    let live = Other::loader()
        .mount(dir.join("v"))
        .source(closure.optional())
        .env("APP")
        .watch()
        .unwrap();
    let set = || {
        if way == "set_by_code" {
            let text = std::fs::read_to_string(dir.join(way)).unwrap();
            live.set(way, text).unwrap();
        }
        live.release();
    };
    set();
    step("loaded");
    eventually("two", || live.load().message == "two");
    hint.changed();
    live.reload().unwrap();
    set();
    eventually("nothing old is held", || {
        live.status().held.generations == 0
    });
    step("rotated");
}
