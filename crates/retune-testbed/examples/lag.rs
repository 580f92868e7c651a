//! Measures the lag of edits on the cluster of `KUBECONFIG`, and writes it to a file that
//! `cargo xtask bench lag --from FILE` shows.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use retune_testbed::lag::{Plan, Setting, measure};

/// Measures the lag of edits on the cluster of `KUBECONFIG`.
#[derive(Debug, Parser)]
struct Args {
    /// The sync frequency that the cluster's kubelets have, as `60s`; `60s+nudge`: annotates the
    /// pods after each edit.
    #[arg(long)]
    setting: Setting,
    /// How many pods mount the ConfigMap.
    #[arg(long, default_value_t = 30)]
    pods: u32,
    /// How often it is edited.
    #[arg(long, default_value_t = 10)]
    edits: u32,
    /// Where to write every sample.
    #[arg(long)]
    json: PathBuf,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let plan = Plan {
        setting: args.setting,
        pods: args.pods,
        edits: args.edits,
    };
    let run = measure(&plan, |line| {
        // Nobody may be reading it.
        _ = writeln!(std::io::stdout(), "{}: {line}", args.setting);
    });
    let text = serde_json::to_string(&[run])?;
    fs::write(&args.json, text).map_err(|error| format!("{}: {error}", args.json.display()))?;
    Ok(())
}
