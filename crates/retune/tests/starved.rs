//! C1, C2: a process for which inotify has nothing left still follows its configuration.
#![allow(missing_docs, clippy::print_stderr)]

mod support;

use std::process::{Command, Stdio};
use std::time::Duration;

use retune::Retune;
use retune::status::WatchMode;
use support::{Volume, eventually, is_child, run_as_child};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    message: String,
}

/// Runs one test of this binary again in a user namespace where `limit` is 0; true in there.
fn starved(test: &str, limit: &str) -> bool {
    if is_child() {
        return true;
    }
    let script = format!("echo 0 > /proc/sys/user/{limit} && exec \"$0\" \"$@\"");
    let command = |program: &std::ffi::OsStr| {
        let mut command = Command::new("unshare");
        command.args(["-Ur", "sh", "-c", &script]).arg(program);
        command
    };
    let works = command("true".as_ref()).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        eprintln!("{test} is left out: no user namespace is to be had here");
        return false;
    }
    let own = std::env::current_exe().unwrap();
    run_as_child(test, &mut command(own.as_ref()));
    false
}

fn follows_by_polling(remedy: &str) {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one")]);
    let live = Config::loader()
        .mount(volume.path())
        .poll_every(Duration::from_secs(30), Duration::from_millis(20))
        .watch()
        .unwrap();
    let status = live.status();
    let path = &status.sources[0].paths[0];
    assert_eq!(path.mode, WatchMode::Polling);
    assert!(path.detail.contains(remedy), "{}", path.detail);
    volume.publish(&[("message", "two")]);
    eventually("the change", || live.with(|c| c.message == "two"));
    let counters = live.status().counters;
    assert_eq!(counters.events, 0);
    assert!(counters.polls > 0);
}

#[test]
fn c1_without_an_inotify_instance_changes_arrive_and_the_status_says_how() {
    let name = "c1_without_an_inotify_instance_changes_arrive_and_the_status_says_how";
    if starved(name, "max_inotify_instances") {
        follows_by_polling("max_user_instances");
    }
}

#[test]
fn c2_without_an_inotify_watch_changes_arrive_and_the_status_says_how() {
    let name = "c2_without_an_inotify_watch_changes_arrive_and_the_status_says_how";
    if starved(name, "max_inotify_watches") {
        follows_by_polling("max_user_watches");
    }
}
