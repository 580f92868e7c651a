//! Tests that the guide names, as `volumes.rs::a1_one_swap_…`, and its table of others' bugs.

use std::collections::BTreeMap;
use std::fs;

use crate::test_list::Test;
use crate::{Result, sh};

const GUIDE: &str = "docs";
const BUGS: &str = "docs/bugs-of-others.md";

/// What in the guide names a test that CI does not run, and rows of the table that show nothing.
///
/// # Errors
///
/// When the guide cannot be read.
pub(crate) fn problems(tests: &[Test]) -> Result<Vec<String>> {
    let failed = |error| format!("{GUIDE}: {error}");
    let mut problems = Vec::new();
    for entry in fs::read_dir(sh::root().join(GUIDE)).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(failed)?;
        let page = path.strip_prefix(sh::root()).unwrap_or(&path);
        let page = page.display().to_string();
        for (number, line) in (1..).zip(text.lines()) {
            for (file, name) in named(line) {
                let known = |test: &Test| test.file.ends_with(file) && test.name == name;
                if !tests.iter().any(known) {
                    problems.push(format!("{page}:{number}: no test `{file}::{name}`"));
                }
            }
        }
        if page == BUGS {
            problems.extend(table(&text));
        }
    }
    problems.sort();
    Ok(problems)
}

/// The tests that a line names: file and function.
fn named(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split('`').skip(1).step_by(2).filter_map(|code| {
        let (file, name) = code.split_once("::")?;
        (file.ends_with(".rs") && !name.contains("::")).then_some((file, name))
    })
}

/// Each bug has a row of its own, with a test or a reason why it cannot happen.
fn table(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut last = BTreeMap::<char, u32>::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("| ")) {
        let Some((letter, number)) = row.split(' ').next().and_then(bug) else {
            continue;
        };
        let before = last.insert(letter, number).unwrap_or(0);
        if number != before + 1 {
            problems.push(format!("{BUGS}: {letter}{number} follows {letter}{before}"));
        }
        if named(row).next().is_none() && !row.contains("cannot happen") {
            problems.push(format!(
                "{BUGS}: {letter}{number} has neither a test nor why it cannot happen"
            ));
        }
    }
    if last.is_empty() {
        problems.push(format!("{BUGS}: there is no table"));
    }
    problems
}

/// An id such as `K6`.
fn bug(cell: &str) -> Option<(char, u32)> {
    let letter = cell.chars().next().filter(char::is_ascii_uppercase)?;
    Some((letter, cell[1..].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_with_its_file() {
        let line = "| K1 | `close` spins | `a.rs::k1_x`, `b/c.rs::y`, `Live::set`, `d.rs` |";
        assert!(named(line).eq([("a.rs", "k1_x"), ("b/c.rs", "y")]));
    }

    #[test]
    fn a_bug_without_a_row_of_its_own_or_without_an_answer_is_told() {
        let good = "| | what |\n|---|---|\n| K1 | `a.rs::x` |\n| K2 | cannot happen: so |\n";
        assert!(table(good).is_empty());
        assert_eq!(table(&format!("{good}| K4 | `a.rs::x` |\n")).len(), 1);
        assert_eq!(table(&format!("{good}| K3 | some day |\n")).len(), 1);
        assert_eq!(table("no table").len(), 1);
    }
}
