//! `cargo xtask browser`: what open pages of the examples do by themselves, in a real Chromium.

use std::path::PathBuf;

use crate::Result;
use crate::sh::{cargo, run};

/// Chromium goes by these names, of Debian's package and of others.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Its driver, which speaks W3C WebDriver.
const DRIVER: &str = "chromedriver";

/// What the tests are run with.
pub(crate) struct Browser {
    chromium: PathBuf,
    driver: PathBuf,
}

/// Runs the tests that need a browser.
///
/// # Errors
///
/// When a test fails, or there is no Chromium here, or not its driver.
pub(crate) fn test() -> Result {
    Browser::find()?.test()
}

// === impl Browser ===

impl Browser {
    /// Chromium and its driver, as the `PATH` has them.
    ///
    /// # Errors
    ///
    /// When one of them is not there.
    pub(crate) fn find() -> Result<Self> {
        let found = |names: &[&str]| {
            let file = names.iter().find_map(|name| in_path(name));
            file.ok_or_else(|| {
                let names = names.join(", ");
                format!("{names}: not found; on Debian: apt-get install chromium chromium-driver")
            })
        };
        Ok(Self {
            chromium: found(&BROWSERS)?,
            driver: found(&[DRIVER])?,
        })
    }

    /// Runs the tests on it.
    ///
    /// # Errors
    ///
    /// When one fails.
    pub(crate) fn test(&self) -> Result {
        let mut tests = cargo("test --locked --package feature-flags --test browser -- --ignored");
        tests.env("CHROMIUM", &self.chromium);
        run(tests.env("CHROMEDRIVER", &self.driver))
    }
}

/// The program of this name. Chromium is started by another program, which wants the whole path.
fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(name));
    files.find(|file| file.is_file())
}
