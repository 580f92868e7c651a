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

mod api;
mod behaviours;
mod bench;
mod browser;
mod ci;
mod cluster;
mod demo;
mod fuzz;
mod image;
mod loom;
mod miri;
mod mutants;
mod nightly;
mod package;
mod packages;
mod postgres;
mod references;
mod sh;
mod soak;
mod standalone;
mod svg;
mod test_list;
mod testbed;
mod torture;
mod tsan;

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
    /// Everything that CI holds a commit to, or the parts named.
    Ci {
        parts: Vec<ci::Part>,
    },
    /// Shows real servers and clients following a volume, and ends by itself (`cargo demo`).
    Demo {
        /// Also writes what was printed as a picture.
        #[arg(long, value_name = "FILE")]
        svg: Option<std::path::PathBuf>,
    },
    /// Writes the table of docs/behaviour.md: which tests show each behaviour.
    Behaviours {
        /// Write nothing, and fail also if the table is out of date. In either case it is an error if a
        /// behaviour has neither a test nor a reason, a test carries an unknown id, or the guide names a
        /// test that there is not.
        #[arg(long)]
        check: bool,
    },
    /// Compares the libraries' public API with the listings in docs/api; needs nightly Rust and
    /// cargo-public-api.
    Api(api::Args),
    /// Packages what is published, looks what is in it, and builds it, and its documentation as docs.rs
    /// does; nothing is uploaded.
    Package,
    /// The tests of open pages in a real browser; needs Chromium and chromedriver.
    Browser,
    /// The tests of logins that rotate, with a real PostgreSQL; needs Debian's package `postgresql`.
    Postgres,
    /// Builds examples' static programs and the images that hold them.
    Image(image::Args),
    /// A real cluster on this machine to play with, until Ctrl-C; needs root and Go.
    Cluster(cluster::PlayArgs),
    /// The tests that need a cluster, on one that is started for them.
    ClusterTest(cluster::TestArgs),
    /// Builds the image that the cluster tests need on another cluster than their own.
    ClusterImage {
        /// Name of the image.
        #[arg(long, default_value = "retune-testbed:nonroot")]
        tag: String,
    },
    /// Readers of a volume against a publisher that is killed at random: a million swaps; then a program
    /// under 600 random schedules of swaps and faults, a quarter of an hour. A failure prints its seed:
    /// `RETUNE_TORTURE_SEED=…` or `RETUNE_FAULTS_SEED=…` before the same command repeats it, and
    /// `RETUNE_FAULTS_SCHEDULES=…` says how many schedules.
    Torture {
        /// A hundred thousand swaps and 30 schedules, as in CI.
        #[arg(long)]
        ci: bool,
    },
    /// Many volumes under random edits and faults, with readers: memory, descriptors, threads and watches
    /// have to stay flat.
    Soak(soak::Args),
    /// The live cell, subscribers and shutdown under the interleavings that loom finds.
    Loom,
    /// Readers, subscribers and the watching engine under ThreadSanitizer, where a nightly Rust has it.
    Tsan,
    /// Each parser's way into values against bytes at random.
    Fuzz(fuzz::Args),
    /// The live cell's readers under Miri's detector of races, where a nightly Rust has it.
    Miri,
    // Told where its arguments are.
    Mutants(mutants::Args),
    /// Builds each example in an empty crate with its README's dependency lines, and runs it.
    Standalone {
        examples: Vec<String>,
    },
    /// Retune beside others: the figures of docs/performance.md.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Ci { parts } => ci::run_parts(&parts),
        Task::Demo { svg } => demo::run(svg.as_deref()),
        Task::Behaviours { check } => behaviours::run(check),
        Task::Browser => browser::test(),
        Task::Postgres => postgres::test(),
        Task::Image(args) => image::run(&args),
        Task::Cluster(args) => cluster::play(&args),
        Task::ClusterTest(args) => cluster::test(&args),
        Task::ClusterImage { tag } => image::run_for_cluster(&tag),
        Task::Torture { ci: true } => torture::run(torture::Size::Ci),
        Task::Torture { ci: false } => torture::run(torture::Size::Full),
        Task::Soak(args) => soak::run(&args),
        Task::Loom => loom::run(),
        Task::Api(args) => api::run(&args).map(tell_skipped),
        Task::Package => package::run_all().map(tell_skipped),
        Task::Miri => miri::run().map(tell_skipped),
        Task::Tsan => tsan::run().map(tell_skipped),
        Task::Fuzz(args) => fuzz::run(&args).map(tell_skipped),
        Task::Mutants(args) => mutants::run(&args),
        Task::Standalone { examples } => standalone::run(&examples),
        Task::Bench(args) => bench::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn tell_skipped(skipped: Option<String>) {
    skipped.iter().for_each(|what| println!("skipped: {what}"));
}
