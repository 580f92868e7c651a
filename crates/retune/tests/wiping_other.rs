//! H4: what other ways in than a file of its own leave in memory of a secret that is no more. For each a
//! child runs a configuration, and the test searches its memory.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

mod support;

use std::path::Path;
use std::{env, thread};

use retune::{Retune, Secret};
use support::memory::{Remnants, Searched, random, step};
use support::{Volume, eventually, is_child};

/// Where the child finds its volume.
const DIR: &str = "RETUNE_TEST_DIR";

/// In which way its secret comes.
const WAY: &str = "RETUNE_TEST_WAY";

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
    let is_read = |way: &&str| cfg!(feature = "toml") || !way.starts_with("toml");
    let ways: Vec<_> = WAYS.into_iter().filter(is_read).collect();
    let left: Vec<_> = thread::scope(|scope| {
        let spawn = |way: &&'static str| {
            let way = *way;
            scope.spawn(move || left_by(way))
        };
        let threads: Vec<_> = ways.iter().map(spawn).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap();
        threads.into_iter().map(join).collect()
    });
    for (way, Remnants { copies, fragments }) in ways.iter().zip(&left) {
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
