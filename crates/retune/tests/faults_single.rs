//! Faults of the whole process, one at a time.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

mod support;

use std::fs;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use retune::{Live, Retune};
use retune_mount::faults::{self, Call};
use support::{Volume, eventually};
use tempfile::tempdir;

/// Held by each test.
static TURN: Mutex<()> = Mutex::new(());

#[derive(Debug, Retune)]
struct Config {
    message: String,
}

#[test]
fn b5_a_start_waits_until_a_file_that_is_being_written_is_at_rest() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    fs::write(&file, "message: before").unwrap();
    let (path, step) = (file.clone(), AtomicU8::new(0));
    // It is emptied in the middle of the first reading, and written again after it.
    let _failing = faults::inject(move |call| {
        let next = |step: &AtomicU8, from| {
            step.compare_exchange(from, from + 1, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        };
        if call == Call::Read && next(&step, 0) {
            fs::write(&path, "").unwrap();
        } else if call == Call::Open && next(&step, 1) {
            fs::write(&path, "message: after").unwrap();
        }
        None
    });
    let live: Live<Config> = Config::loader().file(file).watch().unwrap();
    assert_eq!(live.load().message, "after");
}

#[test]
fn c3_c14_a_full_queue_and_a_panic_of_the_watching_thread_are_in_the_status() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "0")]);
    let live: Live<Config> = Config::loader().mount(volume.path()).watch().unwrap();
    let counters = || live.status().counters;
    let before = counters();

    faults::overflow(true);
    volume.publish(&[("message", "1")]);
    eventually("after a full queue", || live.load().message == "1");
    assert!(counters().overflows > before.overflows);
    faults::overflow(false);

    faults::panic_once();
    volume.publish(&[("message", "2")]);
    eventually("after a panic", || live.load().message == "2");
    assert_eq!(counters().watcher_panics, before.watcher_panics + 1);
    volume.publish(&[("message", "3")]);
    eventually("after it was started again", || live.load().message == "3");
}
