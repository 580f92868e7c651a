//! `cargo xtask torture`: readers of a volume against a publisher that is killed at random.

use std::env;
use std::path::Path;

use crate::Result;
use crate::sh::{self, cargo};

/// How long it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    /// A hundred thousand swaps.
    Ci,
    /// A million swaps.
    Full,
}

/// Runs the torture tests of `retune-mount`; they print their seed and their counts.
///
/// # Errors
///
/// When a read was torn, a last value lost, or anything panicked.
pub(crate) fn run(size: Size) -> Result {
    let swaps = match size {
        Size::Ci => "100000",
        Size::Full => "1000000",
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
    sh::run(&mut test)
}
