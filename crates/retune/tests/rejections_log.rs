//! What the log tells: each thing that is odd or wrong once, and no secret.
#![allow(missing_docs)]

mod support;

use retune::{Retune, Secret};
use support::{Volume, eventually, log, until_ok, until_rejected};
use tempfile::tempdir;

fn count(part: &str) -> usize {
    log::logged(&[part])
}

/// One test in this binary: the log is the process's.
#[test]
fn d14_f2_f4_h1_each_warning_and_each_rejection_is_logged_once_and_without_secrets() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default = 1)]
        workers: u32,
        #[retune(default = 80)]
        port: u16,
        pin: Option<Secret<u32>>,
    }
    log::keep();
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1"), ("first", "")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    assert_eq!(count("`first`"), 1);
    // As many warnings as before, and yet another one.
    volume.publish(&[("workers", "2"), ("second", "")]);
    eventually("the next", || live.with(|c| c.workers == 2));
    eventually("the change is logged", || {
        count("configuration changed") == 1
    });
    assert_eq!((count("`first`"), count("`second`")), (1, 1));
    // One more: those that are known are not told again.
    volume.publish(&[("workers", "3"), ("second", ""), ("third", "")]);
    eventually("the next", || count("configuration changed") == 2);
    assert_eq!((count("`second`"), count("`third`")), (1, 1));
    // What comes with a bad edit is told as well.
    volume.publish(&[("workers", "x"), ("fourth", ""), ("pin", "hunter2")]);
    let told = until_rejected(&live);
    assert_eq!(told.len(), 2, "{told:?}");
    for _ in 0..3 {
        live.reload().unwrap_err();
    }
    eventually("the rejection is logged", || count("refused") == 1);
    assert_eq!(count("`fourth`"), 1);
    // A value set by hand meanwhile is refused for the same reason, which is nothing new.
    live.set("port", "81").unwrap_err();
    assert_eq!(count("refused"), 1);
    assert_eq!(live.status().counters.rejected(), 1);
    volume.publish(&[("workers", "3"), ("fourth", "")]);
    until_ok(&live);
    eventually("the revert is logged", || count("good again") == 1);
    assert_eq!(count("`fourth`"), 1);
    live.reload().unwrap();
    assert_eq!(count("good again"), 1);
    let panicking = live.subscribe(|_| panic!("out of luck"));
    eventually("the panic is logged", || count("out of luck") == 1);
    drop(panicking);
    // The levels that the documentation names, for `RUST_LOG`.
    for (level, part) in [
        ("WARN ", "`first`"),
        ("INFO ", "configuration changed"),
        ("WARN ", "configuration refused"),
        ("INFO ", "configuration is good again"),
        ("DEBUG ", "configuration unchanged"),
        ("ERROR ", "out of luck"),
    ] {
        let all = log::lines();
        let said = all.iter().filter(|line| line.contains(part));
        let levels: Vec<_> = said.map(|line| line.starts_with(level)).collect();
        assert!(
            !levels.is_empty() && levels.iter().all(|is| *is),
            "{part}: {all:?}"
        );
    }
    assert_eq!(count("hunter2"), 0, "{:?}", log::lines());
    assert!(live.with(|c| (c.port, c.pin.is_none()) == (80, true)));
}
