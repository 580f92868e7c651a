//! `cargo xtask torture`: readers of a volume against a publisher that is killed at random.

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
    sh::run(
        test.args(["--", "--nocapture", "--test-threads=1"])
            .env("RETUNE_TORTURE_SWAPS", swaps)
            .env("RETUNE_TORTURE_KILLS", "1000"),
    )
}
