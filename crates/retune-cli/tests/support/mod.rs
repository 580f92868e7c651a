//! Running the real program.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder for one test, on the disk that is built on: `/tmp` is often in memory, where `show`
/// masks everything.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

pub(crate) fn retune() -> Command {
    Command::new(env!("CARGO_BIN_EXE_retune"))
}

/// `retune mount …`, with `DIR` standing for the volume.
pub(crate) fn mount(dir: &Path, line: &str) -> Output {
    with_input(dir, line, "")
}

pub(crate) fn with_input(dir: &Path, line: &str, input: &str) -> Output {
    let words = line.split_whitespace().map(|word| match word {
        "DIR" => dir.to_owned(),
        word => PathBuf::from(word),
    });
    let mut child = retune()
        .arg("mount")
        .args(words)
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
        .write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// As `mount`, for a command that must succeed; returns what it printed.
pub(crate) fn succeed(dir: &Path, line: &str) -> String {
    expect_success(mount(dir, line))
}

pub(crate) fn expect_success(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// As `mount`, for a command that must end with `code`; returns its error.
pub(crate) fn fail(dir: &Path, line: &str, code: i32) -> String {
    expect_failure(mount(dir, line), code)
}

pub(crate) fn expect_failure(output: Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// One key, as a program would read it.
pub(crate) fn read(dir: &Path, key: &str) -> String {
    std::fs::read_to_string(dir.join(key)).expect("the key is there")
}
