//! Documents of each format, all the way into values.

use std::convert::Infallible;

use retune::{Error, Retune, Serde, source};
use serde::de::IgnoredAny;

use crate::every_shape::Every;
use crate::told::{hold, tells_no_secret};

/// A document in YAML.
pub fn yaml(data: &[u8]) {
    document("a.yaml", data, |key, pin| {
        format!("key: \"{key}\"\npin: \"{pin}\"\n").into_bytes()
    });
}

/// A document in JSON; whether it is one, `serde_json` knows.
pub fn json(data: &[u8]) {
    document("a.json", data, |key, pin| {
        // A parser may point at the comma: what is told on a secret's own line tells where it ends.
        format!("{{\"key\": \"{key}\", \"pin\": \"{pin}\"\n,").into_bytes()
    });
    let ours = syntax("a.json", data);
    match serde_json::from_slice::<serde_json::Value>(without_mark(data)) {
        Ok(value) if value.is_object() => {
            if let Err(error) = ours {
                let known = ["given twice", "deeper than"];
                assert_known(&error, &known);
            }
        }
        Ok(_) => assert!(ours.is_err(), "the top is a map"),
        // That crate has no place for a number of any size, and goes one level less deep.
        Err(error)
            if ["number out of range", "recursion limit"]
                .iter()
                .any(|known| error.to_string().starts_with(known)) => {}
        Err(error) => assert!(ours.is_err(), "taken, but {error}"),
    }
}

/// A document in TOML; whether it is one, the crate `toml` knows.
pub fn toml(data: &[u8]) {
    document("a.toml", data, |key, pin| {
        format!("key = \"{key}\"\npin = \"{pin}\"\n").into_bytes()
    });
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let ours = syntax("a.toml", data);
    let (_, errors) = ::toml::de::DeTable::parse_recoverable(text);
    match ours {
        Ok(()) => assert!(errors.is_empty(), "taken, but {errors:?}"),
        // That crate takes `[[a]]` and then `a.b.c = 1`, which TOML forbids.
        Err(_) if text.contains("[[") => {}
        Err(error) if errors.is_empty() => {
            assert_known(&error, &["deeper than", "sets nothing", "is empty"]);
        }
        Err(_) => {}
    }
}

/// A document of variables.
pub fn dotenv(data: &[u8]) {
    document("a.env", data, |key, pin| {
        format!("KEY=\"{key}\"\nPIN=\"{pin}\"\n").into_bytes()
    });
}

/// `secrets` makes the beginning of a document that the rest goes on with.
fn document(name: &'static str, data: &[u8], secrets: impl Fn(&str, &str) -> Vec<u8>) {
    let taken = load(name, data.to_vec(), false);
    if let Err(error) = &taken {
        hold(error);
    }
    // What is merely odd must not tell either: if strict, it is told.
    tells_no_secret(data, |key, pin| {
        let mut document = secrets(key, pin);
        let rest = data.trim_ascii_start();
        let is_json = name.ends_with("json");
        let rest = rest.strip_prefix(b"{").filter(|_| is_json).unwrap_or(data);
        document.extend_from_slice(rest);
        load(name, document, true)
    });
}

/// What must be given is given below it, so that a document need not be long to be taken.
fn load(name: &'static str, document: Vec<u8>, strict: bool) -> Result<Every, Error> {
    let closure = source::from_fn("fuzz", move || {
        Ok::<_, Infallible>([(name, document.clone())])
    });
    let loader = Every::loader().set("text", "a").set("key", "k");
    let loader = loader.source(closure);
    let loader = if strict { loader.strict() } else { loader };
    loader.once()
}

/// Whether a document is one, whatever it holds.
pub(crate) fn syntax(name: &'static str, data: &[u8]) -> Result<(), Error> {
    let data = data.to_vec();
    let closure = source::from_fn("fuzz", move || Ok::<_, Infallible>([(name, data.clone())]));
    let loader = Serde::<IgnoredAny>::loader().source(closure);
    loader.once().map(drop)
}

fn without_mark(data: &[u8]) -> &[u8] {
    data.strip_prefix("\u{feff}".as_bytes()).unwrap_or(data)
}

fn assert_known(error: &Error, known: &[&str]) {
    for problem in error.problems() {
        let told = problem.to_string();
        let is_known = known.iter().any(|known| told.contains(known));
        assert!(is_known, "refused, and by nobody else: {told}");
    }
}
