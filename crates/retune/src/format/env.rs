//! `.env` files: a line `NAME=value` for each value.
//!
//! Where the programs that read such files differ, a line that they read alike is read so, and one
//! that has no common meaning is refused rather than guessed at. Nothing is expanded: with `$X` the
//! meaning of a file would depend on its reader's environment, and a password would lose its `$`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::{MOST_PROBLEMS, character, duplicate};
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;

struct Parser<'a> {
    content: &'a str,
    base: &'a Origin,
    at: usize,
    entries: Vec<Entry>,
    names: HashMap<Arc<str>, Origin>,
    problems: Vec<Problem>,
}

pub(super) fn read(content: &str, base: &Origin) -> Result<Option<Node>, Vec<Problem>> {
    let mut parser = Parser {
        content,
        base,
        at: 0,
        entries: Vec::new(),
        names: HashMap::new(),
        problems: Vec::new(),
    };
    if let Some(at) = content.find('\0') {
        return Err(vec![
            parser.problem(at..at, "a NUL character, which no text holds"),
        ]);
    }
    while !parser.rest().is_empty() && parser.problems.len() < MOST_PROBLEMS {
        if let Err(problem) = parser.line() {
            parser.problems.push(problem);
        }
        parser.skip_line();
    }
    if !parser.problems.is_empty() {
        return Err(parser.problems);
    }
    if parser.entries.is_empty() {
        return Ok(None);
    }
    let origin = base.part(0..content.trim_end().len());
    Ok(Some(Node::map(parser.entries, origin)))
}

// === impl Parser ===

impl Parser<'_> {
    /// Reads to the end of a line's value, or of what stands in its place.
    fn line(&mut self) -> Result<(), Problem> {
        self.blanks();
        if self.at_end_of_line() {
            return Ok(());
        }
        let mut name = self.name()?;
        let blank = self.blanks();
        if blank && !self.rest().starts_with('=') && self.text(&name) == "export" {
            name = self.name()?;
            self.blanks();
        }
        if !self.eat('=') {
            return Err(self.unexpected("expected `=` after the name").with_help(
                "a line is `NAME=value`, blank, or a comment after `#`; quotes hold a value of \
                 several lines",
            ));
        }
        self.blanks();
        let start = self.at;
        let quote = self.rest().chars().next().filter(|c| "'\"".contains(*c));
        let text = match quote {
            Some(quote) => self.quoted(quote)?,
            None => self.plain().to_owned(),
        };
        let value = NodeValue::Text {
            text: text.into(),
            quoted: quote.is_some(),
        };
        let node = Node::new(value, self.base.part(start..self.at));
        self.add(&name, node);
        let blank = self.blanks();
        let comment = self.rest().starts_with('#');
        if !self.at_end_of_line() || comment && !blank && quote.is_some() {
            let help = match quote {
                Some('\'') => "within single quotes no `'` can stand: use double quotes",
                _ => {
                    r#"within double quotes a quote is written `\"`; a comment needs a blank before it"#
                }
            };
            let message = "expected the end of the line after the closing quote";
            return Err(self.unexpected(message).with_help(help));
        }
        Ok(())
    }

    fn name(&mut self) -> Result<Range<usize>, Problem> {
        let start = self.at;
        let rest = self.rest();
        let after = rest.trim_start_matches(|c: char| c.is_alphanumeric() || "_.-".contains(c));
        self.at += rest.len() - after.len();
        if self.at > start {
            return Ok(start..self.at);
        }
        let problem = self.unexpected("expected a name: letters, digits, `_`, `.`, `-`");
        Err(problem.with_help("a line is `NAME=value`, blank, or a comment after `#`"))
    }

    /// A value without quotes: the rest of the line, as it stands, to a comment behind a blank.
    fn plain(&mut self) -> &str {
        let start = self.at;
        let line = self.rest().lines().next().unwrap_or_default();
        let comment = line.match_indices('#').map(|(at, _)| start + at);
        let comment = comment
            .filter(|at| self.text(&(0..*at)).ends_with(is_blank))
            .map(|at| at - start)
            .next();
        let value = line.get(..comment.unwrap_or(line.len()));
        let length = value.unwrap_or_default().trim_end_matches(is_blank).len();
        self.at += length;
        self.text(&(start..start + length))
    }

    /// A value in quotes, which may span lines.
    fn quoted(&mut self, quote: char) -> Result<String, Problem> {
        let open = self.at;
        self.at += 1;
        // With room for all of it: what grows leaves copies behind.
        let mut text = String::with_capacity(super::quoted_length(self.rest(), quote));
        loop {
            let rest = self.rest();
            let Some(plain) = rest.find(|c| c == quote || quote == '"' && c == '\\') else {
                self.at = self.content.len();
                let problem = self.problem(open..open + 1, "the quote is not closed");
                return Err(problem.with_help(format!("end the value with `{quote}`")));
            };
            let part = self.text(&(self.at..self.at + plain)).split("\r\n");
            for (i, line) in part.enumerate() {
                text.extend((i > 0).then_some('\n'));
                text.push_str(line);
            }
            self.at += plain;
            if self.eat(quote) {
                return Ok(text);
            }
            text.extend(self.escape());
        }
    }

    /// What a backslash and the character behind it mean.
    fn escape(&mut self) -> Option<char> {
        let meant = match self.rest().chars().nth(1) {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            code => code.filter(|c| "\\\"'$`".contains(*c)),
        };
        if meant.is_none() && self.problems.len() < MOST_PROBLEMS {
            let message = "an unknown escape: known are `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\`, `\\$`";
            let problem = self.problem(self.at..self.at + 1, message);
            self.problems.push(problem.with_help(
                "write `\\\\` for a backslash, or use single quotes, where it is one by itself",
            ));
        }
        self.at += 1 + usize::from(meant.is_some());
        meant
    }

    fn add(&mut self, name: &Range<usize>, node: Node) {
        let key: Arc<str> = self.text(name).into();
        let key_origin = self.base.part(name.clone());
        if let Some(first) = self.names.get(&key) {
            if self.problems.len() < MOST_PROBLEMS {
                self.problems.push(duplicate(&key, first, key_origin));
            }
            return;
        }
        self.names.insert(key.clone(), key_origin.clone());
        self.entries.push(Entry {
            key,
            key_origin,
            hidden: false,
            node,
        });
    }

    /// Whether nothing follows in this line, or a comment.
    fn at_end_of_line(&self) -> bool {
        let rest = self.rest();
        rest.is_empty() || rest.starts_with(['\n', '#'])
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').map_or(rest.len(), |at| at + 1);
    }

    /// Skips blanks; whether there are any.
    fn blanks(&mut self) -> bool {
        let rest = self.rest();
        let skipped = rest.len() - rest.trim_start_matches(is_blank).len();
        self.at += skipped;
        skipped > 0
    }

    fn eat(&mut self, character: char) -> bool {
        let found = self.rest().starts_with(character);
        self.at += if found { character.len_utf8() } else { 0 };
        found
    }

    fn rest(&self) -> &str {
        self.content.get(self.at..).unwrap_or_default()
    }

    fn text(&self, range: &Range<usize>) -> &str {
        self.content.get(range.clone()).unwrap_or_default()
    }

    fn unexpected(&self, message: &str) -> Problem {
        self.problem(character(self.content, self.at), message)
    }

    fn problem(&self, range: Range<usize>, message: &str) -> Problem {
        Problem::new("", message).at(self.base.part(range))
    }
}

/// What may stand around names and values; a carriage return does at the end of a line.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r')
}
