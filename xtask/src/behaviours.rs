//! `cargo xtask behaviours`: which of the behaviours in `docs/behaviours.md` a test shows.
//!
//! The tests themselves are the source: a function under `#[test]` carries the ids that it shows
//! at the front of its name, as `a4_…` or `c1_c2_…`. Tests that are ignored by default show nothing,
//! but for those on a cluster, which CI runs too.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Result, references, sh};

const LIST: &str = "docs/behaviours.md";

/// One line of the list.
struct Behaviour {
    id: String,
    title: String,
    claimed: bool,
}

/// A test and the file it stands in.
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

/// Prints each behaviour with its tests, or with `check` only what is wrong.
///
/// # Errors
///
/// When the list or a source cannot be read; with `check` also when a claimed behaviour has no
/// test, a test carries an id that the list does not have, or the guide names a test that there is not.
pub(crate) fn run(check: bool) -> Result {
    let path = sh::root().join(LIST);
    let text = fs::read_to_string(&path).map_err(|error| format!("{LIST}: {error}"))?;
    let behaviours = parse_list(&text)?;
    let mut tests = Vec::new();
    for folder in ["crates", "examples"] {
        collect(&sh::root().join(folder), &mut tests)?;
    }
    let mut by_id: BTreeMap<String, Vec<&Test>> = BTreeMap::new();
    for test in &tests {
        for id in ids(&test.name) {
            by_id.entry(id).or_default().push(test);
        }
    }

    let mut missing = Vec::new();
    let mut shown = 0;
    for Behaviour { id, title, claimed } in &behaviours {
        let found = by_id.remove(id).unwrap_or_default();
        shown += usize::from(!found.is_empty());
        let mark = match (claimed, found.is_empty()) {
            (_, false) => "tested ",
            (true, true) => "MISSING",
            (false, true) => "later  ",
        };
        if !check {
            println!("{mark} {id:<4} {title}");
            for test in &found {
                println!("               {} ({})", test.name, test.file.display());
            }
        }
        if *claimed && found.is_empty() {
            missing.push(id.as_str());
        }
    }
    let claimed = behaviours
        .iter()
        .filter(|behaviour| behaviour.claimed)
        .count();
    println!(
        "{shown} of {} behaviours have a test; {} of {claimed} claimed ones.",
        behaviours.len(),
        claimed - missing.len(),
    );

    let mut problems = Vec::new();
    if !missing.is_empty() {
        problems.push(format!(
            "claimed in {LIST} but without a test: {}",
            missing.join(", ")
        ));
    }
    for (id, tests) in by_id {
        let names: Vec<_> = tests.iter().map(|test| test.name.as_str()).collect();
        problems.push(format!(
            "{id} is not in {LIST}, but carried by {}",
            names.join(", ")
        ));
    }
    problems.extend(references::problems(&tests)?);
    for problem in &problems {
        println!("  {problem}");
    }
    match (check, problems.len()) {
        (false, _) | (_, 0) => Ok(()),
        (true, n) => Err(format!("behaviours: {n} problem(s), listed above")),
    }
}

/// Reads lines of the form `- [x] A1 title: what must hold.`
fn parse_list(text: &str) -> Result<Vec<Behaviour>> {
    let mut behaviours: Vec<Behaviour> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some((mark, rest)) = line
            .strip_prefix("- [")
            .and_then(|rest| rest.split_once("] "))
        else {
            continue;
        };
        let wrong = |what: &str| Err(format!("{LIST}:{}: {what}: {line}", number + 1));
        let Some((id, rest)) = rest
            .split_once(' ')
            .filter(|(id, _)| is_id(&id.to_lowercase()))
        else {
            return wrong("expected an id such as A1 after the mark");
        };
        let Some((title, _)) = rest.split_once(':') else {
            return wrong("expected `title: what must hold`");
        };
        if behaviours.iter().any(|known| known.id == id) {
            return wrong("this id is already listed");
        }
        let claimed = match mark {
            "x" => true,
            " " => false,
            _ => return wrong("expected [x] or [ ]"),
        };
        behaviours.push(Behaviour {
            id: id.to_owned(),
            title: title.to_owned(),
            claimed,
        });
    }
    Ok(behaviours)
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
        } else if line.starts_with("#[ignore") && !line.contains("cluster-test") {
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

/// The ids at the front of a test's name, in capitals.
fn ids(name: &str) -> Vec<String> {
    name.split('_')
        .take_while(|word| is_id(word))
        .map(str::to_uppercase)
        .collect()
}

fn is_id(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| ('a'..='i').contains(&c))
        && !chars.as_str().is_empty()
        && chars.all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_at_the_front_of_a_name() {
        assert_eq!(ids("a4_swap_during_read"), ["A4"]);
        assert_eq!(ids("c1_c2_no_inotify_left"), ["C1", "C2"]);
        assert!(ids("swap_a4").is_empty());
        assert!(ids("a_b2_case").is_empty());
        assert!(ids("i18n_text").is_empty());
    }

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

    #[test]
    fn the_list_is_read_line_by_line() {
        let behaviours = parse_list("# x\n\n- [x] A1 one swap: it.\n- [ ] B2 other: that.\n");
        let behaviours = behaviours.expect("a good list");
        assert_eq!(
            (behaviours[0].id.as_str(), behaviours[0].claimed),
            ("A1", true)
        );
        assert_eq!(
            (behaviours[1].title.as_str(), behaviours[1].claimed),
            ("other", false)
        );
        assert!(parse_list("- [x] A1 a: b\n- [x] A1 c: d\n").is_err());
        assert!(parse_list("- [x] A1 without a colon\n").is_err());
    }
}
