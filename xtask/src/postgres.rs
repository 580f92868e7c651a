//! `cargo xtask postgres`: the example that rotates a login, with a real PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::sh::{cargo, run};

/// Where Debian has the server's programs, in a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A server's programs on this machine.
pub(crate) struct Postgres {
    programs: PathBuf,
}

/// Runs the tests that need PostgreSQL.
///
/// # Errors
///
/// When a test fails, or there is no PostgreSQL here.
pub(crate) fn test() -> Result {
    Postgres::find()?.test()
}

// === impl Postgres ===

impl Postgres {
    /// The newest of Debian's, or that of the `PATH`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(crate) fn find() -> Result<Self> {
        let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
        let mut folders: Vec<_> = versions.map(|version| version.path()).collect();
        folders.sort_by_key(|folder| version(folder));
        let debian = folders.iter().rev().map(|folder| folder.join("bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_whole = |folder: &PathBuf| {
            let needed = ["initdb", "postgres"];
            needed.iter().all(|name| folder.join(name).is_file())
        };
        let programs = debian.chain(std::env::split_paths(&path)).find(is_whole);
        let missing = "initdb, postgres: not found; on Debian: apt-get install postgresql";
        let programs = programs.ok_or(missing)?;
        Ok(Self { programs })
    }

    /// Runs the tests with it.
    ///
    /// # Errors
    ///
    /// When one fails.
    pub(crate) fn test(&self) -> Result {
        let mut tests =
            cargo("test --locked --package postgres-rotation --test story -- --ignored");
        run(tests.env("POSTGRES_BIN", &self.programs))
    }
}

fn version(folder: &Path) -> Option<u32> {
    folder.file_name()?.to_str()?.parse().ok()
}
