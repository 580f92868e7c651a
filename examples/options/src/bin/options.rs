//! Prints each value of its configuration, and where it came from.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::time::Duration;
use std::{env, io};

use options::{HostPort, table};
use retune::{OrExit, Retune};

/// Prints what it was told, and by whom.
#[derive(Debug, Retune)]
#[expect(dead_code, reason = "they are shown by where they come from")]
struct Config {
    /// Port to listen on.
    #[retune(default = 8080)]
    port: u16,
    /// Which events are logged.
    #[retune(default = "warn")]
    log_level: Level,
    /// How long an upstream call may take.
    #[retune(default = "2m")]
    timeout: Duration,
    /// The services upstream.
    #[retune(from_str, expects = "a host and a port such as `service-1:8080`")]
    endpoints: Vec<HostPort>,
}

/// From the most urgent events to all of them.
#[derive(Debug, Retune)]
enum Level {
    /// What failed.
    Error,
    /// And what is odd.
    Warn,
    /// And what happens.
    Info,
    /// And how.
    Debug,
}

fn main() {
    // retune's own words: what is odd, such as a value that is given twice.
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    // PORT, PORT_FILE, ... below --port, ...
    let loader = Config::loader().env("").args(env::args_os());
    let config = loader.watch().or_exit();
    println!("{}", table(&config.explain_all()));
}
