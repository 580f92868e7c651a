//! `cargo xtask torture`: readers of a volume against a publisher that is killed at random, and a program
//! whose system calls fail.

use std::env;
use std::path::Path;

use crate::Result;
use crate::sh::{self, cargo};

const SCHEDULES: &str = "RETUNE_FAULTS_SCHEDULES";

/// How long it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    /// A hundred thousand swaps, 30 schedules.
    Ci,
    /// A million swaps, 600 schedules.
    Full,
}

/// Runs the torture tests of `retune-mount`, and the random schedules of `retune`; they print their seeds
/// and their counts.
///
/// # Errors
///
/// When a read was torn, a last value lost, or anything panicked.
pub(crate) fn run(size: Size) -> Result {
    let (swaps, schedules) = match size {
        Size::Ci => ("100000", "30"),
        Size::Full => ("1000000", "600"),
    };
    let mut test = cargo("test --locked --package retune-mount --release --test torture");
    test.args(["--", "--nocapture", "--test-threads=1"])
        .env("RETUNE_TORTURE_SWAPS", swaps)
        .env("RETUNE_TORTURE_KILLS", "1000");
    // In memory, where Secrets lie, ten times as many swaps meet the readers in the same time.
    // The short run of `cargo test` is on the disk, as ConfigMaps are.
    let memory = Path::new("/dev/shm");
    if env::var_os("TMPDIR").is_none() && memory.is_dir() {
        test.env("TMPDIR", memory);
    }
    sh::run(&mut test)?;
    // What fails and waits is not made faster by a release build.
    let mut test = cargo("test --locked --package retune --test faults_random");
    test.args(["--", "--nocapture"]);
    if env::var_os(SCHEDULES).is_none() {
        test.env(SCHEDULES, schedules);
    }
    sh::run(&mut test)
}
