//! Checks without the program say what the program says.
#![cfg(feature = "check")]
#![allow(missing_docs)]

#[path = "support/every_shape.rs"]
mod every_shape;
#[path = "support/every_volume.rs"]
mod every_volume;

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use every_shape::Every;
use every_volume::volume;
use proptest::prelude::*;
use retune::check::{Check, Verdict, Volume};
use retune::{Problem, Retune};
use tempfile::tempdir;

type Keys = BTreeMap<String, Vec<u8>>;

/// What the program says, with the places as an object has them.
fn by_program(keys: &Keys, strict: bool) -> Result<(), Vec<String>> {
    let dir = tempdir().unwrap();
    for (key, bytes) in keys {
        fs::write(dir.path().join(key), bytes).unwrap();
    }
    let loader = Every::loader().mount(dir.path());
    let loader = if strict { loader.strict() } else { loader };
    let error = loader.once().map(drop).err();
    error.map_or(Ok(()), |error| {
        let place = format!("{}/", dir.path().display());
        let told = error.problems().iter().map(told);
        Err(told
            .map(|text| text.replace(&place, "ConfigMap/x "))
            .collect())
    })
}

fn by_check(keys: &Keys, strict: bool) -> Verdict {
    static SCHEMA: LazyLock<String> = LazyLock::new(Every::json_schema);
    let check = Check::new("schema.json", &SCHEMA).unwrap();
    let check = if strict { check } else { check.lenient() };
    let volume = keys
        .iter()
        .fold(Volume::new("ConfigMap/x"), |volume, (key, bytes)| {
            volume.key(key, bytes.clone())
        });
    check.volume(volume).run()
}

fn told(problem: &Problem) -> String {
    format!("{problem} {}", problem.is_secret())
}

/// Without the one thing that only a check has to say.
fn without_hint(text: &str) -> String {
    match text.split_once("; if something else gives it, say so with `--given ") {
        Some((before, after)) => before.to_owned() + after.split_once('`').unwrap().1,
        None => text.to_owned(),
    }
}

fn keys(keys: &[(&str, &str)]) -> Keys {
    let keys = keys.iter();
    keys.map(|(key, text)| ((*key).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f10_a_check_says_what_the_program_says(keys in volume(), strict: bool) {
        let program = by_program(&keys, strict);
        let check = by_check(&keys, strict);
        let problems: Vec<_> = check.problems().iter().map(told).collect();
        let problems: Vec<_> = problems.iter().map(|text| without_hint(text)).collect();
        prop_assert_eq!(program.err().unwrap_or_default(), problems);
        let shown = format!("{}{:?}", check.report(false), check);
        prop_assert!(!shown.contains("s3cr3t") && !shown.contains("pin-of-mine"), "{}", shown);
    }
}

#[test]
fn f10_the_random_volumes_are_good_and_bad() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let verdicts: Vec<bool> = (0..300)
        .map(|_| by_check(&volume().new_tree(&mut runner).unwrap().current(), true).is_good())
        .collect();
    let good = verdicts.iter().filter(|good| **good).count();
    assert!((60..240).contains(&good), "{good} of 300");
}

#[test]
fn f10_what_only_the_program_can_check_is_named() {
    let keys = keys(&[
        ("text", "a"),
        ("key", "k"),
        ("timeout", "5s"),
        ("by-itself", "x"),
        ("c.yaml", "by-serde: {a: 1}\nstore: {file: /x}\n"),
    ]);
    let verdict = by_check(&keys, true);
    assert!(verdict.is_good(), "{}", verdict.report(false));
    let unchecked: Vec<_> = verdict
        .unchecked()
        .iter()
        .map(|unchecked| (&*unchecked.path, &*unchecked.why))
        .collect();
    assert_eq!(
        unchecked,
        [
            ("timeout", "the program checks it by code of its own"),
            ("store.file", "only the program reads a valid `String`"),
            ("by_itself", "only the program reads a valid `String`"),
            ("by_serde", "only the program reads a valid `Value`"),
            ("", "the program checks it as a whole"),
        ]
    );
}

#[test]
fn f10_when_a_token_expires_is_for_the_program_to_look_at() {
    #[derive(Debug, Retune)]
    #[expect(dead_code, reason = "it is checked")]
    struct Config {
        token: retune::Token,
    }
    let check = Check::new("schema.json", &Config::json_schema()).unwrap();
    let expired = "e30.eyJleHAiOjF9.s3cr3t";
    let verdict = check.volume(Volume::new("Secret/x").key("token", expired));
    let verdict = verdict.run();
    assert!(verdict.is_good(), "{}", verdict.report(false));
    let unchecked = &verdict.unchecked()[0];
    assert_eq!(unchecked.path, "token");
    assert_eq!(unchecked.why, "only the program reads a bearer token");
}

#[test]
fn f10_what_is_missing_may_come_from_elsewhere() {
    let check = || {
        Check::new("schema.json", &Every::json_schema())
            .unwrap()
            .env_prefix("APP")
    };
    let verdict = check().run();
    let help = verdict.problems()[0].help().unwrap();
    assert_eq!(
        help,
        "give it as the variable APP_TEXT; if something else gives it, say so with `--given text`"
    );
    let verdict = check().given("TEXT").unwrap().given("key").unwrap().run();
    assert!(verdict.is_good(), "{}", verdict.report(false));
    let error = check().given("texd").unwrap_err();
    assert!(
        error.to_string().contains("did you mean `text`?"),
        "{error}"
    );
}

#[test]
fn f10_the_last_volume_wins_and_a_secret_one_is_shown_nowhere() {
    let check = || {
        Check::new("schema.json", &Every::json_schema())
            .unwrap()
            .volume(
                Volume::new("ConfigMap/a")
                    .key("text", "a")
                    .key("port", "http"),
            )
    };
    let above = Volume::new("Secret/b").secret().key("key", "k");
    let verdict = check().volume(above.key("port", "8080")).run();
    assert!(verdict.is_good(), "{}", verdict.report(false));
    let above = Volume::new("Secret/b").secret().key("key", "k");
    let verdict = check().volume(above.key("port", "hunter2")).run();
    let json = serde_json::to_string(&verdict).unwrap();
    let shown = format!("{}{verdict:?}{json}", verdict.report(false));
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("Secret/b port"), "{shown}");
}

#[test]
fn f10_a_document_that_the_program_cannot_read_is_a_problem() {
    let schema = Every::json_schema();
    let line = schema
        .lines()
        .find(|line| line.contains("\"formats\""))
        .unwrap();
    let schema = schema.replace(line, "    \"formats\": [\"json\"],");
    let check = Check::new("schema.json", &schema).unwrap();
    let verdict = check
        .given("text")
        .and_then(|check| check.given("key"))
        .unwrap()
        .volume(Volume::new("ConfigMap/x").key("a.yaml", "port: 8080\n"))
        .run();
    let message = verdict.problems()[0].to_string();
    assert!(
        message.starts_with("ConfigMap/x a.yaml:1:1: YAML needs the feature `yaml`"),
        "{message}"
    );
}

#[test]
fn f10_what_is_no_schema_of_ours_is_refused() {
    let table = |table: &str| format!("{{\"x-retune\": {table}}}");
    for (schema, message) in [
        ("{".to_owned(), "schema.json"),
        ("{}".to_owned(), "it has no `x-retune`"),
        (
            table("{\"version\": 99}"),
            "of version \"99\"; expected \"1\"",
        ),
        (table("{\"version\": 1}"), "`formats`: missing"),
        (
            table(
                "{\"version\": 1, \"formats\": [], \"struct\": {\"name\": \"X\", \"fields\": [{}]}}",
            ),
            "missing",
        ),
        (
            table(
                "{\"version\": 1, \"formats\": [], \"struct\": {\"name\": \"X\", \"fields\": [{\"name\": \"a\", \
                 \"shape\": {\"text\": \"tomorrow\"}}]}}",
            ),
            "unknown variant `tomorrow`",
        ),
        (
            table(
                "{\"version\": 1, \"formats\": [], \"struct\": {\"name\": \"X\", \"fields\": [{\"name\": \"a\", \
                 \"shape\": {\"text\": {\"integer\": {\"min\": \"x\", \"max\": \"5\"}}}}]}}",
            ),
            "no whole number",
        ),
    ] {
        let error = Check::new("schema.json", &schema).unwrap_err().to_string();
        assert!(error.contains(message), "{schema}: {error}");
    }
}
