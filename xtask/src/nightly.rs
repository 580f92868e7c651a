//! The nightly Rust, for what no other can do yet.

use std::process::Command;

use crate::sh::{self, program};

/// Its cargo; the toolchain that runs xtask itself must not be taken for the one that is asked for.
pub(crate) fn cargo(line: &str) -> Command {
    let mut command = program("cargo");
    command
        .env_remove("RUSTUP_TOOLCHAIN")
        .arg("+nightly")
        .args(line.split(' '));
    command
}

/// What is skipped without it; `None` where it is here.
pub(crate) fn missing(what: &str) -> Option<String> {
    let works = sh::works(&mut cargo("--version"));
    (!works).then(|| format!("{what}: no nightly Rust is here (rustup toolchain install nightly)"))
}
