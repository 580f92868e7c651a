//! One source on a file system that hangs: all the others go on, and the status says what hangs.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr)]

mod support;

use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use retune::Retune;
use retune::status::Health;
use support::{Volume, eventually, with_own_mounts};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "info")]
    level: String,
    #[retune(default = 1)]
    size: u32,
}

/// Covers a directory with a FUSE file system that takes requests and never answers, for as long as
/// the server is open.
fn cover(dir: &Path) -> Option<File> {
    let Ok(server) = File::options().read(true).write(true).open("/dev/fuse") else {
        eprintln!("skipped: /dev/fuse cannot be opened");
        return None;
    };
    let fd = server.as_raw_fd();
    let options = format!("fd={fd},rootmode=40000,user_id=0,group_id=0");
    let options = CString::new(options).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    match rustix::mount::mount("none", dir, "fuse", flags, &*options) {
        Ok(()) => Some(server),
        Err(error) => {
            eprintln!("skipped: FUSE cannot be mounted: {error}");
            None
        }
    }
}

#[test]
fn a_source_that_hangs_is_named_while_readers_and_all_others_go_on() {
    if !with_own_mounts("a_source_that_hangs_is_named_while_readers_and_all_others_go_on") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let levels = Volume::new(dir.path().join("levels"), &[("level", "info")]);
    let sizes = Volume::new(dir.path().join("sizes"), &[("size", "2")]);
    let live = Config::loader()
        .mount(levels.not_secret())
        .mount(sizes.not_secret())
        .patience(Duration::from_millis(20))
        .watch()
        .unwrap();
    let other = Config::loader().mount(levels.not_secret()).watch().unwrap();
    let mut reader = live.reader();
    let read = reader.get();
    assert_eq!((&*read.level, read.size), ("info", 2));

    let Some(server) = cover(sizes.path()) else {
        return;
    };
    levels.publish(&[("level", "warn")]);
    eventually("the other configuration follows", || {
        other.with(|config| config.level == "warn")
    });
    let reading = format!("reading mount {}", sizes.path().display());
    let mut status = live.status();
    eventually("it is named", || {
        status = live.status();
        let stuck = status.stuck.as_ref();
        stuck.is_some_and(|stuck| stuck.doing == reading)
    });
    assert!(status.stuck.unwrap().seconds > Duration::from_millis(20));
    assert_eq!(status.health, Health::Degraded);
    assert!(
        status.reasons.iter().any(|reason| reason.contains("stuck")),
        "{:?}",
        status.reasons
    );
    for level in ["debug", "info", "error"] {
        levels.publish(&[("level", level)]);
        eventually("the other configuration follows", || {
            other.with(|config| config.level == level)
        });
        // Nothing that reads waits: the last good generation serves on.
        let read = reader.get();
        assert_eq!((&*read.level, read.size), ("info", 2));
        assert_eq!(live.with(|config| config.size), 2);
        assert_eq!(live.load().level, "info");
        assert_eq!(live.explain("level").unwrap().winner.unwrap().value, "info");
        assert!(live.status().stuck.is_some(), "it does hang");
    }
    assert_eq!(other.status().health, Health::Ok);
    // A configuration that starts now is not held up either, nor one that ends.
    let late = Config::loader().mount(levels.not_secret()).watch().unwrap();
    assert_eq!(late.load().level, "error");
    late.stop().unwrap();

    // The server goes away: reading fails, which keeps the last good values, and says so.
    drop(server);
    eventually("it is not stuck", || live.status().stuck.is_none());
    eventually("it is refused", || live.status().rejection.is_some());
    assert_eq!(live.with(|config| config.size), 2);
    // The volume is there again.
    let uncovered = Command::new("umount").arg("-l").arg(sizes.path()).output();
    assert!(uncovered.unwrap().status.success());
    levels.publish(&[("level", "debug")]);
    eventually("both sources are followed again", || {
        live.with(|config| config.level == "debug") && live.status().health == Health::Ok
    });
    sizes.publish(&[("size", "3")]);
    eventually("followed", || live.with(|config| config.size == 3));
    live.stop().unwrap();
    other.stop().unwrap();
}
