//! The programs of `bench/`: built into a target folder of their own, run one after the other.

use std::path::PathBuf;
use std::process::Stdio;
use std::{fs, io};

use super::Name;
use super::table::Table;
use crate::Result;
use crate::sh::{self, cargo, output, program, root, show, target_dir, works};

/// What was built.
pub(super) struct Programs {
    /// Where they are.
    folder: PathBuf,
    /// Where those of Go are.
    go: PathBuf,
    quick: bool,
}

// === impl Programs ===

impl Programs {
    /// Builds all of them.
    ///
    /// # Errors
    ///
    /// When one does not build; those of Go are left out then.
    pub(super) fn build(quick: bool) -> Result<Self> {
        let target = target_dir().join("bench");
        let profile = if quick { "quick" } else { "release" };
        let mut build = cargo("build --locked --manifest-path bench/Cargo.toml --bins --profile");
        // Whether they build, the programs that are built again for what they cost.
        build.arg(profile).args(quick.then_some("--workspace"));
        sh::run(build.env("CARGO_TARGET_DIR", &target))?;
        let programs = Self {
            folder: target.join(profile),
            go: target.join("go"),
            quick,
        };
        programs.build_go()?;
        Ok(programs)
    }

    /// Each folder of `bench/go` is a module and a program.
    fn build_go(&self) -> Result {
        let modules = root().join("bench/go");
        let failed = |error: io::Error| format!("{}: {error}", modules.display());
        if !modules.is_dir() {
            return Ok(());
        }
        let here = works(program("go").arg("version"));
        if !here {
            println!("skipped: the programs of bench/go: there is no Go (https://go.dev/dl)");
        }
        for module in fs::read_dir(&modules).map_err(failed)? {
            let module = module.map_err(failed)?;
            let built = self.go.join(module.file_name());
            // One of before is not what is written there now.
            _ = fs::remove_file(&built);
            let mut build = program("go");
            build.current_dir(module.path()).env("CGO_ENABLED", "0");
            build
                .args(["build", "-trimpath", "-buildvcs=false", "-o"])
                .arg(built)
                .arg(".");
            if here && let Err(error) = sh::run(&mut build) {
                println!(
                    "skipped: bench/go/{}: {error}",
                    module.file_name().display()
                );
            }
        }
        Ok(())
    }

    /// What a program has found; nothing if it cannot run here.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub(super) fn run(&self, name: Name) -> Result<Option<Table>> {
        let name = name.text();
        let mut run = program(&self.folder.join(&name).to_string_lossy());
        if name == "seed" && !self.go.join("seed").is_file() {
            println!("skipped: {name}: it is of Go, which is not here");
            return Ok(None);
        }
        run.env("RETUNE_BENCH_GO", &self.go);
        if self.quick {
            run.arg("--quick");
        }
        let found = output(run.stderr(Stdio::inherit()))?;
        let table = serde_json::from_str(&found);
        table
            .map(Some)
            .map_err(|error| format!("`{}` printed no table: {error}", show(&run)))
    }
}
