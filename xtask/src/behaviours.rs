//! `cargo xtask behaviours`: `docs/behaviour.md`, what must hold and which tests show it.
//!
//! The tests themselves are the source: a function under `#[test]` carries the ids that it shows
//! at the front of its name, as `a4_…` or `c1_c2_…`. So the last column of the table is written, and the
//! rest of the page is left as it is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use crate::test_list::{Test, all_tests};
use crate::{Result, references, sh};

const PAGE: &str = "docs/behaviour.md";

/// What is written by hand in the last column: why there is no test.
const OPEN: &str = "open: ";
const NOT_APPLICABLE: &str = "not applicable: ";

/// The areas in which nothing may be open.
const DONE: std::ops::RangeInclusive<char> = 'A'..='H';

/// One row of the table.
#[derive(Debug, PartialEq)]
struct Row<'t> {
    id: &'t str,
    text: &'t str,
    shown_by: &'t str,
}

/// The page as it is to be, and what is wrong that cannot be written.
#[derive(Debug, Default)]
struct Page {
    text: String,
    problems: Vec<String>,
    tested: usize,
    open: Vec<String>,
    not_applicable: Vec<String>,
}

/// Writes which tests show each behaviour, or with `check` only says whether the page is up to date.
///
/// # Errors
///
/// When the page or a source cannot be read; when a behaviour has neither a test nor a reason, a test
/// carries an id that the page does not have, or the guide names a test that there is not; with `check`
/// also when the page is out of date.
pub(crate) fn run(check: bool) -> Result {
    let path = sh::root().join(PAGE);
    let failed = |error| format!("{PAGE}: {error}");
    let text = fs::read_to_string(&path).map_err(failed)?;
    let tests = all_tests()?;
    let mut page = Page::new(&text, &tests);
    page.problems.extend(references::problems(&tests)?);
    if page.text == text {
        println!("{PAGE} is up to date.");
    } else if check {
        for line in changed_lines(&text, &page.text) {
            println!("  {line}");
        }
        page.problems.push(format!(
            "{PAGE} is out of date: run `cargo xtask behaviours`, and commit it"
        ));
    } else {
        fs::write(&path, &page.text).map_err(failed)?;
        println!("{PAGE} is written.");
    }
    println!("{}", page.summary());
    for problem in &page.problems {
        println!("  {problem}");
    }
    match page.problems.len() {
        0 => Ok(()),
        n => Err(format!("behaviours: {n} problem(s), listed above")),
    }
}

// === impl Page ===

impl Page {
    fn new(text: &str, tests: &[Test]) -> Self {
        let mut by_id: BTreeMap<String, Vec<&Test>> = BTreeMap::new();
        for test in tests {
            for id in ids(&test.name) {
                by_id.entry(id).or_default().push(test);
            }
        }
        let mut page = Self::default();
        let mut known = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            match row(line) {
                Some(row) => {
                    if known.contains(&row.id) {
                        let twice = format!("{PAGE}:{number}: {} is already listed", row.id);
                        page.problems.push(twice);
                    }
                    known.push(row.id);
                    let tests = by_id.remove(row.id).unwrap_or_default();
                    page.row(&row, &tests);
                }
                None => page.text += line,
            }
            page.text.push('\n');
        }
        if known.is_empty() {
            page.problems.push(format!("{PAGE}: there is no table"));
        }
        for (id, tests) in by_id {
            let names: Vec<_> = tests.iter().map(|test| test.name.as_str()).collect();
            let names = names.join(", ");
            let problem = format!("{id} is not in {PAGE}, but carried by {names}");
            page.problems.push(problem);
        }
        page
    }

    fn row(&mut self, row: &Row<'_>, tests: &[&Test]) {
        let Row { id, text, shown_by } = row;
        let reason = |start: &str| {
            shown_by
                .strip_prefix(start)
                .is_some_and(|why| !why.trim().is_empty())
        };
        let column = if !tests.is_empty() {
            self.tested += 1;
            links(tests)
        } else if reason(NOT_APPLICABLE) {
            self.not_applicable.push((*id).to_owned());
            (*shown_by).to_owned()
        } else if reason(OPEN) && !id.starts_with(|area| DONE.contains(&area)) {
            self.open.push((*id).to_owned());
            (*shown_by).to_owned()
        } else {
            self.problems.push(format!("{id} has no test: {text}"));
            String::new()
        };
        _ = write!(self.text, "| {id} | {text} | {column} |");
    }

    fn summary(&self) -> String {
        let named = |what: &str, ids: &[String]| match ids {
            [] => String::new(),
            ids => format!(", {} {what} ({})", ids.len(), ids.join(", ")),
        };
        let all = self.tested + self.open.len() + self.not_applicable.len();
        format!(
            "{} of {all} behaviours have a test{}{}.",
            self.tested,
            named("are not applicable", &self.not_applicable),
            named("are open", &self.open)
        )
    }
}

/// A row such as `| A1 | one swap: … | [volumes.rs](…) … |`.
fn row(line: &str) -> Option<Row<'_>> {
    let (id, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
    let is_id = is_id(&id.to_lowercase()) && id.starts_with(|area: char| area.is_uppercase());
    let (text, shown_by) = rest.strip_suffix('|')?.split_once(" |").filter(|_| is_id)?;
    Some(Row {
        id,
        text,
        shown_by: shown_by.trim(),
    })
}

/// The tests, those of one file together.
fn links(tests: &[&Test]) -> String {
    let mut by_file: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for test in tests {
        by_file.entry(&test.file).or_default().push(&test.name);
    }
    let of_file = by_file.into_iter().map(|(file, names)| {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let path = file.display();
        // What tells it from the others of its name.
        let short = file.strip_prefix("crates").unwrap_or(file).display();
        format!("[{short}](../{path}): {}", names.join(", "))
    });
    of_file.collect::<Vec<_>>().join("<br>")
}

/// The lines that differ, as a diff has them.
fn changed_lines<'t>(committed: &'t str, now: &'t str) -> impl Iterator<Item = String> {
    let pairs = committed.lines().zip(now.lines());
    pairs
        .filter(|(before, after)| before != after)
        .flat_map(|(before, after)| [format!("- {before}"), format!("+ {after}")])
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

    fn tests(names: &[(&str, &str)]) -> Vec<Test> {
        let test = |(file, name): &(&str, &str)| Test {
            name: (*name).to_owned(),
            file: file.into(),
        };
        names.iter().map(test).collect()
    }

    #[test]
    fn ids_stand_at_the_front_of_a_name() {
        assert_eq!(ids("a4_swap_during_read"), ["A4"]);
        assert_eq!(ids("c1_c2_no_inotify_left"), ["C1", "C2"]);
        assert!(ids("swap_a4").is_empty());
        assert!(ids("a_b2_case").is_empty());
        assert!(ids("i18n_text").is_empty());
    }

    #[test]
    fn rows_are_told_from_other_lines() {
        let shown_by = "[x](../x): `a1_b`";
        let line = format!("| A1 | one: it. | {shown_by} |");
        let one = Row {
            id: "A1",
            text: "one: it.",
            shown_by,
        };
        assert_eq!(row(&line), Some(one));
        assert_eq!(
            row("| A1 | one: it. |  |").map(|row| row.shown_by),
            Some("")
        );
        assert_eq!(row("| A1 | one: it. | |").map(|row| row.shown_by), Some(""));
        for other in [
            "|---|---|---|",
            "| | what must hold | tests |",
            "| a1 | x | y |",
            "A1",
        ] {
            assert_eq!(row(other), None);
        }
    }

    #[test]
    fn the_last_column_is_written_and_the_rest_is_left() {
        let text = "# x\n\n| A1 | one: it. | gone |\n| B2 | two: that. | |\n| I9 | three: so. | open: later |\n\n## end\n";
        let found = tests(&[
            ("crates/x/tests/t.rs", "a1_b2_x"),
            ("crates/x/tests/t.rs", "a1_y"),
            ("examples/z.rs", "b2_z"),
        ]);
        let page = Page::new(text, &found);
        let expected = "# x\n\n| A1 | one: it. | [x/tests/t.rs](../crates/x/tests/t.rs): `a1_b2_x`, `a1_y` |\n\
                        | B2 | two: that. | [x/tests/t.rs](../crates/x/tests/t.rs): `a1_b2_x`<br>\
                        [examples/z.rs](../examples/z.rs): `b2_z` |\n\
                        | I9 | three: so. | open: later |\n\n## end\n";
        assert_eq!(page.text, expected);
        assert!(page.problems.is_empty(), "{:?}", page.problems);
        assert_eq!(Page::new(expected, &found).text, expected);
        assert_eq!(
            page.summary(),
            "2 of 3 behaviours have a test, 1 are open (I9)."
        );
    }

    #[test]
    fn what_has_neither_a_test_nor_a_reason_is_a_problem() {
        let problems = |text: &str| Page::new(text, &[]).problems.len();
        assert_eq!(problems("| A1 | one. | `a1_gone` |"), 1);
        assert_eq!(problems("| A1 | one. | open: later |"), 1, "not in A to H");
        assert_eq!(problems("| A1 | one. | not applicable: |"), 1);
        assert_eq!(problems("| A1 | one. | not applicable: no such files |"), 0);
        assert_eq!(problems("| I1 | one. | open: later |"), 0);
        assert_eq!(
            problems("| A1 | one. | not applicable: x |\n| A1 | one. | not applicable: x |"),
            1
        );
        assert_eq!(problems("no table"), 1);
        let stray = tests(&[("x.rs", "a2_x")]);
        assert_eq!(
            Page::new("| I1 | one. | open: later |", &stray)
                .problems
                .len(),
            1
        );
    }
}
