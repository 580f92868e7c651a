//! `retune check`, with manifests as people write them.

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use retune::{Retune, Secret};
use serde_json::Value;
use support::{expect_failure, expect_success, folder, retune};

#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Config {
    message: String,
    #[retune(default = 8080, range = 1024..)]
    port: u16,
    #[retune(default = "30s", validate = |_| Ok::<(), &str>(()))]
    timeout: Duration,
    token: Option<Secret<u64>>,
    database: Database,
}

#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Database {
    host: String,
    #[retune(default = 5, alias = "connections", deprecated = "pool")]
    pool_size: u32,
}

const GOOD: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: greeter
data:
  message: Hello World
  greeter.yaml: |
    port: 9090
    timeout: 1m
    database: {host: db-1}
";

const BAD: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: greeter
data:
  message: Hello World
  greeter.yaml: |
    port: 80
    timeout: 10
    database:
      hots: db-1
";

const SECRET: &str = "
apiVersion: v1
kind: Secret
metadata:
  name: creds
stringData:
  token: hunter2
";

/// `retune check --schema SCHEMA …`, with a manifest as its input.
fn check(arguments: &[&str], manifest: &str) -> Output {
    let folder = folder();
    let schema = folder.path().join("schema.json");
    fs::write(&schema, Config::json_schema()).expect("written");
    run(&schema, arguments, manifest)
}

fn run(schema: &Path, arguments: &[&str], manifest: &str) -> Output {
    let mut child = retune()
        .arg("check")
        .arg("--schema")
        .arg(schema)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // A command that does not read it closes the pipe.
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(manifest.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn json(output: &Output) -> Value {
    assert!(output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn i8_exit_0_for_a_manifest_that_the_program_would_take() {
    let output = expect_success(check(&["-f", "-"], GOOD));
    assert_eq!(
        output,
        "ConfigMap/greeter: good\nnot checked here:\n  `timeout`: the program checks it by code of \
         its own\n"
    );
}

#[test]
fn i8_exit_1_for_one_that_it_would_refuse_with_all_that_is_wrong() {
    let report = expect_failure(check(&["-f", "-", "--env-prefix", "GREETER"], BAD), 1);
    for part in [
        "`port`: expected a whole number, 1024 to 65535, found \"80\": out of range",
        "standard input:9:11",
        "9 |     port: 80",
        "`timeout`: expected a duration such as `30s` or `1h30m`, found \"10\"",
        "standard input:10:14",
        "`database.hots`: unknown: no field has this name",
        "did you mean `host`?",
        "standard input:12:7",
        "`database.host`: missing: expected text",
        "as the variable GREETER_DATABASE_HOST; if something else gives it, say so with `--given \
         database.host`",
        "4 problems",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn i8_exit_2_for_wrong_usage_and_for_what_cannot_be_read() {
    let folder = folder();
    let (schema, other) = (folder.path().join("s.json"), folder.path().join("o.json"));
    fs::write(&schema, Config::json_schema()).expect("written");
    fs::write(&other, "{\"type\": \"object\"}").expect("written");
    let missing = folder.path().join("missing");
    let pod = "kind: Pod\nmetadata: {name: x}\n";
    let number = "kind: ConfigMap\nmetadata: {name: x}\ndata: {port: 8080}\n";
    for (schema, arguments, manifest, message) in [
        (&schema, vec![], GOOD, "--filename"),
        (&schema, vec!["-f", "-", "--colour"], GOOD, "--colour"),
        (
            &schema,
            vec!["-f", "/nowhere/x.yaml"],
            "",
            "/nowhere/x.yaml: No such file",
        ),
        (&missing, vec!["-f", "-"], GOOD, "missing: No such file"),
        (
            &other,
            vec!["-f", "-"],
            GOOD,
            "o.json:1:1: no schema of retune",
        ),
        (
            &schema,
            vec!["-f", "-"],
            "a: [",
            "standard input: not valid YAML",
        ),
        (
            &schema,
            vec!["-f", "-"],
            pod,
            "standard input: holds neither a ConfigMap nor a Secret",
        ),
        (
            &schema,
            vec!["-f", "-"],
            number,
            "data.port: a number where text is expected",
        ),
        (
            &schema,
            vec!["-f", "-", "--name", "other"],
            GOOD,
            "holds no object called other, but ConfigMap/greeter",
        ),
        (
            &schema,
            vec!["-f", "-", "--given", "mesage"],
            GOOD,
            "--given mesage: `mesage`: unknown: no field has this name (did you mean `message`?)",
        ),
    ] {
        let error = expect_failure(run(schema, &arguments, manifest), 2);
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn i8_the_exit_codes_are_in_the_help() {
    let help = retune()
        .args(["check", "--help"])
        .output()
        .expect("it runs");
    let help = expect_success(help);
    assert!(
        help.contains("Exit codes: 0 the program would take it, 1"),
        "{help}"
    );
}

#[test]
fn i8_json_is_one_object_with_the_same_fields_for_every_verdict() {
    let good = check(&["-f", "-", "--json"], GOOD);
    assert_eq!(good.status.code(), Some(0));
    assert_eq!(
        json(&good),
        serde_json::json!({
            "ok": true,
            "problems": [],
            "warnings": [],
            "unchecked": [
                {"path": "timeout", "why": "the program checks it by code of its own"}
            ],
        })
    );
    let bad = check(&["-f", "-", "--json"], BAD);
    assert_eq!(bad.status.code(), Some(1));
    let bad = json(&bad);
    assert_eq!(bad["ok"], false);
    let problems = bad["problems"].as_array().expect("a list");
    let port = problems
        .iter()
        .find(|problem| problem["path"] == "port")
        .expect("told");
    assert_eq!(
        port["origin"],
        serde_json::json!({
            "kind": "object",
            "object": "ConfigMap/greeter",
            "key": "greeter.yaml",
            "file": "standard input",
            "line": 9,
            "column": 11,
            "text": "standard input:9:11",
        })
    );
}

#[test]
fn f10_what_other_sources_give_is_not_missing() {
    let manifest = "kind: ConfigMap\nmetadata: {name: x}\ndata: {message: hi}\n";
    let report = expect_failure(check(&["-f", "-"], manifest), 1);
    assert!(report.contains("`database.host`: missing"), "{report}");
    for name in ["database.host", "DATABASE_HOST", "database"] {
        expect_success(check(&["-f", "-", "--given", name], manifest));
    }
}

#[test]
fn f10_several_objects_are_layers_and_one_can_be_picked() {
    let folder = folder();
    let file = folder.path().join("greeter.yaml");
    let above = GOOD
        .replace("port: 9090", "port: 70000")
        .replace("name: greeter", "name: above");
    fs::write(&file, format!("{GOOD}---\n{above}---\nkind: Pod\n")).expect("written");
    let file = file.to_str().expect("text");
    let report = expect_failure(check(&["-f", file], ""), 1);
    assert!(report.contains("greeter.yaml:21:11"), "{report}");
    expect_success(check(&["-f", file, "--name", "greeter"], ""));
    let output = expect_success(check(&["-f", file, "-f", "-"], GOOD));
    assert!(output.starts_with("ConfigMap/greeter, ConfigMap/above, ConfigMap/greeter: good"));
}

#[test]
fn f10_a_revision_is_no_value() {
    let manifest = GOOD.replace("  message:", "  revision: '42'\n  message:");
    let report = expect_failure(check(&["-f", "-"], &manifest), 1);
    assert!(report.contains("`revision`: unknown"), "{report}");
    expect_success(check(&["-f", "-", "--revision", "revision"], &manifest));
}

#[test]
fn f10_unknown_and_deprecated_names_are_problems_unless_lenient() {
    let odd = GOOD.replace("{host: db-1}", "{host: db-1, pool: 7, colour: red}");
    let report = expect_failure(check(&["-f", "-"], &odd), 1);
    assert!(report.contains("2 problems"), "{report}");
    let output = check(&["-f", "-", "--lenient"], &odd);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let warnings = String::from_utf8(output.stderr).expect("text");
    assert!(
        warnings.contains("deprecated: now called `pool-size`"),
        "{warnings}"
    );
    assert!(
        warnings.contains("`database.colour`: unknown"),
        "{warnings}"
    );
    let verdict = json(&check(&["-f", "-", "--lenient", "--json"], &odd));
    assert_eq!(verdict["warnings"].as_array().map(Vec::len), Some(2));
}

#[test]
fn f10_no_value_of_a_secret_is_shown() {
    let both = format!("{GOOD}---{SECRET}");
    let misplaced = SECRET.replace("token:", "port:");
    let misspelt = SECRET.replace("token:", "tokne:");
    let unread = SECRET.replace("token: hunter2", "a.yaml: 'port: [hunter2'");
    let wrong = SECRET
        .replace("stringData", "data")
        .replace("hunter2", "hunter2!");
    for (manifest, code) in [
        (both, 1),
        (format!("{GOOD}---{misplaced}"), 1),
        (format!("{GOOD}---{misspelt}"), 1),
        (format!("{GOOD}---{unread}"), 1),
        (wrong, 2),
    ] {
        for json in [&[][..], &["--json"]] {
            let output = check(&[&["-f", "-"], json].concat(), &manifest);
            assert_eq!(output.status.code(), Some(code), "{output:?}");
            let said = format!("{output:?}");
            let place = ["Secret/creds", "standard input:"];
            assert!(place.iter().any(|place| said.contains(place)), "{said}");
            assert!(!said.contains("hunter"), "{said}");
        }
    }
}
