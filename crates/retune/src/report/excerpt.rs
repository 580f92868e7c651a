//! What of a line a report shows.
//!
//! A line may hold more than the value in question: in `{password: x, port: y}` a problem with the
//! port must not show the password; in a file with a misspelt `pasword: x`, or one that cannot be read
//! at all, nobody knows what is a secret. So a value is shown with its keys and nothing else, and where
//! no value is in question, keys and signs alone. A text that is one value has no keys: what stands before
//! a colon there is a neighbour as well.

use std::ops::Range;

use crate::origin::Span;

/// How far into a line it is still worth showing.
const FARTHEST: usize = 240;

/// How much of a value is shown.
const WIDEST: usize = 120;

/// The line with what must not be seen left out, and the part to mark; columns are kept. `None`
/// where there is nothing to see. `value` says that the place is that of a known value or key.
pub(super) fn of(span: &Span, value: bool) -> Option<(String, Range<usize>)> {
    let (line, range) = span.first_line();
    let (before, rest) = (line.get(..range.start)?, line.get(range.start..)?);
    if before.len() > FARTHEST || line.trim().is_empty() {
        return None;
    }
    let mut marked = rest.get(..range.len())?;
    let goes_on = span.source().1.len() > range.len();
    if goes_on || marked.starts_with('{') {
        // Of a map, the first key alone.
        marked = marked
            .split_inclusive([':', '='])
            .next()
            .unwrap_or_default();
    }
    marked = marked
        .char_indices()
        .nth(WIDEST)
        .and_then(|(end, _)| marked.get(..end))
        .unwrap_or(marked);
    let after = rest.get(marked.len()..)?;

    let is_sign = marked.len() <= 1 && marked.chars().all(|c| c.is_ascii_punctuation());
    let has_keys = !span.is_in_value();
    let separator = |text| if has_keys { separator(text) } else { "" };
    let is_key = before.trim_matches(INDENTATION).is_empty() && !separator(after).is_empty();
    let (leading, own) = match has_keys {
        true => (leading_key(before), own_key(before)),
        false => (0, before.len()),
    };
    let mut excerpt = String::new();
    for (at, character) in before.char_indices() {
        excerpt.push(if at < leading || at >= own {
            character
        } else {
            ' '
        });
    }
    let start = excerpt.len();
    let hidden = if value || is_sign || is_key {
        excerpt.push_str(marked);
        after
    } else {
        rest
    };
    let end = excerpt.len();
    let follows = separator(hidden);
    excerpt.push_str(follows);
    if !hidden.get(follows.len()..)?.trim().is_empty() {
        excerpt.push_str(if end > start || !follows.is_empty() {
            " …"
        } else {
            "…"
        });
    }
    let end = if end > start { end } else { excerpt.len() };
    Some((excerpt, start..end))
}

/// What stands before a key in a block.
const INDENTATION: [char; 3] = [' ', '\t', '-'];

/// The end of the key that a line begins with, its separator included.
fn leading_key(line: &str) -> usize {
    let key = line.trim_start_matches(INDENTATION);
    let rest = key.trim_start_matches(|c: char| c.is_alphanumeric() || "_-.\"'".contains(c));
    let separator = separator(rest);
    if separator.is_empty() || rest.len() == key.len() {
        return line.len() - key.len();
    }
    line.len() - rest.len() + separator.len()
}

/// The start of the key that a value directly follows.
fn own_key(before: &str) -> usize {
    let end = before.trim_end();
    let Some(key) = end.strip_suffix([':', '=']).map(str::trim_end) else {
        return before.len();
    };
    let start = match key.strip_suffix(['"', '\'']) {
        Some(inner) => inner.rfind(['"', '\'']),
        None => key
            .rfind([' ', '\t', ',', '{', '[', ':', '='])
            .map(|at| at + 1),
    };
    start.unwrap_or(before.len())
}

/// What separates a key from its value, at the start of a text. An equals sign stands apart, for at
/// the end of a word it may be that of base64.
fn separator(text: &str) -> &str {
    let sign = text.trim_start();
    let apart = sign.len() < text.len();
    let found = sign.starts_with(':') || (apart && sign.starts_with('='));
    text.get(..text.len() - sign.len() + usize::from(found))
        .filter(|_| found)
        .unwrap_or_default()
}
