//! H1: marked secrets go in by every way, everything that comes out is searched for them.
#![allow(clippy::print_stderr)]

mod log;
mod manifests;
mod marks;
#[path = "../support/mod.rs"]
mod support;
mod ways;
mod wrong;

use std::fmt::Write;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use retune::{Live, Retune};
use serde_json::Value;

use marks::{Marks, Search};
use ways::{All, Ways};

/// What came out of one channel.
type Shown = (String, String);

/// The log is the whole process's.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

/// All that a live configuration shows of itself.
fn all_of(what: &str, live: &Live<All>, out: &mut Vec<Shown>) {
    let mut put = |channel: &str, text: String| out.push((format!("{what}: {channel}"), text));
    let status = live.status();
    put("status", format!("{status:?} {status:#?}"));
    put(
        "status as JSON",
        serde_json::to_string(&status).expect("JSON"),
    );
    let explained = live.explain_all();
    put(
        "explain as JSON",
        serde_json::to_string(&explained).expect("JSON"),
    );
    let mut lines = format!("{explained:?} {explained:#?}");
    for one in &explained {
        _ = write!(lines, "\n{one} {one:>200} {:?}", live.explain(&one.path));
    }
    put("explain", lines);
    let mut changes = String::new();
    let history = status.history.iter().flat_map(|entry| &entry.changes);
    for change in history.chain(&status.pending_restart) {
        _ = write!(changes, "\n{change} {change:?}");
    }
    put("history", changes);
    let secrets = &status.secrets;
    put("secrets", format!("{secrets:?}"));
    let snapshot = live.load();
    put(
        "values",
        format!("{snapshot:?} {snapshot:#?} {live:?} {:?}", live.reader()),
    );
    put(
        "values as JSON",
        serde_json::to_string(&*snapshot).expect("JSON"),
    );
    put("a view", format!("{:?}", live.view(|config| config)));
    let change = live.changes().next().expect("what holds");
    put(
        "a change",
        format!("{change:?} {change:#?} {:?}", change.values()),
    );
    put(
        "streams",
        format!("{:?} {:?}", live.changes(), live.stream()),
    );
    let router = retune_axum::router(live.clone());
    let server = retune_axum::serve("127.0.0.1:0", router).expect("it serves");
    put("metrics", get(server.address(), "/metrics"));
    put("configz", get(server.address(), "/configz"));
    put("log", log::take());
}

/// Everything from one process, given everything in every way.
fn everything(dir: &Path, first: &Marks, second: &Marks) -> Vec<Shown> {
    log::keep();
    log::take();
    let mut out = Vec::new();
    let ways = Ways::new(dir, first);
    let loader = ways.loader(first);
    out.push((
        "a loader".to_owned(),
        format!("{loader:?} {:?}", ways.env(first)),
    ));
    let live = loader.watch().expect("good");
    all_of("start", &live, &mut out);
    let control = live.load();
    ways.write(second, &[]);
    live.reload().expect("good");
    all_of("rotated", &live, &mut out);
    drop(control);
    let refused = |text: &str| format!("{text} {}", second.hard);
    for (key, text) in [
        ("single", refused("bad")),
        ("single", refused("panic")),
        ("number", second.word.clone()),
        ("list", format!("[{}", second.word)),
        ("map", second.hard.clone()),
        ("list-of", format!("{{{}: 1}}", second.word)),
        ("map-of", format!("[{}]", second.word)),
        ("login", second.word.clone()),
        ("leaf", format!("{{kind: x, of: {}}}", second.word)),
        ("leaf", format!("{{of: {}}}", second.word)),
        ("parsed", refused("bad")),
        ("doc.yaml", format!("single: \"{}", second.word)),
        (
            "plain.-parsed-url",
            format!("https://u:{}@h:port/", second.word),
        ),
    ] {
        ways.write(second, &[(key, text.clone())]);
        let error = live.reload();
        let what = format!("wrong {key}");
        if let Err(error) = error {
            out.push((
                what.clone(),
                format!("{error} {error:?} {error:#?} {}", error.report(true)),
            ));
        }
        all_of(&what, &live, &mut out);
    }
    ways.write(second, &[]);
    live.reload().expect("good");
    let quote = {
        let word = second.word.clone();
        move |config: &All| -> Result<(), String> { Err(format!("{word} {config:?}")) }
    };
    let gate = live.gate(quote);
    let word = second.hard.clone();
    let panics = live.gate(move |_| -> Result<(), String> { panic!("{word:?} {word}") });
    let result = live.set("code", second.word.clone());
    out.push((
        "a gate".to_owned(),
        format!("{:?} {gate:?}", result.expect_err("refused")),
    ));
    drop(gate);
    let result = live.set("code", second.word.clone());
    out.push((
        "a panic".to_owned(),
        format!("{:?} {panics:?}", result.expect_err("refused")),
    ));
    drop(panics);
    let word = second.word.clone();
    let panics = live.subscribe(move |_| panic!("{word} {word:?}"));
    live.set("code", second.word.clone()).expect("good");
    while live.status().counters.subscriber_panics == 0 {
        std::thread::yield_now();
    }
    out.push(("a subscriber".to_owned(), format!("{panics:?}")));
    all_of("gates", &live, &mut out);
    live.stop().expect("not from a callback");
    out.push(("schema".to_owned(), All::json_schema()));
    out
}

#[track_caller]
fn no_secret(shown: &[Shown], search: &Search) {
    let found: Vec<_> = shown
        .iter()
        .filter_map(|(channel, text)| Some(format!("{channel}: …{}…", search.find(text)?)))
        .collect();
    assert!(
        found.is_empty(),
        "{} leaks:\n{}",
        found.len(),
        found.join("\n\n")
    );
}

#[test]
fn h1_no_channel_shows_a_secret_in_any_writing() {
    let _turn = one_at_a_time();
    let folder = support::folder();
    let (first, second) = (Marks::first(), Marks::second());
    let shown = everything(folder.path(), &first, &second);
    let all = [&first, &second];
    let hidden = all.iter().flat_map(|marks| marks.hidden());
    let plain = all.iter().map(|marks| marks.plain.clone());
    no_secret(&shown, &Search::of(hidden.chain(plain)));
    // The same search finds what is no secret, in each of them that shows values.
    let control = Search::of(["plain-control".to_owned()]);
    for channel in [
        "start: status as JSON",
        "start: explain",
        "start: explain as JSON",
        "start: history",
        "start: values",
        "start: values as JSON",
        "start: a change",
        "start: configz",
    ] {
        let (_, text) = shown
            .iter()
            .find(|(what, _)| what == channel)
            .expect(channel);
        assert!(control.find(text).is_some(), "{channel}: {text}");
    }
    let spoke = |channel: &str| {
        shown
            .iter()
            .any(|(what, text)| what == channel && !text.is_empty())
    };
    for channel in [
        "start: metrics",
        "rotated: log",
        "wrong number: log",
        "gates: log",
    ] {
        assert!(spoke(channel), "{channel}");
    }
}

#[test]
fn h1_h2_no_error_of_a_wrong_value_shows_it() {
    let _turn = one_at_a_time();
    let folder = support::folder();
    let marks = Marks::second();
    let shown = wrong::errors(folder.path(), &marks);
    assert!(shown.iter().filter(|(_, text)| text.len() > 100).count() > 1000);
    no_secret(&shown, &Search::of(marks.hidden()));
}

#[test]
fn h1_no_command_shows_a_secret() {
    let folder = support::folder();
    let marks = Marks::second();
    let shown = manifests::outputs(folder.path(), &marks);
    no_secret(&shown, &Search::of(marks.hidden()));
}

/// Without what is another each time: times, places and fingerprints.
fn settled(dir: &Path, mut shown: Vec<Shown>) -> Vec<Shown> {
    const TIMES: &[&str] = &[
        "times",
        "last_success",
        "lags",
        "since",
        "seconds",
        "oldest_seconds",
        "changed",
        "fingerprint",
        "from",
        "to",
        "counters",
        "held",
    ];
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !TIMES.contains(&&**name));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    shown.retain(|(channel, _)| {
        let told_as_json = [
            "status", "secrets", "history", "a change", "metrics", "configz",
        ];
        // Where a document that is not called secret cannot be read, nobody knows what of the line before
        // the fault is a secret: the column is told.
        !channel.ends_with("bare.yaml")
            && !told_as_json
                .iter()
                .any(|other| channel.ends_with(&format!(": {other}")))
            && !channel.ends_with(": log")
    });
    for (_, text) in &mut shown {
        if let Ok(mut value) = serde_json::from_str::<Value>(text) {
            strip(&mut value);
            *text = value.to_string();
        }
        *text = text.replace(&dir.display().to_string(), "DIR");
    }
    shown
}

#[track_caller]
fn same(short: &[Shown], long: &[Shown]) {
    assert_eq!(short.len(), long.len());
    let differ: Vec<_> = short
        .iter()
        .zip(long)
        .filter(|(short, long)| short != long)
        .map(|(short, long)| {
            let at = short
                .1
                .bytes()
                .zip(long.1.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            let part = |text: &str| {
                let part = text
                    .as_bytes()
                    .get(at.saturating_sub(150)..text.len().min(at + 50));
                String::from_utf8_lossy(part.unwrap_or_default()).into_owned()
            };
            format!("{}:\n…{}…\n…{}…", short.0, part(&short.1), part(&long.1))
        })
        .collect();
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n\n")
    );
}

#[test]
fn h1_no_channel_shows_how_long_a_secret_is() {
    let _turn = one_at_a_time();
    let (first, second) = (Marks::first(), Marks::second());
    let run = |marks: &Marks| {
        let folder = support::folder();
        let mut shown = everything(folder.path(), marks, marks);
        shown.extend(wrong::errors(folder.path(), marks));
        shown.extend(manifests::outputs(folder.path(), marks));
        settled(folder.path(), shown)
    };
    same(&run(&first), &run(&second));
}
