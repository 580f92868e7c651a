//! Group F: a candidate that was being checked while something newer came.
#![allow(missing_docs)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use retune::{Live, Retune, Snapshot};
use support::{Volume, eventually};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    version: u32,
}

/// Follows a volume in which version 2 is published. A gate notes each version that it is asked about,
/// and publishes the next before it agrees, up to the last; returns when that is live.
fn newer_meanwhile(patience: Duration, last: u32) -> (Live<Config>, Vec<u32>) {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("version", "1")]);
    let loader = Config::loader().mount(volume.path());
    let live = loader.patience(patience).watch().unwrap();
    // There is one publisher at a time.
    let volume = Arc::new(Mutex::new(volume));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (ask, publisher) = (asked.clone(), volume.clone());
    live.gate(move |config: &Config| {
        ask.lock().unwrap().push(config.version);
        if config.version < last {
            let next = (config.version + 1).to_string();
            publisher.lock().unwrap().publish(&[("version", &next)]);
        }
        Ok::<(), String>(())
    })
    .detach();
    volume.lock().unwrap().publish(&[("version", "2")]);
    eventually("the last version", || live.with(|c| c.version == last));
    let asked = asked.lock().unwrap().clone();
    (live, asked)
}

#[test]
fn f7_a_quick_candidate_is_published_although_something_newer_is_there() {
    let (live, asked) = newer_meanwhile(Duration::from_secs(3600), 4);
    assert_eq!(asked, [2, 3, 4]);
    assert_eq!(Snapshot::generation(&live.load()), 4);
}

#[test]
fn f7_a_late_candidate_is_published_when_nothing_newer_is_there() {
    let (live, asked) = newer_meanwhile(Duration::ZERO, 2);
    assert_eq!(asked, [2], "there is nothing to be read again");
    assert_eq!(Snapshot::generation(&live.load()), 2);
}

#[test]
fn f7_each_fourth_late_candidate_is_published_whatever_is_there() {
    let (live, asked) = newer_meanwhile(Duration::ZERO, 10);
    assert!(asked.iter().copied().eq(2..=10), "{asked:?}");
    // Of 2 to 5 the last, of 6 to 9 the last, and 10, behind which there is none.
    assert_eq!(Snapshot::generation(&live.load()), 4);
}
