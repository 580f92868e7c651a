//! `cargo xtask miri`: the live cell's readers under Miri's detector of races.

use std::process::Command;

use crate::sh::{self, target_dir};
use crate::{Result, nightly};

/// Runs the unit tests of `retune`'s live half under Miri; says what was skipped where there is no
/// Miri to be had.
///
/// # Errors
///
/// When one fails.
pub(crate) fn run() -> Result<Option<String>> {
    if !sh::works(&mut miri("--version")) {
        return Ok(Some(
            "Miri: no nightly Rust with it is here (rustup component add miri --toolchain nightly)"
                .to_owned(),
        ));
    }
    let mut test = miri("test --locked --package retune --lib live::");
    test.env("CARGO_TARGET_DIR", target_dir().join("miri"))
        // The status keeps the time.
        .env("MIRIFLAGS", "-Zmiri-disable-isolation");
    sh::run(&mut test)?;
    Ok(None)
}

fn miri(args: &str) -> Command {
    nightly::cargo(&format!("miri {args}"))
}
