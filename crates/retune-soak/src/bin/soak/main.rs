//! Many configurations under random edits and faults, while others read and follow them.
//!
//! One process is soaked; this one edits its volumes, looks at it from outside and judges what it saw.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a tool of the terminal")]

mod content;
mod director;
mod edits;
mod kubelet;
mod process;
mod random;
mod shape;
mod subject;

use std::alloc::System;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::process::ExitCode;

use cap::Cap;
use clap::{Parser, Subcommand};

/// Counts what is allocated: resident memory alone would hide a slow leak.
#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

/// Many configurations under random edits and faults, while others read and follow them.
#[derive(Debug, Parser)]
struct Args {
    /// How long edits go on.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// How many volumes there are.
    #[arg(long, default_value_t = 160)]
    volumes: usize,
    /// Draws the same edits again.
    #[arg(long)]
    seed: Option<u64>,
    /// Where to record a line of JSON for each second.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// The process that is soaked.
    #[command(hide = true)]
    Subject { disk: PathBuf, memory: PathBuf },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args
        .seed
        .unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    let result = match &args.part {
        Some(Part::Subject { disk, memory }) => {
            let roots = shape::Roots { disk, memory };
            subject::run(seed, args.volumes, roots)
        }
        None => director::run(&director::Plan {
            minutes: args.minutes,
            volumes: args.volumes.max(shape::LEAST),
            seed,
            json: args.json,
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Its standard error may be a pipe that nobody reads any more.
            _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("error: {message}\n").as_bytes(),
            );
            ExitCode::FAILURE
        }
    }
}
