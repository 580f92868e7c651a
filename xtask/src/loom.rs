//! `cargo xtask loom`: the live cell under every interleaving that loom finds.

use std::process::Command;

use crate::Result;
use crate::sh::{self, cargo, target_dir};

/// Runs the tests of `retune` that stand under `cfg(loom)`.
///
/// # Errors
///
/// When one fails, or there are none.
pub(crate) fn run() -> Result {
    sh::run(&mut test())?;
    if sh::output(test().args(["--", "--list"]))?.contains(": test") {
        Ok(())
    } else {
        Err("no test of retune's library has `loom` in its name".into())
    }
}

fn test() -> Command {
    let mut test = cargo("test --locked --package retune --release --lib loom");
    // A folder of its own: other flags would make cargo rebuild the usual one again and again.
    test.env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", target_dir().join("loom"));
    test
}
