//! `cargo xtask ci`: everything that must hold of a commit, part by part, with the time of each.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rustix::fs::statvfs;

use crate::browser::Browser;
use crate::packages::Package;
use crate::postgres::Postgres;
use crate::sh::{cargo, output, program, run, run_until, target_dir, works};
use crate::{
    Result, api, behaviours, cluster, fuzz, image, loom, miri, package, packages, standalone,
    torture, tsan,
};

/// A part of CI, in the order in which they run: what fails soonest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Every file is formatted.
    Format,
    /// Every behaviour has a test, and docs/behaviour.md says which.
    Behaviours,
    /// Licences, sources and doubled crates are as deny.toml allows.
    Deny,
    /// No warning, with all features together and with each alone.
    Clippy,
    /// The README's test command, on a disk and in memory, and each package with all its features.
    Test,
    /// The JSON Schema takes what the program takes, says a validator of another make.
    Schema,
    /// The documentation builds without a warning.
    Doc,
    /// What would be uploaded is complete, and builds by itself, its documentation as on docs.rs.
    Package,
    /// The public API is as docs/api lists it.
    Api,
    /// The library compiles for macOS, where it polls.
    Macos,
    /// The tests on a real cluster hold.
    Cluster,
    /// A minute of random edits and faults leaves nothing behind.
    Soak,
    /// The live cell under every interleaving that loom finds.
    Loom,
    /// The live cell's readers under Miri's detector of races.
    Miri,
    /// Readers, subscribers and the watching engine under ThreadSanitizer.
    Tsan,
    /// Each parser against bytes at random, for some seconds.
    Fuzz,
    /// Readers against a publisher that is killed at random.
    Torture,
    /// Every benchmark runs; what it measures beside other work means nothing.
    Bench,
    /// The demo shows what it claims.
    Demo,
    /// Each example builds and runs in a crate of its own.
    Standalone,
    /// Open pages follow in a real browser.
    Browser,
    /// A login rotates while a real PostgreSQL is asked.
    Postgres,
    /// The examples' images are built and start.
    Image,
}

/// How a part ended.
enum Outcome {
    Held,
    /// Held, but for what this machine cannot do.
    Skipped(String),
}

/// A part that is over.
struct Ended {
    part: Part,
    result: Result<Outcome>,
    time: Duration,
}

/// Runs the parts named, or all of them; goes on after a failure and sums up at the end. What waits more than it works
/// runs beside what follows it.
///
/// # Errors
///
/// When a part fails.
pub(crate) fn run_parts(parts: &[Part]) -> Result {
    let parts = if parts.is_empty() {
        Part::value_variants()
    } else {
        parts
    };
    let start = Instant::now();
    let interrupted = cluster::interrupts()?;
    let interrupted = &*interrupted;
    let mut ended = thread::scope(|scope| {
        let mut beside = Vec::new();
        let mut ended = Vec::new();
        for (at, &part) in parts.iter().enumerate() {
            if interrupted.load(Ordering::Relaxed) {
                break;
            }
            if part.waits() && at + 1 < parts.len() {
                beside.push((part, scope.spawn(move || part.run_marked(interrupted))));
            } else {
                ended.push(part.run_marked(interrupted));
            }
        }
        for (part, thread) in beside {
            ended.push(thread.join().unwrap_or_else(|_| Ended {
                part,
                result: Err("it has panicked".into()),
                time: start.elapsed(),
            }));
        }
        ended
    });
    ended.sort_by_key(|ended| parts.iter().position(|part| *part == ended.part));
    println!();
    for ended in &ended {
        println!("{ended}");
    }
    println!("{:<11}{:>8}", "all", seconds(start.elapsed()));
    let failed = ended.iter().filter(|ended| ended.result.is_err());
    let failed: Vec<_> = failed.map(|ended| ended.part.name()).collect();
    if interrupted.load(Ordering::Relaxed) {
        Err("interrupted".into())
    } else if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")))
    }
}

// === impl Outcome ===

impl From<Option<String>> for Outcome {
    fn from(skipped: Option<String>) -> Self {
        skipped.map_or(Self::Held, Self::Skipped)
    }
}

// === impl Ended ===

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<11}{:>8}  ", self.part.name(), seconds(self.time))?;
        match &self.result {
            Ok(Outcome::Held) => f.write_str("ok"),
            Ok(Outcome::Skipped(what)) => write!(f, "ok, skipped: {what}"),
            Err(message) => write!(f, "FAILED: {message}"),
        }
    }
}

// === impl Part ===

impl Part {
    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// Whether it waits more than it works.
    fn waits(self) -> bool {
        matches!(self, Self::Cluster | Self::Soak)
    }

    /// Runs it between two lines that name it.
    fn run_marked(self, interrupted: &AtomicBool) -> Ended {
        println!("\n=== {}", self.name());
        let since = Instant::now();
        let ended = Ended {
            part: self,
            result: self.run(interrupted),
            time: since.elapsed(),
        };
        println!("=== {ended}");
        ended
    }

    fn run(self, interrupted: &AtomicBool) -> Result<Outcome> {
        match self {
            Self::Format => format()?,
            Self::Behaviours => behaviours::run(true)?,
            Self::Deny => return deny(),
            Self::Clippy => clippy()?,
            Self::Test => return test(),
            Self::Schema => return schema(),
            Self::Doc => doc()?,
            Self::Package => return package::run_all().map(Outcome::from),
            Self::Api => return api::run(&api::Args::default()).map(Outcome::from),
            Self::Macos => return macos(),
            Self::Loom => loom::run()?,
            Self::Miri => return miri::run().map(Outcome::from),
            Self::Tsan => return tsan::run().map(Outcome::from),
            Self::Fuzz => return fuzz::run_briefly().map(Outcome::from),
            Self::Torture => torture::run(torture::Size::Ci)?,
            Self::Soak => {
                run_until(&mut cargo("xtask soak --minutes 1"), "soak: ", interrupted)?;
            }
            Self::Bench => bench()?,
            Self::Demo => run(&mut cargo("demo"))?,
            Self::Standalone => standalone::run(&[])?,
            Self::Browser => return browser(),
            Self::Postgres => return postgres(),
            Self::Cluster => return cluster(interrupted),
            Self::Image => image::run(&image::Args {
                examples: packages::examples()?.into_iter().map(|p| p.name).collect(),
                tag: None,
                run_check: true,
                quick: true,
            })?,
        }
        Ok(Outcome::Held)
    }
}

/// Workspaces of their own, beside this one.
const APART: [&str; 2] = ["bench", "fuzz"];

fn format() -> Result {
    run(&mut cargo("fmt --all --check"))?;
    APART.iter().try_for_each(|workspace| {
        run(&mut cargo(&format!(
            "fmt --manifest-path {workspace}/Cargo.toml --all --check"
        )))
    })
}

fn bench() -> Result {
    let mut clippy =
        cargo("clippy --locked --manifest-path bench/Cargo.toml --workspace --all-targets");
    clippy
        .args(["--", "-D", "warnings"])
        .env("CARGO_TARGET_DIR", target_dir().join("bench"));
    run(&mut clippy)?;
    run(&mut cargo("xtask bench --quick"))
}

fn clippy() -> Result {
    let warnings = ["--", "-D", "warnings"];
    let all = "clippy --locked --workspace --all-targets --all-features";
    run(cargo(all).args(warnings))?;
    for package in packages::all()?
        .iter()
        .filter(|package| !package.features.is_empty())
    {
        let alone = format!("clippy --locked -p {} --no-default-features", package.name);
        run(cargo(&alone).args(warnings))?;
        for feature in &package.features {
            run(cargo(&alone).args(["--features", feature]).args(warnings))?;
        }
    }
    Ok(())
}

fn test() -> Result<Outcome> {
    run(&mut cargo("test --locked"))?;
    let in_memory = test_in_memory()?;
    // The workspace's packages turn on each other's features: what has run with all is not repeated.
    let tree = "tree --locked --workspace --depth 0 --edges normal,dev,build --format {p}|{f}";
    let built = output(&mut cargo(tree))?;
    let has_all = |package: &Package| {
        let start = format!("{} v", package.name);
        built.lines().any(|line| {
            let on = line.split_once('|').map_or("", |(_, on)| on);
            let on = on.split(',');
            line.starts_with(&start)
                && package
                    .features
                    .iter()
                    .all(|f| on.clone().any(|on| on == f))
        })
    };
    for package in packages::all()?.iter().filter(|package| !has_all(package)) {
        run(&mut cargo(&format!(
            "test --locked -p {} --all-features",
            package.name
        )))?;
    }
    Ok(in_memory)
}

/// Tests that look at values from volumes, which are taken for secret in memory unless they say otherwise.
const OF_VALUES: [&str; 18] = [
    "environment",
    "jitter",
    "keys",
    "log_filter",
    "precedence",
    "readers",
    "rejections",
    "restart",
    "rotating",
    "rotating_given",
    "rotating_pairs",
    "rotating_wiping",
    "secrets",
    "secrets_age",
    "secrets_messages",
    "subscribers",
    "volumes",
    "wiping",
];

/// Again where temporary directories lie in memory, as on many a machine: what comes from a volume there is taken for
/// secret. All tests hold there (`TMPDIR=/dev/shm cargo test`); those run that may not.
fn test_in_memory() -> Result<Outcome> {
    const MEMORY: &str = "/dev/shm";
    /// Containers often have but 64 MiB of it.
    const ENOUGH: u64 = 512 << 20;
    let free = statvfs(MEMORY).map_or(0, |disk| disk.f_bavail * disk.f_frsize);
    if free < ENOUGH {
        let why = format!("the tests in memory, as {MEMORY} has no 512 MiB free");
        return Ok(Outcome::Skipped(why));
    }
    let mut test = cargo("test --locked");
    for name in OF_VALUES {
        test.args(["--test", name]);
    }
    run(test.env("TMPDIR", MEMORY))?;
    Ok(Outcome::Held)
}

fn schema() -> Result<Outcome> {
    if !works(program("python3").args(["-c", "import jsonschema, yaml"])) {
        let why = "Python's jsonschema and yaml are not installed: pip install jsonschema pyyaml";
        return Ok(Outcome::Skipped(why.into()));
    }
    let test = "test --locked -p retune --all-features --test json_schema -- --ignored";
    run(&mut cargo(test))?;
    Ok(Outcome::Held)
}

fn doc() -> Result {
    let mut doc = cargo("doc --locked --workspace --no-deps --all-features");
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny() -> Result<Outcome> {
    if !works(program("cargo").args(["deny", "--version"])) {
        return Err("cargo-deny is not installed: cargo install --locked cargo-deny".into());
    }
    run(&mut cargo(
        "deny --offline --all-features check bans licenses sources",
    ))?;
    let why = "advisories, whose database needs the network (cargo deny check advisories)";
    Ok(Outcome::Skipped(why.into()))
}

fn browser() -> Result<Outcome> {
    match Browser::find() {
        Ok(browser) => browser.test().map(|()| Outcome::Held),
        Err(missing) => Ok(Outcome::Skipped(missing)),
    }
}

fn postgres() -> Result<Outcome> {
    match Postgres::find() {
        Ok(postgres) => postgres.test().map(|()| Outcome::Held),
        Err(missing) => Ok(Outcome::Skipped(missing)),
    }
}

fn cluster(interrupted: &AtomicBool) -> Result<Outcome> {
    if !cluster::is_root() {
        let why = "the tests on a cluster, which only root can start here";
        return Ok(Outcome::Skipped(why.into()));
    }
    run_until(&mut cargo("xtask cluster-test"), "cluster: ", interrupted)?;
    Ok(Outcome::Held)
}

fn macos() -> Result<Outcome> {
    let installed = ["aarch64-apple-darwin", "x86_64-apple-darwin"]
        .into_iter()
        .find(|target| image::has_target(target));
    let Some(target) = installed else {
        return Ok(Outcome::Skipped(
            "no macOS target: rustup target add x86_64-apple-darwin".into(),
        ));
    };
    // Its provider of cryptography is partly C, which nothing but a Mac compiles for one.
    let without = "--exclude tls-rotation";
    run(&mut cargo(&format!(
        "check --locked --workspace {without} --target {target}"
    )))?;
    Ok(Outcome::Held)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
