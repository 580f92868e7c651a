//! `cargo xtask bench`: the figures of `docs/performance.md`.

mod lag;

use crate::Result;
use crate::sh::{self, cargo};

/// Which figures.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// One of `crates/retune/benches`; all of those if not given.
    name: Option<String>,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Debug, clap::Subcommand)]
enum Other {
    /// The lag of edits in pods of a real cluster, hop by hop; needs root and Go.
    Lag(lag::Args),
}

/// Runs a benchmark, or all that need no cluster.
///
/// # Errors
///
/// When there is none of that name, or one does not build or fails.
pub(crate) fn run(args: &Args) -> Result {
    if let Some(Other::Lag(args)) = &args.other {
        return lag::run(args);
    }
    let name = args.name.as_deref().unwrap_or("*");
    sh::run(cargo("bench --locked --package retune --bench").arg(name))
}
