//! What the library costs a program that has it: crates, time to build, size.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::table::{Check, Table};
use crate::Result;
use crate::sh::{cargo, output, show, target_dir};

/// A program of `bench/cost`, with these features only.
struct Case {
    shown: String,
    package: &'static str,
    features: Option<String>,
}

/// What one costs.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    crates: usize,
    debug: Option<f64>,
    release: Option<f64>,
    bytes: Option<u64>,
}

const HELLO: &str = "nothing but hello";
const RETUNE: &str = "retune, default features";
const PEERS: [(&str, &str); 2] = [
    (
        "dynamic-config, `watch` and `yaml`",
        "cost-of-dynamic-config",
    ),
    ("rtb-config, `hot-reload`", "cost-of-rtb-config"),
];

/// What retune has more of than a peer that is smaller.
const MORE: &str = "what can be asked of each value, where it comes from, what it overrides, since when, and reports with \
    the line marked, is built in whether a program asks or not";

/// Builds each program with nothing built before, in debug and in release.
///
/// # Errors
///
/// When one does not build.
pub(super) fn measure(quick: bool) -> Result<Table> {
    let fetch = "fetch --locked --manifest-path bench/Cargo.toml";
    output(&mut cargo(fetch))?;
    let mut costs = Vec::new();
    for case in cases()? {
        let builds = !quick || case.package == "cost-of-hello";
        println!("{}", case.shown);
        let cost = case.measure(builds)?;
        costs.push((case.shown, cost));
    }
    _ = fs::remove_dir_all(folder());
    Ok(table(&costs))
}

/// Where they are built: nothing is there before, nor after.
fn folder() -> PathBuf {
    target_dir().join("bench/cost")
}

fn cases() -> Result<Vec<Case>> {
    let case = |shown: &str, package, features: Option<&str>| Case {
        shown: shown.to_owned(),
        package,
        features: features.map(str::to_owned),
    };
    let retune = "cost-of-retune";
    let mut cases = vec![
        case(HELLO, "cost-of-hello", None),
        case(RETUNE, retune, None),
        case("retune, no features", retune, Some("")),
    ];
    let packages = crate::packages::all()?;
    let library = packages
        .into_iter()
        .find(|package| package.name == "retune");
    for feature in library.ok_or("there is no package retune")?.features {
        if feature != "default" {
            cases.push(case(
                &format!("retune, `{feature}` only"),
                retune,
                Some(&feature),
            ));
        }
    }
    cases.extend(PEERS.map(|(shown, package)| case(shown, package, None)));
    Ok(cases)
}

// === impl Case ===

impl Case {
    fn measure(&self, builds: bool) -> Result<Cost> {
        let crates = self.crates()?;
        if !builds {
            return Ok(Cost {
                crates,
                ..Cost::default()
            });
        }
        let debug = self.build("dev")?;
        let release = self.build("release")?;
        let program = folder().join("release").join(self.package);
        let size =
            fs::metadata(&program).map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Cost {
            crates,
            debug: Some(debug),
            release: Some(release),
            bytes: Some(size.len()),
        })
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--package".to_owned(), self.package.to_owned()];
        if let Some(features) = &self.features {
            arguments.extend(["--no-default-features", "--features", features].map(str::to_owned));
        }
        arguments
    }

    /// All but the program itself, those of its build included.
    fn crates(&self) -> Result<usize> {
        let tree = "tree --locked --manifest-path bench/Cargo.toml --edges normal,build --prefix none \
                    --no-dedupe --format {p}";
        let tree = output(cargo(tree).args(self.arguments()))?;
        let mut crates: Vec<_> = tree.lines().collect();
        crates.sort_unstable();
        crates.dedup();
        Ok(crates.len() - 1)
    }

    /// Seconds that it takes.
    fn build(&self, profile: &str) -> Result<f64> {
        let folder = folder();
        _ = fs::remove_dir_all(&folder);
        let mut build = cargo("build --quiet --locked --offline --manifest-path bench/Cargo.toml");
        build.args(self.arguments()).args(["--profile", profile]);
        build.env("CARGO_TARGET_DIR", &folder);
        build.env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
        // As people have it, who have set nothing; and nothing is taken from what was built elsewhere.
        build
            .env_remove("CARGO_INCREMENTAL")
            .env_remove("RUSTC_WRAPPER");
        println!("$ {}", show(&build));
        let began = Instant::now();
        output(&mut build)?;
        Ok(began.elapsed().as_secs_f64())
    }
}

fn table(costs: &[(String, Cost)]) -> Table {
    let of = |name: &str| {
        let found = costs.iter().find(|(shown, _)| shown == name);
        found.map(|(_, cost)| *cost).unwrap_or_default()
    };
    let (hello, retune) = (of(HELLO), of(RETUNE));
    let mut table = Table {
        title: "Cost".into(),
        how: "What a program that follows files and prints a value pulls in and takes, beside one that prints \
              `hello`: crates, those that only its build needs included; seconds of one `cargo build` with nothing \
              built before and everything downloaded; what its stripped release binary (thin LTO, one codegen \
              unit) is larger. \"÷ retune\" is that against retune with its default features. A feature's size is \
              that of the same program, which calls nothing of the feature: what the linker leaves of it. All \
              use one lock file, so the versions are the same for all. A build was timed once: differences of a \
              tenth mean nothing."
            .into(),
        columns: [
            "program", "crates", "÷ retune", "debug build, s", "release build, s", "÷ retune", "adds, KiB", "÷ retune",
        ]
        .map(Into::into)
        .into(),
        ..Table::default()
    };
    for (name, cost) in costs {
        let added = |cost: Cost| Some(cost.bytes?.saturating_sub(hello.bytes?) as f64 / 1024.0);
        let ratio =
            |one: Option<f64>, other: Option<f64>| shown(one.zip(other).map(|(a, b)| a / b), 2);
        let crates = |cost: Cost| Some(cost.crates as f64);
        table.rows.push(vec![
            name.clone(),
            cost.crates.to_string(),
            ratio(crates(*cost), crates(retune)),
            shown(cost.debug, 1),
            shown(cost.release, 1),
            ratio(cost.release, retune.release),
            shown(added(*cost), 0),
            ratio(added(*cost), added(retune)),
        ]);
        let Some((peer, _)) = PEERS.iter().find(|(peer, _)| peer == name) else {
            continue;
        };
        let peer = peer.split(',').next().unwrap_or(peer);
        for (what, ours, theirs) in [
            ("crates", crates(retune), crates(*cost)),
            ("debug build", retune.debug, cost.debug),
            ("release build", retune.release, cost.release),
            ("size added", added(retune), added(*cost)),
        ] {
            if let Some((ours, theirs)) = ours.zip(theirs) {
                let what = format!("{what}, retune ÷ {peer}");
                let mut check = Check::at_most(what, ours / theirs, 1.0);
                check.why = (!check.held).then(|| MORE.to_owned());
                table.checks.push(check);
            }
        }
    }
    table.contenders = PEERS
        .map(|(_, package)| package.trim_start_matches("cost-of-").to_owned())
        .into();
    table
}

fn shown(figure: Option<f64>, digits: usize) -> String {
    figure.map_or("–".into(), |figure| format!("{figure:.digits$}"))
}
