//! Every task of the project beyond `cargo build`, `cargo test` and `cargo demo`.
//!
//! People and CI run the same commands: `.ci/run` is `cargo xtask ci` on a machine that it has
//! first given what that needs.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the terminal"
)]

mod demo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What every task returns: nothing, or a sentence for people.
type Result<T = ()> = std::result::Result<T, String>;

/// Every task of the project beyond `cargo build`, `cargo test` and `cargo demo`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Shows real servers and clients following a volume, and ends by itself (`cargo demo`).
    Demo,
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Demo => demo::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
