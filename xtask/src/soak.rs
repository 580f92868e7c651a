//! `cargo xtask soak`: many volumes under random edits and faults, and what of it stays flat.

mod picture;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use retune_soak::flat;
use retune_soak::record::{Begin, End, Line, Sample};

use crate::Result;
use crate::sh::{self, cargo, output, program, target_dir};

/// Below the options.
const HELP: &str = "\
One process runs some twenty configurations of all those volumes: structs, maps, an environment, Secrets
in memory that rotate, plain files, one that is only polled. Threads read them in every way; subscribers
and gates come and go; configurations are stopped and started anew. Another process edits the volumes
at random, as kubelets and accidents do: swaps, equal content, values that are refused, publishes broken
off, volumes emptied, torn down, or replaced by FIFOs and link loops. It leaves the first process
without descriptors, and stops it and floods it with more events than the kernel keeps.

After each storm of edits all is mended, and everything has to settle: every configuration healthy and at
the last values, as many descriptors, threads and watches as after the warm-up, as much memory, which is
printed. It fails where something is not flat, and where a read was not of one whole generation,
anything panicked, or something is left when all is stopped. What it says then holds the seed.

The same seed draws the same edits in each storm; how many of them fit into its time is the machine's affair.
It is built by `cargo build`: overflows and assertions are checked there, and what is flat does not depend
on speed. One minute is enough to find a descriptor or a thread that is left behind, and is for CI;
slow leaks of memory need the thirty.

    cargo xtask soak --minutes 1
    nice -n 5 cargo xtask soak --svg docs/soak.svg
    cargo xtask soak --from target/soak.jsonl --svg soak.svg";

/// What to soak, and where to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// How long edits go on. Less than half a minute has nothing to compare.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// How many volumes there are, at least 24.
    #[arg(long, default_value_t = 160)]
    volumes: usize,
    /// Draws the same edits as the run that printed it; a new one if not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Where to draw a picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Where to record a line of JSON for each second; `target/soak.jsonl` if not given.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Judges and draws what was recorded, and soaks nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["minutes", "volumes", "seed", "json"])]
    from: Option<PathBuf>,
}

/// What was recorded.
struct Record {
    begin: Begin,
    samples: Vec<Sample>,
    calms: Vec<Sample>,
    end: Option<End>,
}

/// Soaks, and draws what was seen, also when something was not flat.
///
/// # Errors
///
/// When something was not flat, torn, lost or left behind, or it does not build.
pub(crate) fn run(args: &Args) -> Result {
    if let Some(file) = &args.from {
        return judge(&read(file)?).and(draw(args, file));
    }
    sh::run(&mut cargo("build --locked --package retune-soak"))?;
    let file = args.json.clone();
    let file = file.unwrap_or_else(|| target_dir().join("soak.jsonl"));
    // Relative to where this was called, which is where the program does not run.
    let file = std::path::absolute(&file).map_err(|error| error.to_string())?;
    let mut soak = program(&target_dir().join("debug/soak").to_string_lossy());
    soak.args(["--minutes", &args.minutes.to_string()]);
    soak.args(["--volumes", &args.volumes.to_string()]);
    if let Some(seed) = args.seed {
        soak.args(["--seed", &seed.to_string()]);
    }
    let soaked = sh::run(soak.arg("--json").arg(&file));
    draw(args, &file).and(soaked)
}

fn draw(args: &Args, file: &Path) -> Result {
    let Some(svg) = &args.svg else {
        return Ok(());
    };
    let record = read(file)?;
    let conditions = conditions(&record)?;
    let command = command(&record.begin);
    let text = picture::draw(&conditions, &command, &record);
    fs::write(svg, text).map_err(|error| format!("{}: {error}", svg.display()))?;
    println!("{} is drawn", svg.display());
    Ok(())
}

/// What was measured, and whether it was flat.
fn judge(record: &Record) -> Result {
    let (compared, not_flat) = flat::judge(&record.calms, &record.samples);
    let end = record.end.as_ref().ok_or("it was broken off")?;
    println!("{}", table::draw(record, end));
    compared.iter().for_each(|one| println!("- {one}"));
    let mut wrong = end.wrong.clone();
    // What it said of itself then, and what would be said of it now.
    wrong.extend(
        not_flat
            .into_iter()
            .filter(|wrong| !end.wrong.contains(wrong)),
    );
    if wrong.is_empty() {
        println!("Flat: nothing was torn, lost or left behind.");
        return Ok(());
    }
    Err(wrong.join("\n  "))
}

/// How it was, in words.
fn conditions(record: &Record) -> Result<String> {
    let Begin {
        unix,
        volumes,
        files,
        lives,
        version,
        kernel,
        cores,
        debug,
        ..
    } = &record.begin;
    let date = output(program("date").args(["-u", "-d", &format!("@{unix}"), "+%F"]))?;
    // Its first two numbers: what else is there tells of the machine.
    let kernel: Vec<_> = kernel.splitn(3, '.').take(2).collect();
    let build = if *debug { "debug" } else { "release" };
    Ok(format!(
        "{volumes} volumes and {files} files, {lives} configurations; retune {version} ({build} build), Linux {}, \
         {cores} cores, {date}",
        kernel.join("."),
    ))
}

/// The command that draws the same edits.
fn command(begin: &Begin) -> String {
    let Begin {
        minutes,
        volumes,
        seed,
        ..
    } = begin;
    format!(
        "cargo xtask soak --minutes {minutes} --volumes {volumes} --seed {seed} --svg docs/soak.svg"
    )
}

fn read(file: &Path) -> Result<Record> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
    let (mut begin, mut end) = (None, None);
    let (mut samples, mut calms) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match serde_json::from_str(line).map_err(|error| failed(&error))? {
            Line::Begin(one) => begin = Some(one),
            Line::Sample(sample) => samples.push(sample),
            Line::Calm(calm) => calms.push(calm),
            Line::End(one) => end = Some(one),
        }
    }
    let begin = begin.ok_or_else(|| failed(&"it has no beginning"))?;
    Ok(Record {
        begin,
        samples,
        calms,
        end,
    })
}
