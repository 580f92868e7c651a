//! What the commands print of Secrets.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Output;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use retune::Retune;

use super::marks::Marks;
use super::support::{retune, with_input};
use super::wrong::{Wrong, WrongPlain};

fn text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    _ = write!(text, "\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Secrets with all that can be wrong with them.
fn secrets(marks: &Marks) -> Vec<String> {
    let Marks { word, hard, .. } = marks;
    let quoted = serde_json::to_string(hard).expect("JSON");
    let encoded = BASE64_STANDARD.encode(hard);
    let secret = |content: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: creds}}\n{content}\n")
    };
    let mut all = Vec::new();
    for field in ["integer", "map", "leaf", "other"] {
        all.push(secret(&format!("stringData:\n  {field}: {quoted}")));
        all.push(secret(&format!(
            "stringData:\n  {field}: |\n    {word}\n    {word}"
        )));
        all.push(secret(&format!("data:\n  {field}: {encoded}")));
        all.push(secret(&format!("data:\n  {field}: {word}!")));
        all.push(secret(&format!(
            "stringData:\n  config.yaml: |\n    {field}: {quoted}\n    map: {{{word}: {word}}}\n    {word}: 1"
        )));
        all.push(secret(&format!(
            "stringData:\n  a.json: '{{\"{field}\": \"{word}'"
        )));
    }
    all.extend([
        secret(&format!("stringData:\n  list: [{word}]")),
        secret(&format!("stringData:\n  map: {{{word}: {word}}}")),
        secret(&format!("stringData: {word}")),
        secret(&format!("data: [{word}]")),
        secret(&format!("stringData:\n  integer: \"{word}")),
        secret(&format!("stringData:\n  integer: {word}: {word}")),
        secret(&format!("stringData:\n  integer: *{word}")),
        secret(&format!("stringData:\n  integer: \"\\q{word}\"")),
        secret(&format!("stringData:\n  integer: !!int {word}")),
        secret(&format!("stringData:\n  integer: !!float {word}")),
        secret(&format!("data:\n  integer: !!binary {word}!")),
        secret(&format!(
            "stringData:\n  integer: {word}\n  integer: {word}"
        )),
        secret(&format!("stringData:\n{word}\n  integer: 1")),
        secret(&format!("immutable: {word}")),
        format!("{{\"kind\": \"Secret\", \"stringData\": {{\"integer\": \"{word}"),
        format!("{{\"kind\": \"Secret\", \"stringData\": {{\"integer\": {word}}}}}"),
        format!("kind: List\nitems: [{{kind: Secret, stringData: {{integer: {word}}}}}]"),
    ]);
    all
}

pub(crate) fn outputs(dir: &Path, marks: &Marks) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, schema) in [
        ("secret", Wrong::json_schema()),
        ("plain", WrongPlain::json_schema()),
    ] {
        let schema_file = dir.join(format!("{name}.json"));
        fs::write(&schema_file, schema).expect("written");
        for (i, manifest) in secrets(marks).iter().enumerate() {
            let file = dir.join("manifest.yaml");
            fs::write(&file, manifest).expect("written");
            for format in [None, Some("--json")] {
                let mut command = retune();
                command.args(["check", "-f"]).arg(&file);
                command.arg("--schema").arg(&schema_file).args(format);
                let output = command.output().expect("it runs");
                all.push((format!("check {name} {i} {format:?}"), text(&output)));
            }
        }
    }
    let volume = dir.join("published");
    for (i, manifest) in secrets(marks).iter().enumerate() {
        let output = with_input(&volume, "apply DIR -f -", manifest);
        all.push((format!("apply {i}"), without_times(&text(&output))));
    }
    for line in ["show DIR", "show DIR --json"] {
        let output = with_input(&volume, line, "");
        all.push((line.to_owned(), without_times(&text(&output))));
    }
    let key = dir.join("key");
    fs::write(&key, &marks.hard).expect("written");
    let line = format!(
        "set DIR key=@{} word={} --secret",
        key.display(),
        marks.word
    );
    all.push((
        "set".to_owned(),
        without_times(&text(&with_input(&volume, &line, ""))),
    ));
    let output = with_input(&volume, "show DIR --secret", "");
    all.push(("show".to_owned(), without_times(&text(&output))));
    all
}

/// Generations are called by the time.
fn without_times(text: &str) -> String {
    let lines = text.lines().filter(|line| {
        !["published", "dataDir", "..20", "already holds"]
            .iter()
            .any(|time| line.contains(time))
    });
    lines.collect::<Vec<_>>().join("\n")
}
