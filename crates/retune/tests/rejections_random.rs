//! Whatever bytes a source holds, there is a value or a report, and never a panic.
#![allow(missing_docs, dead_code)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use proptest::prelude::*;
use retune::source::Env;
use retune::{ByteSize, Retune, Secret};
use tempfile::tempdir;

#[derive(Debug, Retune)]
enum Mode {
    On,
    Off { after: Duration },
}

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = 1)]
    number: i64,
    #[retune(default = "1s")]
    time: Duration,
    #[retune(default = "1KiB")]
    size: ByteSize,
    #[retune(default = "")]
    list: Vec<Nested>,
    #[retune(default = "")]
    words: Vec<String>,
    map: BTreeMap<String, u8>,
    nested: Nested,
    #[retune(default = "on")]
    mode: Mode,
    pin: Option<Secret<u32>>,
}

#[derive(Debug, Retune)]
struct Nested {
    #[retune(default = 0.5)]
    ratio: f64,
    address: Option<std::net::SocketAddr>,
}

const KEYS: [&str; 14] = [
    "number",
    "time",
    "size",
    "list",
    "words",
    "map",
    "map.é.x",
    "nested",
    "nested.ratio",
    "nested.address",
    "mode",
    "pin",
    "c.yaml",
    "c.json",
];

/// Pieces of which texts are made that are nearly right.
const PIECES: [&str; 26] = [
    "1", "-", "s", "MiB", ",", "=", "{", "}", "[", "]", ":", " ", "\n", "\r\n", "\t", "\"", "'",
    "é", "\u{feff}", "\u{0}", "😀", "ratio", "nested: ", "off", "null", "\u{202e}",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12);
    prop_oneof![
        6 => pieces.prop_map(|pieces| pieces.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_content_of_any_source_panics(
        keys in prop::collection::vec((prop::sample::select(&KEYS[..]), text()), 1..4),
        variables in prop::collection::vec((prop::sample::select(&KEYS[..]), "\\PC{0,8}"), 0..3),
        name in "[a-z.é\\[\\]_-]{0,12}",
    ) {
        let dir = tempdir().unwrap();
        for (key, bytes) in &keys {
            fs::write(dir.path().join(key), bytes).unwrap();
        }
        let variables = variables.iter().map(|(key, value)| {
            (format!("APP_{}", key.to_uppercase().replace('.', "_")), value.clone())
        });
        let loader = Config::loader()
            .mount(dir.path())
            .env(Env::from_iter("APP", variables.collect::<Vec<_>>()))
            .set(&name, "x");
        match loader.watch() {
            Ok(live) => {
                let status = serde_json::to_string(&live.status()).unwrap();
                prop_assert!(!status.is_empty());
                let _ = live.explain(&name);
                let _ = live.nearest(&name);
                prop_assert!(!live.explain_all().is_empty());
                if let Err(error) = live.set(&name, "y") {
                    prop_assert!(!error.to_string().contains("panicked"), "{}", error);
                }
            }
            Err(error) => {
                let report = error.to_string();
                prop_assert!(!error.problems().is_empty(), "{}", report);
                prop_assert!(!report.contains("panicked"), "{}", report);
                serde_json::to_string(error.problems()).unwrap();
            }
        }
    }
}
