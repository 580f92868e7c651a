//! B19, B23, B24: what a process is and where it stands. Each in a process of its own.
#![allow(missing_docs, clippy::print_stderr)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use retune::Retune;
use retune::source::Env;
use support::{Notes, eventually, is_child, replace, run_as_child, until_ok, until_rejected};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    message: String,
}

/// Runs one test of this binary again in a process of its own; true in that process.
fn in_child(test: &str, prepare: impl FnOnce(&mut Command)) -> bool {
    if is_child() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    prepare(&mut command);
    run_as_child(test, &mut command);
    false
}

#[test]
fn b19_permission_lost_is_told_and_permission_granted_is_seen_without_an_edit() {
    let name = "b19_permission_lost_is_told_and_permission_granted_is_seen_without_an_edit";
    // Root may read anything, so the test runs as nobody.
    let as_nobody = |command: &mut Command| {
        let root = fs::metadata("/proc/self").is_ok_and(|meta| {
            use std::os::unix::fs::MetadataExt;
            meta.uid() == 0
        });
        if root {
            command.uid(65534).gid(65534).current_dir("/");
        }
    };
    if !in_child(name, as_nobody) {
        return;
    }
    let dir = tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "message: one\n").unwrap();
    let live = Config::loader().file(file.as_path()).watch().unwrap();
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    for part in ["c.yaml", "ermission", "mode", "uid"] {
        assert!(problems[0].contains(part), "{part}: {problems:?}");
    }
    assert_eq!(live.with(|c| c.message.clone()), "one");
    mode(0o644);
    until_ok(&live);
    assert_eq!(live.status().generation, 1);
}

#[test]
fn b23_a_relative_path_stays_the_same_file_when_the_directory_changes() {
    let name = "b23_a_relative_path_stays_the_same_file_when_the_directory_changes";
    if !in_child(name, |_| {}) {
        return;
    }
    let dir = tempdir().unwrap();
    let other = tempdir().unwrap();
    let (file, value) = (dir.path().join("c.yaml"), dir.path().join("value"));
    fs::write(&file, "message: one\n").unwrap();
    fs::write(&value, "one\n").unwrap();
    std::env::set_current_dir(dir.path()).unwrap();
    let by_file = Config::loader().file("c.yaml").watch().unwrap();
    let env = Env::from_iter("APP", [("APP_MESSAGE_FILE", "value")]);
    let by_variable = Config::loader().env(env).watch().unwrap();
    std::env::set_current_dir(other.path()).unwrap();
    fs::write("c.yaml", "message: wrong\n").unwrap();
    fs::write("value", "wrong\n").unwrap();
    let notes = [&by_file, &by_variable].map(|live| Notes::of(live, |c| c.message.clone()));
    replace(&file, "message: two\n");
    replace(&value, "two\n");
    for notes in &notes {
        notes.until_last("two".into());
        assert_eq!(notes.values(), ["one", "two"]);
    }
}

#[test]
fn b24_paths_that_are_no_text_are_followed() {
    let dir = tempdir().unwrap();
    let odd = dir.path().join(OsStr::from_bytes(b"od\xffd"));
    fs::create_dir(&odd).unwrap();
    let (file, value) = (odd.join("c.yaml"), odd.join(OsStr::from_bytes(b"v\xfe")));
    fs::write(&file, "message: one\n").unwrap();
    fs::write(&value, "one\n").unwrap();
    let env = Env::from_iter("APP", [("APP_MESSAGE_FILE", value.as_os_str())]);
    fs::create_dir(odd.join("volume")).unwrap();
    let key = odd.join("volume/message");
    fs::write(&key, "one\n").unwrap();
    let lives = [
        Config::loader().file(file.as_path()).watch().unwrap(),
        Config::loader().mount(odd.join("volume")).watch().unwrap(),
        Config::loader().env(env).watch().unwrap(),
    ];
    for text in ["two", "three"] {
        replace(&file, &format!("message: {text}\n"));
        replace(&value, &format!("{text}\n"));
        replace(&key, &format!("{text}\n"));
        for live in &lives {
            eventually(text, || live.with(|c| c.message == text));
            let winner = live.explain("message").unwrap().winner.unwrap();
            assert!(winner.origin.to_string().contains("od\u{fffd}d"));
        }
    }
}
