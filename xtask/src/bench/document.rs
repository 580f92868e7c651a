//! `docs/performance.md`: what is between two marks of a table's name is written here, what is
//! around it by hand.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use super::table::Measured;
use super::{Name, picture, write};
use crate::Result;
use crate::sh::{root, target_dir};

const NAME: &str = "performance.md";

/// Makes the copy that quick tables go into.
///
/// # Errors
///
/// When it cannot be written.
pub(super) fn copy() -> Result {
    let original = folder(false).join(NAME);
    let text = fs::read_to_string(&original)
        .map_err(|error| format!("{}: {error}", original.display()))?;
    write(&folder(true).join(NAME), &text)
}

/// Puts a table into the document, and its picture beside that; a quick one into a copy.
///
/// # Errors
///
/// When there is no place for it, or a file cannot be written.
pub(super) fn update(name: Name, measured: &Measured, quick: bool) -> Result {
    let folder = folder(quick);
    let document = folder.join(NAME);
    let failed = |error: std::io::Error| format!("{}: {error}", document.display());
    let text = fs::read_to_string(&document).map_err(failed)?;
    let name = name.text();
    let text = replace(&text, &name, &section(&name, measured))
        .ok_or_else(|| format!("docs/performance.md has no <!-- bench:{name} --> that ends"))?;
    if let Some(series) = &measured.table.series {
        let picture = picture::draw(series, &conditions(measured));
        write(&folder.join(format!("{name}.svg")), &picture)?;
    }
    write(&document, &text)
}

fn folder(quick: bool) -> PathBuf {
    match quick {
        true => target_dir().join("bench/quick"),
        false => root().join("docs"),
    }
}

/// What stands between the marks.
fn section(name: &str, measured: &Measured) -> String {
    let table = &measured.table;
    let mut text = format!("    cargo xtask bench {name}\n\n");
    if let Some(series) = &table.series {
        _ = writeln!(text, "![{}]({name}.svg)\n", series.title);
    }
    _ = writeln!(text, "{}\n", table.markdown());
    for line in wrap(&table.how) {
        _ = writeln!(text, "{line}");
    }
    if !table.checks.is_empty() {
        text.push('\n');
    }
    for check in &table.checks {
        for (index, line) in wrap(&check.line()).iter().enumerate() {
            let start = if index == 0 { "- " } else { "  " };
            _ = writeln!(text, "{start}{line}");
        }
    }
    _ = writeln!(text, "\n{}.", conditions(measured));
    text
}

/// When, where, with what.
fn conditions(measured: &Measured) -> String {
    let Measured {
        date,
        machine,
        table,
    } = measured;
    let others = table.contenders.iter().map(|other| format!(", {other}"));
    format!("{date}, {machine}{}", others.collect::<String>())
}

/// The text with another section; nothing if there is no place for it.
fn replace(text: &str, name: &str, section: &str) -> Option<String> {
    let (begin, end) = (
        format!("<!-- bench:{name} -->\n"),
        format!("<!-- /bench:{name} -->\n"),
    );
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{section}{end}{after}"))
}

/// Lines as long as those written by hand.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= 108
        });
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_of_that_name_is_replaced() {
        let text =
            "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\n<!-- /bench:y -->\n";
        let expected = text.replace("old\n", "new\nlines\n");
        assert_eq!(replace(text, "x", "new\nlines\n").as_ref(), Some(&expected));
        assert_eq!(replace(&expected, "x", "old\n").as_deref(), Some(text));
        assert_eq!(replace(text, "z", ""), None);
    }

    #[test]
    fn long_text_is_wrapped_between_words() {
        let text = "word ".repeat(50);
        let lines = wrap(&text);
        assert!(lines.iter().all(|line| line.len() <= 108));
        assert_eq!(lines.join(" "), text.trim_end());
    }
}
