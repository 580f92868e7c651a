//! `cargo xtask mutants`: the code is changed in one place at a time, and a test should fail.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::sh::{self, cargo, target_dir};

/// Mutation testing of reading, watching and reloading; needs cargo-mutants and some hours.
///
/// The code is changed in one place at a time, and a test should fail.
///
/// `cargo install --locked cargo-mutants` gets it. What is changed, and what is not and why, is in `.cargo/mutants.toml`; the last score, and the changes that no
/// test can see, are in docs/proof.md. It works on copies: your files stay as they are.
///
/// Each part is gone through with its fastest tests, then what they missed with its other tests. All of it takes
/// some hours on two cores. The lists of caught.txt, missed.txt, timeout.txt (caught: a test waited for ever)
/// and unviable.txt (does not compile) are in `target/mutants/PART/mutants.out`, with a log of each.
///
/// After new tests, `cargo xtask mutants -- --iterate` looks again at what was missed only.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which code; all of it if none is named.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// How many changes are tried at the same time, each in a copy of its own of some 2 GB.
    #[arg(long, default_value_t = 1, value_name = "N")]
    jobs: usize,
    /// Further arguments of cargo-mutants, such as `--list`, `--re settle.rs` (only what matches), `--iterate` (only what
    /// was missed), `--shard 1/4`.
    #[arg(last = true, value_name = "ARGS")]
    more: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// All of `retune-mount`.
    Mount,
    /// What becomes of a reading in `retune`: pipeline, merge, values that need a restart, overlaps.
    Layers,
    /// The reload thread, the live cell and subscribers.
    Live,
}

/// Some tests of a package: how cargo is told of them, and what is left out.
struct Tests {
    targets: &'static [&'static str],
    skipped: &'static [&'static str],
    /// In seconds. Many times what they need, as other work may go on beside them.
    timeout: &'static str,
}

impl Part {
    const ALL: [Self; 3] = [Self::Mount, Self::Layers, Self::Live];

    fn name(self) -> &'static str {
        match self {
            Self::Mount => "mount",
            Self::Layers => "layers",
            Self::Live => "live",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Mount => "retune-mount",
            Self::Layers | Self::Live => "retune",
        }
    }

    /// Of the package's files in `.cargo/mutants.toml`, those of other parts.
    fn left_out(self) -> Option<&'static str> {
        match self {
            Self::Mount => None,
            Self::Layers => Some("src/(live|reload)[/.]"),
            Self::Live => Some("src/(pipeline|merge|start_values|restart|overlap)[/.]"),
        }
    }

    /// One after the other: each sees only what those before it missed.
    fn passes(self) -> &'static [Tests] {
        match self {
            Self::Mount => &[
                Tests {
                    targets: &["layout", "refusals", "volumes"],
                    // They take seconds.
                    skipped: &["a26_", "a2_a3_keys", "a1_one_swap", "a_publish_cut_short"],
                    timeout: "30",
                },
                Tests {
                    targets: &[
                        "editors",
                        "layout",
                        "mechanics",
                        "namespaces",
                        "refusals",
                        "volumes",
                    ],
                    // 20,000 files, which nothing else depends on.
                    skipped: &["a26_", "c7_"],
                    timeout: "120",
                },
            ],
            Self::Layers => &[
                Tests {
                    targets: &[
                        "absent",
                        "environment",
                        "expiry",
                        "precedence",
                        "restart",
                        "restart_shapes",
                        "rotating",
                        "rotating_given",
                    ],
                    skipped: &[],
                    timeout: "60",
                },
                ALL_TESTS,
            ],
            Self::Live => &[
                Tests {
                    targets: &[
                        "expiry",
                        "late",
                        "lifecycle",
                        "readers",
                        "rejections",
                        "subscribers",
                        "subscribers_stream",
                        "volumes",
                    ],
                    // It takes seconds.
                    skipped: &["a26_"],
                    timeout: "60",
                },
                ALL_TESTS,
            ],
        }
    }
}

const ALL_TESTS: Tests = Tests {
    targets: &["*"],
    // It compiles programs, all of which the change would have to break.
    skipped: &["what_the_derive_refuses"],
    timeout: "600",
};

/// Runs cargo-mutants.
///
/// # Errors
///
/// When it is not there, or cannot run. Missed mutants are no error: they are counted and listed.
pub(crate) fn run(args: &Args) -> Result {
    if !sh::works(&mut cargo("mutants --version")) {
        return Err("cargo-mutants is not here: cargo install --locked cargo-mutants".into());
    }
    let all = args.parts.is_empty();
    let parts = Part::ALL.into_iter();
    for part in parts.filter(|part| all || args.parts.contains(part)) {
        let out = target_dir().join("mutants").join(part.name());
        let tmp = target_dir().join("mutants/tmp");
        for dir in [&out, &tmp] {
            fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        }
        for (n, tests) in part.passes().iter().enumerate() {
            let mut mutants = mutants(part, tests, &out, &tmp);
            mutants.arg(format!("--jobs={}", args.jobs));
            mutants.args(&args.more);
            if args.more.iter().any(|arg| arg == "--list") {
                return sh::run(&mut mutants);
            }
            if n > 0 && !args.more.iter().any(|arg| arg == "--iterate") {
                mutants.arg("--iterate");
            }
            mutants.args(["--", "--", "--test-threads=12"]);
            for name in tests.skipped {
                mutants.args(["--skip", name]);
            }
            go_through(&mut mutants)?;
        }
        println!(
            "{}: the lists are in {}",
            part.name(),
            out.join("mutants.out").display()
        );
    }
    Ok(())
}

fn mutants(part: Part, tests: &Tests, out: &Path, tmp: &Path) -> Command {
    let mut mutants = cargo("mutants --package");
    mutants
        .args([part.package(), "--timeout", tests.timeout, "--output"])
        .arg(out)
        .args(part.left_out().map(|files| format!("--exclude-re={files}")))
        // So that the build makes no other tests either.
        .arg("--cargo-arg=--lib")
        .args(
            tests
                .targets
                .iter()
                .map(|name| format!("--cargo-arg=--test={name}")),
        )
        // Where the copies are made.
        .env("TMPDIR", tmp);
    mutants
}

/// Takes mutants that were missed, or ran into the timeout, for what they are: a result.
fn go_through(mutants: &mut Command) -> Result {
    let shown = sh::show(mutants);
    println!("$ {shown}");
    let status = mutants
        .status()
        .map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    // https://mutants.rs/exit-codes.html: 2 is missed, 3 is a timeout.
    match status.code() {
        Some(0 | 2 | 3) => Ok(()),
        _ => Err(format!("`{shown}` ended with {status}")),
    }
}
