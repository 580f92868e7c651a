//! The `retune` program: tools around mounted configuration.
//!
//! Exit codes: 0 success, 1 failure, 2 wrong usage. `retune mount watch` runs until it is
//! interrupted; a shell then sees 130. `retune check` ends with 0 when the program would take the
//! manifest, with 1 when it would refuse it, and with 2 when the manifest or the schema cannot be read.
#![forbid(unsafe_code)]

mod check;
mod completions;
mod failure;
mod manifest;
mod mount;
mod places;
mod time;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Tools around mounted configuration.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 success, 1 failure, 2 wrong usage. \
                  An interrupted watch ends by the signal, which a shell shows as 130. \
                  `check` has its own, see its --help."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    /// Writes, shows and watches volumes as a kubelet makes them, without a cluster.
    #[command(subcommand)]
    Mount(mount::Command),
    /// Prints a script that completes this program's arguments in a shell.
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Check(args) => check::run(&args),
        Command::Mount(command) => command.run(),
        Command::Completions(args) => completions::run(&args),
    };
    match result {
        // Whoever read our output has seen enough.
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Message(message)) => {
            failure::tell(format_args!("error: {message}"));
            ExitCode::FAILURE
        }
        Err(Failure::Refused) => ExitCode::FAILURE,
        Err(Failure::Unusable(message)) => {
            failure::tell(format_args!("error: {message}"));
            ExitCode::from(2)
        }
        Err(Failure::Usage(message)) => {
            failure::tell(format_args!(
                "error: {message}\n\nFor more information, try '--help'."
            ));
            ExitCode::from(2)
        }
    }
}
