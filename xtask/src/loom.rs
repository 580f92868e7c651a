//! `cargo xtask loom`: the live cell under every interleaving that loom finds.

use crate::Result;
use crate::sh::{self, cargo, target_dir};

/// Runs the tests of `retune` that stand under `cfg(loom)`.
///
/// # Errors
///
/// When one fails.
pub(crate) fn run() -> Result {
    // A folder of its own: other flags would make cargo rebuild the usual one again and again.
    let mut test = cargo("test --locked --package retune --release --lib loom");
    sh::run(
        test.env("RUSTFLAGS", "--cfg loom")
            .env("CARGO_TARGET_DIR", target_dir().join("loom")),
    )
}
