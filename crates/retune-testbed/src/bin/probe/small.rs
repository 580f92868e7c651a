//! What a shell would be needed for.

use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use ureq::Agent;

use crate::output::end_on_signal;

/// Ends with an exit code, at once or later.
#[derive(Debug, clap::Args)]
pub(crate) struct ExitArgs {
    /// The exit code.
    code: u8,
    /// How many seconds later. A SIGTERM meanwhile ends it with 0.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    after: u64,
}

/// Prints what a URL answers, without its last newline, one line each time. Fails at the first
/// answer that is none, or no success.
#[derive(Debug, clap::Args)]
pub(crate) struct FetchArgs {
    /// `http://…`, its host by the system's resolver.
    url: String,
    /// How often; each time on a connection of its own.
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// How long one answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
}

pub(crate) fn exit(args: &ExitArgs) -> ExitCode {
    if args.after > 0 {
        // Where it cannot be told to end, it ends all the same.
        _ = end_on_signal();
        thread::sleep(Duration::from_secs(args.after));
    }
    ExitCode::from(args.code)
}

pub(crate) fn fetch(args: &FetchArgs) -> Result<(), String> {
    let agent = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(args.timeout)))
        .max_idle_connections(0)
        .build()
        .new_agent();
    for _ in 0..args.times {
        let answer = agent.get(&args.url).call();
        let body = answer.and_then(|mut answer| answer.body_mut().read_to_string());
        let body = body.map_err(|error| format!("{}: {error}", args.url))?;
        let line = body.strip_suffix('\n').unwrap_or(&body);
        writeln!(std::io::stdout(), "{line}").map_err(|error| error.to_string())?;
    }
    Ok(())
}
