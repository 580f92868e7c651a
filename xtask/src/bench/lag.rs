//! `cargo xtask bench lag`: the lag of edits in pods of a real cluster, hop by hop.

mod picture;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use retune_testbed::lag::{Moment, Run, Setting};

use crate::sh::{self, cargo, output, program, target_dir};
use crate::{Result, cluster, testbed};

/// What to measure, and where to show it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many pods mount the ConfigMap.
    #[arg(long, default_value_t = 30)]
    pods: u32,
    /// How often it is edited.
    #[arg(long, default_value_t = 10)]
    edits: u32,
    /// Sync frequencies of the kubelets; `+nudge`: with the pods annotated after each edit.
    #[arg(
        long,
        value_name = "LIST",
        default_value = "60s,10s,1s,60s+nudge",
        value_delimiter = ','
    )]
    settings: Vec<Setting>,
    /// Where to draw a picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Where to keep every sample.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Shows what was kept, and measures nothing. Repeatable.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pods", "edits", "settings"])]
    from: Vec<PathBuf>,
    #[command(flatten)]
    bed: cluster::Bed,
}

/// The hops of an edit.
const HOPS: [(Moment, Moment, &str); 4] = [
    (Moment::Written, Moment::Published, "published"),
    (Moment::Published, Moment::Noticed, "noticed"),
    (Moment::Noticed, Moment::Swapped, "swapped"),
    (Moment::Swapped, Moment::Applied, "applied"),
];

/// What the program and retune have in hand.
const WITHIN: (Moment, Moment) = (Moment::Published, Moment::Applied);

/// The whole way.
const TOTAL: (Moment, Moment) = (Moment::Written, Moment::Applied);

/// Measures, and shows the results.
///
/// # Errors
///
/// When something is missing or does not build, or a measurement fails its own checks.
pub(super) fn run(args: &Args) -> Result {
    let runs = match &*args.from {
        [] => measure(args)?,
        files => {
            let runs: Result<Vec<_>> = files.iter().map(|file| read(file)).collect();
            runs?.concat()
        }
    };
    let conditions = conditions(&runs)?;
    println!("\n{}", table::draw(&conditions, &runs));
    if let Some(file) = &args.json {
        let text = serde_json::to_string(&runs).map_err(|error| error.to_string())?;
        write(file, &(text + "\n"))?;
    }
    match &args.svg {
        Some(file) => write(file, &picture::draw(&conditions, &runs)),
        None => Ok(()),
    }
}

/// One test bed for each sync frequency, and on it a measurement for each setting with that.
fn measure(args: &Args) -> Result<Vec<Run>> {
    cluster::check_needs()?;
    let program = testbed::build()?;
    let bin = cluster::programs(cluster::Profile::Release)?;
    sh::run(&mut cargo(
        "build --locked --release --package retune-testbed --example lag",
    ))?;
    let interrupted = cluster::interrupts()?;
    let mut runs = Vec::new();
    for (index, setting) in args.settings.iter().enumerate() {
        let of_sync = |other: &&Setting| other.sync == setting.sync;
        if args
            .settings
            .iter()
            .take(index)
            .any(|other| of_sync(&other))
        {
            continue;
        }
        let sync = format!("{}s", setting.sync);
        let bed = cluster::start(&program, &args.bed, &sync, &bin, "")?;
        for setting in args.settings.iter().filter(of_sync) {
            runs.push(measure_one(
                args,
                *setting,
                &bed.environment(),
                &interrupted,
            )?);
        }
    }
    // As they were asked for.
    let place = |run: &Run| {
        args.settings
            .iter()
            .position(|one| *one == run.plan.setting)
    };
    runs.sort_by_key(place);
    Ok(runs)
}

fn measure_one(
    args: &Args,
    setting: Setting,
    environment: &[(&str, &Path)],
    interrupted: &AtomicBool,
) -> Result<Run> {
    let folder = target_dir().join("lag");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let file = folder.join(format!("{setting}.json"));
    let mut measure = program(&target_dir().join("release/examples/lag").to_string_lossy());
    measure.envs(environment.iter().copied());
    measure.args(["--setting", &setting.to_string()]);
    measure.args(["--pods", &args.pods.to_string()]);
    measure.args(["--edits", &args.edits.to_string()]);
    measure.arg("--json").arg(&file);
    sh::run_until(&mut measure, "", interrupted)?;
    let run = read(&file)?.pop();
    run.ok_or_else(|| format!("{}: it is empty", file.display()))
}

/// How it was measured, in words: the same for all.
fn conditions(runs: &[Run]) -> Result<String> {
    let first = runs.first().ok_or("nothing was measured")?;
    let size = |run: &Run| (run.plan.pods, run.plan.edits);
    if let Some(other) = runs
        .iter()
        .find(|run| run.place != first.place || size(run) != size(first))
    {
        let (one, other) = (first.plan.setting, other.plan.setting);
        return Err(format!(
            "{one} and {other} were measured on different clusters or in different sizes: \
             they are not of one table"
        ));
    }
    let place = &first.place;
    let began = first
        .edits
        .first()
        .map_or(0, |edit| edit.sent / 1_000_000_000);
    let date = output(program("date").args(["-u", "-d", &format!("@{began}"), "+%F"]))?;
    let machine = match place.cores {
        Some(cores) => format!(" on one machine of {cores} cores"),
        None => String::new(),
    };
    // Its first two numbers: what else is there tells of the machine.
    let kernel: Vec<_> = place.kernel.splitn(3, '.').take(2).collect();
    Ok(format!(
        "{} pods × {} edits, {} nodes{machine}, Kubernetes {}, Linux {}, {date}",
        first.plan.pods,
        first.plan.edits,
        place.nodes,
        place.kubernetes.trim_start_matches('v'),
        kernel.join("."),
    ))
}

/// How people call a setting.
fn name(setting: Setting) -> String {
    let nudged = if setting.nudged { ", annotated" } else { "" };
    format!("{} s{nudged}", setting.sync)
}

/// A duration with three digits, or so.
fn time(seconds: f64) -> String {
    match seconds.abs() {
        s if s < 0.01 => format!("{:.2} ms", seconds * 1e3),
        s if s < 0.9995 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

fn read(file: &Path) -> Result<Vec<Run>> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}

fn write(file: &Path, text: &str) -> Result {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_the_unit_of_its_size() {
        let shown = [0.000_42, 0.009_9, 0.0106, 0.9994, 0.9996, 61.27, -0.002].map(time);
        let expected = [
            "0.42 ms", "9.90 ms", "11 ms", "999 ms", "1.0 s", "61.3 s", "-2.00 ms",
        ];
        assert_eq!(shown, expected);
    }
}
