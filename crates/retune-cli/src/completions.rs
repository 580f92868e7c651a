//! `retune completions`.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::Result;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell that is to complete.
    shell: Shell,
}

/// Prints the script for one shell.
pub(crate) fn run(args: &Args) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut crate::Args::command(),
        "retune",
        &mut script,
    );
    std::io::stdout().lock().write_all(&script)?;
    Ok(())
}
