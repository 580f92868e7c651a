//! The JSON Schema of a type: for editors, and for checks without the program.
#![allow(missing_docs)]

#[path = "support/every_shape.rs"]
mod every_shape;
#[path = "support/every_volume.rs"]
mod every_volume;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use every_shape::Every;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tempfile::tempdir;

use retune::{Retune, Secret};

/// What the greeter can change while it runs.
#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Small {
    /// Text that `GET /` answers with.
    #[retune(default = "Hello World")]
    message: String,
    #[retune(default = 8080, range = 1024.., alias = "listen-port", deprecated = "http-port")]
    port: u16,
    /// Verbosity of the log.
    #[retune(default = "info")]
    log_level: LogLevel,
    #[retune(default = "30s", validate = |_| Ok::<(), &str>(()))]
    timeout: Duration,
    signing_key: Secret<String>,
    #[retune(default = "s3cr3t")]
    old_key: Option<Secret<String>>,
    #[retune(default)]
    upstreams: Vec<Upstream>,
}

#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Upstream {
    host: String,
    #[retune(default = 0.5, range = 0.0..1.0)]
    weight: f64,
}

#[derive(Debug, Retune)]
enum LogLevel {
    /// Everything.
    Debug,
    Info,
    #[retune(alias = "warning")]
    Warn,
}

#[test]
fn f10_the_json_schema_of_a_small_type() {
    let schema = Small::json_schema();
    // Which formats are read is the features' choice.
    let lines = schema
        .lines()
        .filter(|line| !line.starts_with("    \"formats\""));
    let schema: String = lines.flat_map(|line| [line, "\n"]).collect();
    if std::env::var_os("GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/json_schema/small.json");
        std::fs::write(path, &schema).unwrap();
    }
    assert_eq!(schema, include_str!("json_schema/small.json"));
}

#[test]
fn f10_no_secret_is_in_a_schema() {
    #[allow(dead_code)]
    #[derive(Debug, Retune)]
    struct Connected {
        #[retune(default = "postgres://user:hunter2@db/app")]
        database: String,
    }
    for schema in [
        Small::json_schema(),
        Every::json_schema(),
        Connected::json_schema(),
    ] {
        assert!(
            !schema.contains("s3cr3t") && !schema.contains("hunter"),
            "{schema}"
        );
    }
}

#[test]
fn f10_a_schema_is_json() {
    let schema: serde_json::Value = serde_json::from_str(&Every::json_schema()).unwrap();
    let port = &schema["properties"]["port"];
    assert_eq!(
        (&port["default"], &port["minimum"]),
        (&8080.into(), &1024.into())
    );
    assert_eq!(schema["properties"]["large-number"]["default"], 0);
    assert_eq!(schema["properties"]["switch"]["default"], true);
}

/// Whatever the program takes, the schema takes; and it does refuse things. The one validator at hand
/// that is not heavier than all of retune is Python's.
#[test]
#[ignore = "needs Python with jsonschema and yaml: cargo xtask ci schema"]
fn f10_the_schema_calls_nothing_wrong_that_the_program_takes() {
    let script = r#"
import json, sys, yaml, jsonschema
cases = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(cases["schema"])
validator = jsonschema.Draft202012Validator(cases["schema"])
for text in cases["documents"]:
    # It reads YAML 1.1, which makes numbers and truths of even more words.
    print("yes" if validator.is_valid(yaml.safe_load(text)) else "no")
"#;
    let given = "text: a\nkey: s3cr3t-value\n";
    let mut runner = TestRunner::deterministic();
    let documents: Vec<String> = (0..2000)
        .map(|_| {
            every_volume::document()
                .new_tree(&mut runner)
                .unwrap()
                .current()
        })
        .filter(|text| !text.is_empty() && text != "port: [")
        .collect();
    let taken = documents.iter().map(|document| {
        let dir = tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), given).unwrap();
        std::fs::write(dir.path().join("b.yaml"), document).unwrap();
        Every::loader().mount(dir.path()).once().is_ok()
    });
    let taken: Vec<bool> = taken.collect();
    let schema: serde_json::Value = serde_json::from_str(&Every::json_schema()).unwrap();
    let cases = serde_json::json!({"schema": schema, "documents": documents});
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    input.write_all(cases.to_string().as_bytes()).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).unwrap();
    let valid: Vec<bool> = output.lines().map(|line| line == "yes").collect();
    assert_eq!(valid.len(), documents.len());
    let wrongly: Vec<_> = documents
        .iter()
        .zip(taken.iter().zip(&valid))
        .filter(|(_, (taken, valid))| **taken && !**valid)
        .map(|(document, _)| document)
        .collect();
    assert!(
        wrongly.is_empty(),
        "taken by the program alone: {wrongly:#?}"
    );
    let count = |what: &[bool]| what.iter().filter(|yes| **yes).count();
    let (taken, valid, all) = (count(&taken), count(&valid), documents.len());
    assert!(taken > all / 4, "{taken} of {all}");
    // What only the program can tell is a small part.
    assert!(
        valid - taken < (all - taken) / 4,
        "{valid} valid, {taken} taken, of {all}"
    );
}
