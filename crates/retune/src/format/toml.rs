//! TOML 1.1, from the parser's events.
//!
//! The tables are put together here, not by the `toml` crate: its tree goes as deep as the text says
//! (dropping what 13 kB gave overflowed a thread's stack), it forgets where a duplicate key was given
//! first, and a number's text.

mod tables;

use std::ops::Range;

use toml_datetime::Datetime;
use toml_parser::decoder::ScalarKind;
use toml_parser::parser::{Event, EventKind, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{Expected, ParseError, Source};

use self::tables::{Key, Tables};
use super::{DEEPEST, MOST_PROBLEMS, too_deep};
use crate::node::{Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;

struct Builder<'a> {
    source: Source<'a>,
    base: &'a Origin,
    events: Vec<Event>,
    at: usize,
    tables: Tables<'a>,
    errors: Vec<ParseError>,
}

pub(super) fn read(content: &str, base: &Origin) -> Result<Option<Node>, Vec<Problem>> {
    let source = Source::new(content);
    let tokens = source.lex().into_vec();
    let (mut events, mut errors) = (Vec::with_capacity(tokens.len()), Vec::new());
    let mut receiver = ValidateWhitespace::new(&mut events, source);
    let mut receiver = RecursionGuard::new(&mut receiver, DEEPEST as u32);
    parse_document(&tokens, &mut receiver, &mut errors);
    let tables = Tables::new(base, 0..content.trim_end().len());
    let mut builder = Builder {
        source,
        base,
        events,
        at: 0,
        tables,
        errors,
    };
    builder.document();
    let root = builder.tables.node(0);
    let problems = builder.into_problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Some(root).filter(|root| !root.entries().is_empty()))
}

// === impl Builder ===

impl Builder<'_> {
    fn document(&mut self) {
        let mut current = 0;
        while let Some(event) = self.next() {
            match event.kind() {
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                    current = self.header(&event);
                }
                EventKind::SimpleKey => self.pair(current, &event),
                _ => {}
            }
        }
    }

    /// `[a.b]` or `[[a.b]]`: the table that the following pairs belong to.
    fn header(&mut self, open: &Event) -> usize {
        let many = open.kind() == EventKind::ArrayTableOpen;
        let path = match self.peek() {
            Some(key) if key.kind() == EventKind::SimpleKey => {
                self.at += 1;
                self.path(&key)
            }
            _ => Vec::new(),
        };
        let mut range = range(open);
        if let Some(close) = self.peek().filter(|event| {
            matches!(
                event.kind(),
                EventKind::StdTableClose | EventKind::ArrayTableClose
            )
        }) {
            self.at += 1;
            range.end = close.span().end();
        }
        // What follows a broken header belongs to a table of no name, so that it is read all the same.
        let named = self.tables.named(&path, range.clone(), many);
        named.unwrap_or_else(|| self.tables.add(1, range))
    }

    /// `a.b = value`, the first key already taken.
    fn pair(&mut self, table: usize, first: &Event) {
        let path = self.path(first);
        let depth = self.tables.depth(table) + path.len();
        if self
            .peek()
            .is_none_or(|event| event.kind() != EventKind::KeyValSep)
        {
            return;
        }
        self.at += 1;
        let Some(event) = self.peek() else { return };
        let Some(value) = self.value(&event, depth) else {
            return;
        };
        self.tables.set(table, &path, value);
    }

    /// The value that begins with an event, which it takes if it is one.
    fn value(&mut self, event: &Event, depth: usize) -> Option<Node> {
        use EventKind::{ArrayOpen, InlineTableOpen, Scalar};
        if !matches!(event.kind(), ArrayOpen | InlineTableOpen | Scalar) {
            return None;
        }
        self.at += 1;
        let mut range = range(event);
        let value = match event.kind() {
            ArrayOpen => {
                let mut items = Vec::new();
                while let Some(event) = self.peek() {
                    range.end = event.span().end();
                    match event.kind() {
                        ArrayOpen | InlineTableOpen | Scalar => {
                            items.extend(self.value(&event, depth + 1));
                            continue;
                        }
                        _ => self.at += 1,
                    }
                    if event.kind() == EventKind::ArrayClose {
                        break;
                    }
                }
                NodeValue::List(items)
            }
            InlineTableOpen => {
                let table = self.tables.add(depth, range.clone());
                while let Some(event) = self.next() {
                    range.end = event.span().end();
                    match event.kind() {
                        EventKind::InlineTableClose => break,
                        EventKind::SimpleKey => self.pair(table, &event),
                        _ => {}
                    }
                }
                self.tables.node(table).value
            }
            _ => self.scalar(event)?,
        };
        if depth > DEEPEST && !matches!(value, NodeValue::Text { .. }) {
            self.tables.problems.push(too_deep(self.base, range));
            return None;
        }
        Some(Node::new(value, self.base.part(range)))
    }

    /// Numbers and dates stay as they are written.
    fn scalar(&mut self, event: &Event) -> Option<NodeValue> {
        let raw = self.source.get(event)?;
        // With room for all of it: what grows leaves copies behind.
        let mut decoded = String::with_capacity(raw.as_str().len());
        let kind = raw.decode_scalar(&mut decoded, &mut self.errors);
        if let ScalarKind::DateTime = kind
            && raw.as_str().parse::<Datetime>().is_err()
        {
            // The parser looks only at how it begins. What is wrong with it is not told, as it would tell of a
            // secret: that a day is above 28, and so the month.
            let told = "no date or time that there is (a text is written in quotes)";
            let error = ParseError::new(told).with_unexpected(event.span());
            self.errors.push(error);
        }
        let quoted = matches!(kind, ScalarKind::String);
        let text = match quoted {
            true => decoded.into(),
            false => raw.as_str().into(),
        };
        Some(NodeValue::Text { text, quoted })
    }

    /// A key with what follows it after dots.
    fn path(&mut self, first: &Event) -> Vec<Key> {
        let mut path: Vec<Key> = self.key(first).into_iter().collect();
        while self
            .peek()
            .is_some_and(|event| event.kind() == EventKind::KeySep)
        {
            self.at += 1;
            let Some(key) = self
                .peek()
                .filter(|event| event.kind() == EventKind::SimpleKey)
            else {
                break;
            };
            self.at += 1;
            path.extend(self.key(&key));
        }
        path
    }

    fn key(&mut self, event: &Event) -> Option<Key> {
        let mut decoded = std::borrow::Cow::Borrowed("");
        self.source
            .get(event)?
            .decode_key(&mut decoded, &mut self.errors);
        Some(Key {
            text: decoded.as_ref().into(),
            range: range(event),
        })
    }

    /// All that is wrong, in the order of the text.
    fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.tables.problems;
        let end = self.source.input().len();
        problems.extend(self.errors.iter().map(|error| {
            let range = error
                .unexpected()
                .map_or(end..end, |span| span.start()..span.end());
            Problem::new("", message(error)).at(self.base.part(range))
        }));
        problems.sort_by_key(|problem| {
            problem
                .origin
                .as_ref()
                .and_then(Origin::span)
                .map(|span| span.source().1.start)
        });
        problems.truncate(MOST_PROBLEMS);
        problems
    }

    fn next(&mut self) -> Option<Event> {
        let event = self.peek();
        self.at += 1;
        event
    }

    /// The next event that means something, which is then the one at hand.
    fn peek(&mut self) -> Option<Event> {
        loop {
            let event = *self.events.get(self.at)?;
            match event.kind() {
                EventKind::Whitespace
                | EventKind::Comment
                | EventKind::Newline
                | EventKind::Error => self.at += 1,
                _ => return Some(event),
            }
        }
    }
}

fn range(event: &Event) -> Range<usize> {
    event.span().start()..event.span().end()
}

/// The parser's own words: none of them is taken from the text.
fn message(error: &ParseError) -> String {
    let mut message = error.description().to_owned();
    let expected: Vec<_> = error
        .expected()
        .unwrap_or_default()
        .iter()
        .filter_map(|expected| match expected {
            Expected::Literal("\n") => Some("a line break".to_owned()),
            Expected::Literal(literal) => Some(format!("`{}`", literal.escape_debug())),
            Expected::Description(description) => Some((*description).to_owned()),
            _ => None,
        })
        .collect();
    if !expected.is_empty() {
        message.push_str(", expected ");
        message.push_str(&expected.join(" or "));
    }
    message
}
