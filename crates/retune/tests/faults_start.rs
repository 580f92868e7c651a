//! A start while a file is being written.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

use std::fs;
use std::sync::atomic::{AtomicU8, Ordering};

use retune::{Live, Retune};
use retune_mount::faults::{self, Call};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    message: String,
}

#[test]
fn b5_a_start_waits_until_a_file_that_is_being_written_is_at_rest() {
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
