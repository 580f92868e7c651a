//! `retune mount watch`, and what else runs on its own.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::{folder, retune, succeed};

/// A running `retune mount watch`.
struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(dir: &Path, options: &[&str]) -> Self {
        let mut command = retune();
        command
            .args(["mount", "watch"])
            .arg(dir)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines
            .recv_timeout(Duration::from_secs(30))
            .expect("a line within half a minute")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.line()).expect("JSON")
    }

    fn interrupt(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -INT \"$0\"", &pid])
            .status();
        assert!(sent.expect("a shell").success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watch_prints_one_line_a_generation_and_never_a_value() {
    let folder = folder();
    let dir = folder.path().join("volume");
    succeed(&dir, "set DIR a=secret1 b=secret2");
    let mut watch = Watch::start(&dir, &["--json"]);
    let first = watch.json();
    assert_eq!(
        (&first["generation"], &first["lagMs"]),
        (&1.into(), &Value::Null),
        "{first}"
    );
    assert_eq!(first["added"], serde_json::json!(["a", "b"]));

    succeed(&dir, "set DIR a=secret3 c=secret4");
    let second = watch.line();
    assert!(!second.contains("secret"), "{second}");
    let second: Value = serde_json::from_str(&second).expect("JSON");
    assert_eq!(second["generation"], 2);
    assert_eq!(second["changed"], serde_json::json!(["a"]));
    assert_eq!(second["added"], serde_json::json!(["c"]));
    assert!(
        second["lagMs"].as_f64().is_some_and(|lag| lag >= 0.0),
        "{second}"
    );

    // A swap to equal content is no generation: the next line is that of the removal.
    fs::create_dir(dir.join("..2020_copy")).expect("made");
    for key in ["a", "b", "c"] {
        fs::copy(dir.join(key), dir.join("..2020_copy").join(key)).expect("copied");
    }
    std::os::unix::fs::symlink("..2020_copy", dir.join("..data_tmp")).expect("linked");
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).expect("swapped");
    succeed(&dir, "rm DIR b");
    let third = watch.json();
    assert_eq!(third["generation"], 3);
    assert_eq!(third["removed"], serde_json::json!(["b"]));

    // By the signal, as a shell expects: it shows 130.
    assert_eq!(watch.interrupt().signal(), Some(2));
}

#[test]
fn watch_waits_for_a_volume_that_is_not_there_yet() {
    let folder = folder();
    let dir = folder.path().join("later/volume");
    let mut watch = Watch::start(&dir, &[]);
    // Else its first look may meet the volume half made, which counts as it is.
    let mut said = String::new();
    let stderr = watch.child.stderr.take().expect("a pipe");
    BufReader::new(stderr).read_line(&mut said).expect("a line");
    assert!(said.contains("nothing at this path"), "{said}");
    // From here on nobody hears what it says beside its lines, which is no reason to end.
    succeed(&dir, "set DIR log-level=warn");
    let line = watch.line();
    assert!(line.contains("generation 1: added log-level"), "{line}");
    succeed(&dir, "set DIR log-level=info");
    let line = watch.line();
    assert!(
        line.contains("generation 2: changed log-level (lag "),
        "{line}"
    );
}

#[test]
fn watch_ends_when_nobody_reads_any_more() {
    let folder = folder();
    let dir = folder.path().join("volume");
    succeed(&dir, "set DIR a=1");
    let mut command = retune();
    command
        .args(["mount", "watch"])
        .arg(&dir)
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a first line");
    drop(out);
    succeed(&dir, "set DIR a=2");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn each_shell_gets_a_completion_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = retune()
            .args(["completions", shell])
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).expect("text");
        assert!(
            script.contains("apply") && script.contains("old-order"),
            "{shell}"
        );
    }
}
