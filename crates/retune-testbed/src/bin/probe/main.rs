//! The program that pods of the cluster tests run: a service as a user would write it, made
//! observable; and a few small tools, as an image of one static program has no shell.
//!
//! Exit codes: 0 told to end, 1 failure, 2 no valid configuration or wrong usage, 70 a torn
//! generation was seen.
#![forbid(unsafe_code)]

mod app;
mod config;
mod invariants;
mod ledger;
mod output;
mod pages;
#[cfg(target_os = "linux")]
mod record;
mod serve;
mod small;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// The program that pods of the cluster tests run.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Follows configuration, and shows over HTTP what it sees.
    Serve(Box<serve::Args>),
    /// Records what is done to the directory of a volume.
    #[cfg(target_os = "linux")]
    Record(record::Args),
    /// Ends with an exit code, at once or later.
    Exit(small::ExitArgs),
    /// Prints what a URL answers.
    Fetch(small::FetchArgs),
}

fn main() -> ExitCode {
    let matches = Args::command().get_matches();
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let result = match (args.command, matches.subcommand()) {
        (Command::Serve(args), Some((_, given))) => serve::run(*args, given),
        #[cfg(target_os = "linux")]
        (Command::Record(args), _) => record::run(args),
        (Command::Exit(args), _) => return small::exit(&args),
        (Command::Fetch(args), _) => small::fetch(&args),
        (Command::Serve(_), None) => Err("which sources were given is not known".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            _ = writeln!(std::io::stderr(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}
