//! `cargo xtask bench`: the figures of `docs/performance.md`.

use crate::Result;
use crate::sh::{self, cargo};

/// Runs the benchmarks of one package after the other.
///
/// # Errors
///
/// When one does not build or fails.
pub(crate) fn run(arguments: &[String]) -> Result {
    for package in ["retune-mount", "retune"] {
        let mut bench = cargo(&format!("bench --locked --package {package} --benches"));
        sh::run(bench.arg("--").args(arguments))?;
    }
    Ok(())
}
