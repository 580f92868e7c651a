//! `cargo xtask behaviours`: which of the behaviours in `docs/behaviours.md` a test shows.
//!
//! The tests themselves are the source: a function under `#[test]` carries the ids that it shows
//! at the front of its name, as `a4_…` or `c1_c2_…`.

use std::collections::BTreeMap;
use std::fs;

use crate::test_list::{Test, all_tests};
use crate::{Result, references, sh};

const LIST: &str = "docs/behaviours.md";

/// One line of the list.
struct Behaviour {
    id: String,
    title: String,
    claimed: bool,
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
    let tests = all_tests()?;
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
