//! `cargo xtask fuzz`: the targets of `fuzz/`, each for some seconds.

mod stats;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use self::stats::Stats;
use crate::Result;
use crate::sh::{self, cargo, output, program, root, target_dir, works};

/// Bytes at random, by what they reach, through each parser into values: no panic, no hang, no overflow, no
/// secret told, places within the text, and the same as others say.
///
/// Needs cargo-fuzz (`cargo install --locked cargo-fuzz`) and a C++ compiler, for libFuzzer; no nightly Rust, as no
/// sanitizer is built in: there is no unsafe code here for one to look at. Debug assertions and checks for
/// overflow are on.
///
/// A target begins with the files of fuzz/corpus/TARGET and with what earlier runs found, which is kept in
/// target/fuzz/corpus/TARGET. An input that fails is kept in fuzz/artifacts/TARGET, and the line that runs it
/// again is printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Targets; all of them if none is named.
    targets: Vec<String>,
    /// How long each is run.
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u64,
    /// Chance begins with this number. Two runs with one begin alike but do not try the same inputs: those that seem
    /// worth keeping also depend on the keys of hash maps, which are random, and on the time there is.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    seed: Option<u32>,
    /// How many run at the same time.
    #[arg(long, default_value_t = cores(), value_name = "N")]
    jobs: usize,
    /// Lists the targets, and runs none.
    #[arg(long)]
    list: bool,
    /// Drops what was found and reaches nothing that smaller inputs do not, instead of running.
    #[arg(long)]
    minimize: bool,
}

/// How a target ended.
struct Outcome {
    target: String,
    result: Result<Stats>,
}

/// Runs each target for some seconds, as CI does. Says what was skipped.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_briefly() -> Result<Option<String>> {
    run(&Args {
        targets: Vec::new(),
        seconds: 5,
        seed: None,
        jobs: cores(),
        list: false,
        minimize: false,
    })
}

/// Runs the targets; says what was skipped where there is no cargo-fuzz.
///
/// # Errors
///
/// When there is no such target, it does not build, or an input fails.
pub(crate) fn run(args: &Args) -> Result<Option<String>> {
    let all = targets()?;
    if args.list {
        all.iter().for_each(|target| println!("{target}"));
        return Ok(None);
    }
    if let Some(unknown) = args.targets.iter().find(|target| !all.contains(target)) {
        let all = all.join(", ");
        return Err(format!("there is no target `{unknown}`: there are {all}"));
    }
    if !works(&mut cargo("fuzz --version")) {
        return Ok(Some(
            "fuzzing: cargo-fuzz is not installed (cargo install --locked cargo-fuzz)".to_owned(),
        ));
    }
    let targets = match &args.targets[..] {
        [] => &all[..],
        named => named,
    };
    let folder = build(&args.targets)?;
    if args.minimize {
        return targets
            .iter()
            .try_for_each(|target| minimize(&folder, target))
            .map(|()| None);
    }
    let outcomes = run_all(&folder, targets, args)?;
    println!("\n{:<11}{}", "target", Stats::HEAD);
    let mut failed = Vec::new();
    for Outcome { target, result } in outcomes {
        match result {
            Ok(stats) => println!("{target:<11}{stats}"),
            Err(message) => {
                println!("{target:<11}FAILED: {message}");
                failed.push(target);
            }
        }
    }
    if failed.is_empty() {
        Ok(None)
    } else {
        Err(format!("failed: {}", failed.join(", ")))
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names =
        entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// Builds the one target that is named, or all; where they lie then.
fn build(named: &[String]) -> Result<PathBuf> {
    let folder = target_dir().join("fuzz");
    let mut build = cargo("fuzz build --sanitizer none --target-dir");
    build.arg(&folder);
    if let [one] = named {
        build.arg(one);
    }
    sh::run(&mut build)?;
    let host = output(program("rustc").args(["--print", "host-tuple"]))?;
    Ok(folder.join(host).join("release"))
}

fn run_all(folder: &Path, targets: &[String], args: &Args) -> Result<Vec<Outcome>> {
    println!(
        "{} targets, {} s each, {} at a time",
        targets.len(),
        args.seconds,
        args.jobs
    );
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..args.jobs.clamp(1, targets.len()) {
            scope.spawn(|| {
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = Outcome {
                        target: target.clone(),
                        result: run_one(folder, target, args),
                    };
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push(outcome);
                    }
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().map_err(|_| "a run panicked")?;
    outcomes.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(outcomes)
}

fn run_one(folder: &Path, target: &str, args: &Args) -> Result<Stats> {
    let [found, seeds] = corpora(target)?;
    let artifacts = root().join("fuzz/artifacts").join(target);
    let made = fs::create_dir_all(&artifacts);
    made.map_err(|error| format!("{}: {error}", artifacts.display()))?;
    let mut fuzz = Command::new(folder.join(target));
    fuzz.current_dir(root())
        .arg(found)
        .arg(seeds)
        .arg(format!("-max_total_time={}", args.seconds))
        // To libFuzzer, 0 is a seed of its own choice.
        .arg(format!("-seed={}", args.seed.unwrap_or(0)))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        // The patterns of a regex and a machine that does much else: a hang is longer.
        .args(["-timeout=60", "-print_final_stats=1"])
        .stdin(Stdio::null());
    println!("{}", sh::show(&fuzz));
    let started = std::time::Instant::now();
    let output = fuzz
        .output()
        .map_err(|error| format!("cannot start {target}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Stats::read(&told, started.elapsed().max(Duration::from_secs(1)));
    }
    let last: Vec<_> = told.lines().rev().take(60).collect();
    last.iter()
        .rev()
        .for_each(|line| println!("{target}: {line}"));
    let kept = told
        .lines()
        .find_map(|line| line.split_once("Test unit written to "));
    Err(match kept {
        Some((_, input)) => format!(
            "once more: cargo fuzz run --sanitizer none --target-dir target/fuzz {target} {input}\n           \
             smaller: cargo fuzz tmin --sanitizer none --target-dir target/fuzz {target} {input}"
        ),
        None => format!("ended with {}", output.status),
    })
}

/// What runs found, and what is kept in the repository.
fn corpora(target: &str) -> Result<[PathBuf; 2]> {
    let found = target_dir().join("fuzz/corpus").join(target);
    let seeds = root().join("fuzz/corpus").join(target);
    for folder in [&found, &seeds] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok([found, seeds])
}

fn minimize(folder: &Path, target: &str) -> Result {
    let [found, seeds] = corpora(target)?;
    let fewer = found.with_extension("fewer");
    let failed = |error: std::io::Error| format!("{}: {error}", fewer.display());
    _ = fs::remove_dir_all(&fewer);
    fs::create_dir_all(&fewer).map_err(failed)?;
    let before = files(&found);
    let mut merge = Command::new(folder.join(target));
    merge
        .current_dir(root())
        .arg("-set_cover_merge=1")
        .args([&fewer, &found, &seeds])
        .stderr(Stdio::null());
    sh::run(&mut merge)?;
    fs::remove_dir_all(&found).map_err(failed)?;
    fs::rename(&fewer, &found).map_err(failed)?;
    println!("{target}: {} of {before} inputs are kept", files(&found));
    Ok(())
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}
