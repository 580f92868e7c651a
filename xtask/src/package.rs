//! `cargo xtask package`: what would be uploaded to a registry is complete, and builds by itself.
//!
//! `cargo package` would build each package in a folder of its own, with all that it depends on. Here they
//! are unpacked side by side, and built once for all.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::packages::{self, Published};
use crate::sh::{self, cargo, program, run, target_dir};
use crate::{Result, nightly};

/// What a package holds beside its sources.
const BESIDE: [&str; 6] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
];

/// Packages each crate that is published, looks what is in it, and builds what was unpacked and, as docs.rs
/// does, its documentation; says what was skipped.
///
/// # Errors
///
/// When something is missing or too much, or does not build.
pub(crate) fn run_all() -> Result<Option<String>> {
    let packages = packages::published()?;
    let lacking: Vec<_> = packages
        .iter()
        .filter(|package| !package.lacks.is_empty())
        .map(|package| format!("{} has no {}", package.name, package.lacks.join(", no ")))
        .collect();
    if !lacking.is_empty() {
        return Err(lacking.join("; "));
    }
    let folder = unpack(&packages)?;
    for package in &packages {
        let files = files(&folder.join(package.folder()))?;
        let strays: Vec<_> = files.iter().filter(|file| !belongs(file)).collect();
        let lost: Vec<_> = BESIDE
            .iter()
            .filter(|file| !files.iter().any(|f| f == *file))
            .collect();
        if !strays.is_empty() || !lost.is_empty() {
            let name = &package.name;
            return Err(format!(
                "{name}: not to be in it: {strays:?}; missing: {lost:?}"
            ));
        }
        println!(
            "{} {}: {} files",
            package.name,
            package.version,
            files.len()
        );
    }
    write_workspace(&folder, &packages)?;
    let manifest = folder.join("Cargo.toml");
    let mut check = cargo("check --offline --workspace --all-features --manifest-path");
    // With the profile of the repository, what the packages depend on has been checked already.
    run(check
        .arg(&manifest)
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .env("CARGO_TARGET_DIR", target_dir()))?;
    if let Some(skipped) = nightly::missing("the documentation as docs.rs builds it") {
        return Ok(Some(skipped));
    }
    let mut doc =
        nightly::cargo("doc --offline --workspace --no-deps --all-features --lib --manifest-path");
    run(doc
        .arg(&manifest)
        .env("RUSTDOCFLAGS", "--cfg docsrs -D warnings")
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .env("CARGO_TARGET_DIR", target_dir().join("nightly")))?;
    Ok(None)
}

/// Packages them, and unpacks what came of it.
fn unpack(packages: &[Published]) -> Result<PathBuf> {
    let target = target_dir().join("packaged");
    let folder = target.join("unpacked");
    // What is left of another version is no package.
    _ = fs::remove_dir_all(&target);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    // What is not committed is what is to be looked at. The tests that are not packaged are so on purpose, and
    // would be a warning each.
    let mut package = cargo("package --quiet --offline --locked --allow-dirty --no-verify");
    for Published { name, .. } in packages {
        package.args(["--package", name]);
    }
    run(package.arg("--target-dir").arg(&target))?;
    for package in packages {
        let archive = target.join(format!("package/{}.crate", package.folder()));
        let mut tar = program("tar");
        run(tar.arg("xzf").arg(archive).arg("-C").arg(&folder))?;
    }
    Ok(folder)
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        let failed = |error| format!("{}: {error}", current.display());
        for entry in fs::read_dir(&current).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(path) = path.strip_prefix(folder) {
                files.push(path.display().to_string());
            }
        }
    }
    Ok(files)
}

fn belongs(file: &str) -> bool {
    let is_source = file.starts_with("src/") && file.ends_with(".rs");
    is_source || file == "Cargo.toml" || BESIDE.contains(&file)
}

/// A workspace in which the packages find each other, with the versions of the repository's lock file.
fn write_workspace(folder: &Path, packages: &[Published]) -> Result {
    let mut text =
        "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n".to_owned();
    for package in packages {
        _ = writeln!(
            text,
            "{} = {{ path = \"{}\" }}",
            package.name,
            package.folder()
        );
    }
    let failed = |error| format!("{}: {error}", folder.display());
    fs::write(folder.join("Cargo.toml"), text).map_err(failed)?;
    fs::copy(sh::root().join("Cargo.lock"), folder.join("Cargo.lock")).map_err(failed)?;
    Ok(())
}

// === impl Published ===

impl Published {
    /// What it is called in a package.
    fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_and_what_belongs_beside_them_are_packaged() {
        for good in ["src/a/b.rs", "Cargo.toml", "LICENSE-MIT"] {
            assert!(belongs(good), "{good}");
        }
        for stray in [
            "src/a.proptest-regressions",
            "tests/a.rs",
            "x.rs",
            "src/notes.md",
        ] {
            assert!(!belongs(stray), "{stray}");
        }
    }
}
