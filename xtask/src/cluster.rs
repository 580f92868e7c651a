//! `cargo xtask cluster` and `cargo xtask cluster-test`: a real cluster to play with, and the tests
//! on one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use retune_testbed::TestBed;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::sh::{self, cargo, root, target_dir};
use crate::{Result, packages, testbed};

/// The packages whose programs run in pods.
pub(crate) const PACKAGES: [&str; 9] = [
    "retune-testbed",
    "env-vars",
    "feature-flags",
    "greeter",
    "jwt-rotation",
    "log-level",
    "options",
    "postgres-rotation",
    "tls-rotation",
];

const TESTS: &str = "test --locked --package retune-testbed --tests";

/// Is in the names of tests that want kubelets which sync as they do by default. They have a test bed of their
/// own, beside the others'.
const AT_DEFAULT_SYNC: &str = "at_the_default_sync";

/// What a kubelet does if it is not told.
const DEFAULT_SYNC: &str = "1m";

/// How lines of what runs there begin.
const ASIDE: &str = "1m: ";

/// How the test bed is to be.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Bed {
    /// How many nodes.
    #[arg(long, default_value_t = 3)]
    nodes: u32,
    /// Watch, Cache or Get: how kubelets learn of an edit; Watch if not given.
    #[arg(long, value_name = "STRATEGY")]
    change_detection: Option<String>,
    /// RBAC or AlwaysAllow; RBAC if not given.
    #[arg(long, value_name = "MODE")]
    authorization: Option<String>,
    /// Folder of its state; each runs one test bed at a time. That of tests about the default sync is beside it,
    /// with `-1m` at its end.
    #[arg(long, default_value = retune_testbed::DEFAULT_DIR)]
    dir: PathBuf,
}

/// What to run the tests on, and which.
#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// Only tests with one of these words in their names.
    filter: Vec<String>,
    /// How often a kubelet brings a pod's volumes up to date, but in tests that are about the default.
    #[arg(long, default_value = "1s", value_name = "TIME")]
    sync_frequency: String,
    /// Runs them on another cluster, as the user of this file; needs neither root nor Go.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// What pods run there; `cargo xtask cluster-image` makes one. retune-testbed:nonroot if not given.
    #[arg(long, requires = "kubeconfig")]
    image: Option<String>,
    /// How many tests run at a time; they wait more than they work.
    #[arg(long, default_value_t = 8)]
    test_threads: u32,
    #[command(flatten)]
    bed: Bed,
}

/// What to start.
#[derive(Debug, clap::Args)]
pub(crate) struct PlayArgs {
    /// How often a kubelet brings a pod's volumes up to date.
    #[arg(long, default_value = "60s", value_name = "TIME")]
    sync_frequency: String,
    #[command(flatten)]
    bed: Bed,
}

/// How programs are compiled.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// What was done, and how long it took.
#[derive(Default)]
struct Clock {
    mark: &'static str,
    parts: Vec<(String, Duration)>,
}

/// Builds everything, starts a test bed (or takes the cluster given), runs the tests, stops it.
///
/// # Errors
///
/// When something is missing or does not build, or a test fails.
pub(crate) fn test(args: &TestArgs) -> Result {
    if args.kubeconfig.is_none() {
        check_needs()?;
    }
    let mut clock = Clock::default();
    let result = timed_test(args, &mut clock);
    clock.print();
    result
}

fn timed_test(args: &TestArgs, clock: &mut Clock) -> Result {
    // First, as a filter that is mistaken is not to cost a build of the test bed.
    let names = clock.time("tests' build", || build_tests(&args.filter))?;
    let (slow, quick): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|name| name.contains(AT_DEFAULT_SYNC));
    let own = match args.kubeconfig {
        None => Some((
            clock.time("test bed's program", testbed::build)?,
            clock.time("pods' programs", || programs(Profile::Debug))?,
        )),
        Some(_) => None,
    };
    if let Some((program, _)) = &own
        && args.filter.is_empty()
    {
        clock.time("test bed's own tests", || testbed::test(program))?;
    }

    let interrupted = interrupts()?;
    let run = |tests: &mut Command, mark: &str| {
        tests.arg("--test-threads");
        tests.arg(args.test_threads.to_string());
        sh::run_until(tests, mark, &interrupted)
    };
    let Some((program, bin)) = own else {
        let mut tests = tests(&[&quick[..], &slow].concat());
        if let Some(kubeconfig) = &args.kubeconfig {
            let kubeconfig = std::path::absolute(kubeconfig);
            tests.env("KUBECONFIG", kubeconfig.map_err(|error| error.to_string())?);
        }
        if let Some(image) = &args.image {
            tests.env("RETUNE_TESTBED_IMAGE", image);
        }
        return clock.time("tests", || run(&mut tests, ""));
    };
    let on_a_bed = |bed: &Bed, sync: &str, names: &[String], mark: &str, clock: &mut Clock| {
        let bed = clock.time("start", || start(&program, bed, sync, &bin, mark))?;
        let mut tests = tests(names);
        if sync == DEFAULT_SYNC {
            // They measure, which is worth reading when they pass as well.
            tests.arg("--no-capture");
        }
        let ended = clock.time("tests", || run(tests.envs(bed.environment()), mark));
        clock.time("stop", || {
            drop(bed);
            Ok(())
        })?;
        ended
    };
    // Side by side: they wait more than they work, and test beds share nothing but the machine.
    thread::scope(|scope| {
        let aside = (!slow.is_empty()).then(|| {
            let (bed, mut clock) = (args.bed.aside(), Clock::marked(ASIDE));
            let slow = &slow;
            scope.spawn(move || {
                let ended = on_a_bed(&bed, DEFAULT_SYNC, slow, ASIDE, &mut clock);
                (ended, clock)
            })
        });
        let mut result = Ok(());
        if !quick.is_empty() {
            result = on_a_bed(&args.bed, &args.sync_frequency, &quick, "", clock);
        }
        if let Some(aside) = aside {
            let (ended, aside) = aside.join().map_err(|_| "the other run has panicked")?;
            clock.parts.extend(aside.parts);
            result = result.and(ended);
        }
        result
    })
}

/// Runs these tests.
fn tests(names: &[String]) -> Command {
    let mut tests = cargo(TESTS);
    tests.args(["--no-fail-fast", "--", "--ignored", "--exact"]);
    tests.args(names);
    tests
}

/// Builds the tests, and gives the names of those that the filter passes; if it passes none, it is a mistake.
fn build_tests(filter: &[String]) -> Result<Vec<String>> {
    sh::run(cargo(TESTS).arg("--no-run"))?;
    let list = sh::output(
        cargo(TESTS)
            .args(["--", "--ignored", "--list"])
            .args(filter),
    )?;
    let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
    let names: Vec<_> = names.map(str::to_owned).collect();
    match names.is_empty() {
        false => Ok(names),
        true if filter.is_empty() => Err("no test needs a cluster".into()),
        true => Err(format!(
            "no test has {} in its name; their names: cargo {TESTS} -- --ignored --list",
            filter.join(" or ")
        )),
    }
}

/// Starts a cluster, says what to try, and stops it at Ctrl-C.
///
/// # Errors
///
/// When something is missing or does not build, or it ends by itself.
pub(crate) fn play(args: &PlayArgs) -> Result {
    check_needs()?;
    let program = testbed::build()?;
    let bin = programs(Profile::Debug)?;
    let interrupted = interrupts()?;
    let since = Instant::now();
    let mut bed = start(&program, &args.bed, &args.sync_frequency, &bin, "")?;
    let kubeconfig = bed.kubeconfig().display();
    let program = program.display();
    println!(
        "\nThe cluster is ready after {}; Ctrl-C stops it. In another terminal, in {}:\n\n  \
         export KUBECONFIG={kubeconfig}; alias kubectl='{program} kubectl'\n  \
         kubectl apply -k examples/log-level/testbed\n  \
         kubectl edit configmap app-server; kubectl logs --follow --prefix --selector app=app-server\n",
        seconds(since.elapsed()),
        root().display(),
    );
    bed.wait(|| interrupted.load(Ordering::Relaxed));
    match interrupted.load(Ordering::Relaxed) {
        true => Ok(()),
        false => Err("the test bed has ended by itself".into()),
    }
}

/// Builds the programs that pods run, into the folder that containers see as `/testbed/bin`.
pub(crate) fn programs(profile: Profile) -> Result<PathBuf> {
    let mut build = cargo("build --locked --bins");
    let built = target_dir().join(match profile {
        Profile::Debug => "debug",
        Profile::Release => {
            build.arg("--release");
            "release"
        }
    });
    for package in PACKAGES {
        build.args(["--package", package]);
    }
    sh::run(&mut build)?;
    let bin = target_dir().join("testbed/bin");
    let failed = |error: std::io::Error| format!("{}: {error}", bin.display());
    fs::create_dir_all(&bin).map_err(failed)?;
    for package in packages::named(&PACKAGES)? {
        for binary in &package.binaries {
            // One that runs cannot be written to, but another can take its place.
            let new = bin.join(format!("{binary}.new"));
            fs::copy(built.join(binary), &new).map_err(failed)?;
            fs::rename(&new, bin.join(binary)).map_err(failed)?;
        }
    }
    Ok(bin)
}

pub(crate) fn start(
    program: &Path,
    bed: &Bed,
    sync_frequency: &str,
    bin: &Path,
    mark: &str,
) -> Result<TestBed> {
    let mut builder = TestBed::build(program)
        .dir(&bed.dir)
        .option("--nodes", bed.nodes.to_string())
        .option("--sync-frequency", sync_frequency)
        .option("--bin", bin);
    for (name, value) in [
        ("--change-detection", &bed.change_detection),
        ("--authorization", &bed.authorization),
    ] {
        if let Some(value) = value {
            builder = builder.option(name, value);
        }
    }
    let mark = mark.to_owned();
    let started = builder.start(move |line| println!("{mark}testbed: {line}"));
    started.map_err(|error| error.to_string())
}

/// Says before anything is built what a test bed cannot do without.
pub(crate) fn check_needs() -> Result {
    match is_root() {
        true => testbed::check_go(),
        false => Err(
            "the test bed needs root, for mounts and namespaces; on a cluster of your own \
             (`cluster-test --kubeconfig FILE`) the tests do not"
                .into(),
        ),
    }
}

/// Whether this user can start a test bed.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Is set once the user or the system wants this to end.
pub(crate) fn interrupts() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, interrupted.clone())
            .map_err(|error| format!("signals: {error}"))?;
    }
    Ok(interrupted)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

// === impl Bed ===

impl Bed {
    /// One like it, that can run at the same time.
    fn aside(&self) -> Self {
        let mut name = self.dir.file_name().unwrap_or_default().to_owned();
        name.push("-1m");
        let dir = self.dir.with_file_name(name);
        Self {
            dir,
            ..self.clone()
        }
    }
}

// === impl Clock ===

impl Clock {
    fn marked(mark: &'static str) -> Self {
        let parts = Vec::new();
        Self { mark, parts }
    }

    fn time<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let since = Instant::now();
        let result = work();
        let name = format!("{}{name}", self.mark);
        self.parts.push((name, since.elapsed()));
        result
    }

    fn print(&self) {
        println!();
        for (name, time) in &self.parts {
            println!("{name:<20}{:>9}", seconds(*time));
        }
    }
}
