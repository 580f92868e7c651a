//! Which tests there are: every function under `#[test]` that CI runs.
//!
//! Tests that are ignored by default are none of them, but for those that tell which task of this
//! program runs them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Result, sh};

/// A test and the file it stands in.
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

/// The tests of all crates and examples.
///
/// # Errors
///
/// When a source cannot be read.
pub(crate) fn all_tests() -> Result<Vec<Test>> {
    let mut tests = Vec::new();
    for folder in ["crates", "examples"] {
        collect(&sh::root().join(folder), &mut tests)?;
    }
    Ok(tests)
}

/// Adds the tests of all sources below `folder`.
fn collect(folder: &Path, tests: &mut Vec<Test>) -> Result {
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<_>>()
        })
        .map_err(failed)?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, tests)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let file = path.strip_prefix(sh::root()).unwrap_or(&path);
            let names = test_names(&text).map(|name| Test {
                name,
                file: file.to_owned(),
            });
            tests.extend(names);
        }
    }
    Ok(())
}

/// Names of the functions under `#[test]` or `#[tokio::test…]` that CI runs.
fn test_names(source: &str) -> impl Iterator<Item = String> {
    let mut marked = false;
    let mut ignored = false;
    source.lines().filter_map(move |line| {
        let line = line.trim_start();
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if line.starts_with("#[ignore") && !line.contains("cargo xtask") {
            ignored = true;
        }
        let (before, rest) = line.split_once("fn ")?;
        if !before
            .split_whitespace()
            .all(|word| ["pub", "async", "#[test]"].contains(&word))
        {
            return None;
        }
        let is_test = std::mem::take(&mut marked) & !std::mem::take(&mut ignored);
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric())?;
        is_test.then(|| rest[..end].to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_that_run_as_tests_count() {
        let source = "
            fn a1_helper() {}
            #[test]
            #[should_panic]
            // A remark with a fn in it.
            fn a2_test() {}
            fn a3_helper() {}
            #[tokio::test(flavor = \"current_thread\")]
            async fn a4_test() {}
            #[test]
            #[ignore = \"slow\"]
            fn a5_ignored() {}
            #[test] fn a6_test() {}
            #[test]
            #[ignore = \"needs a cluster: cargo xtask cluster-test\"]
            fn a7_on_a_cluster() {}
        ";
        let names: Vec<_> = test_names(source).collect();
        assert_eq!(names, ["a2_test", "a4_test", "a6_test", "a7_on_a_cluster"]);
    }
}
