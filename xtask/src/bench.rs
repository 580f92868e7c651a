//! `cargo xtask bench`: the figures of `docs/performance.md`.

use crate::Result;
use crate::sh::{self, cargo};

/// Runs the benchmark of that name, or all.
///
/// # Errors
///
/// When there is none of that name, or one does not build or fails.
pub(crate) fn run(name: Option<&str>) -> Result {
    sh::run(cargo("bench --locked --package retune --bench").arg(name.unwrap_or("*")))
}
