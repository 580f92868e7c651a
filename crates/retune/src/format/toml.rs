//! TOML 1.1, from the parser's events.
//!
//! The tables are put together here, not by the `toml` crate: its tree goes as deep as the text says
//! (dropping what 13 kB gave overflowed a thread's stack), it forgets where a duplicate key was given
//! first, and a number's text.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml_parser::decoder::ScalarKind;
use toml_parser::parser::{Event, EventKind, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{Expected, ParseError, Source};

use super::{DEEPEST, MOST_PROBLEMS, duplicate, too_deep};
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;

struct Builder<'a> {
    source: Source<'a>,
    base: &'a Origin,
    events: Vec<Event>,
    at: usize,
    /// All tables, the root first; they know each other by index.
    tables: Vec<Table>,
    errors: Vec<ParseError>,
    problems: Vec<Problem>,
}

struct Table {
    slots: Vec<Slot>,
    /// Slots by key.
    index: HashMap<Arc<str>, usize>,
    kind: Kind,
    depth: usize,
    range: Range<usize>,
}

/// How a table came to be, which decides what may be added to it later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// On the way to a `[header]` below it.
    Implied,
    /// By a `[header]` of its own, or `{…}`: complete where it stands.
    Written,
    /// By a dotted key.
    Dotted,
}

struct Slot {
    key: Key,
    item: Item,
}

enum Item {
    Value(Node),
    Table(usize),
    /// `[[name]]`, each time one more.
    Tables(Vec<usize>),
}

#[derive(Clone)]
struct Key {
    text: Arc<str>,
    range: Range<usize>,
}

pub(super) fn read(content: &str, base: &Origin) -> Result<Option<Node>, Vec<Problem>> {
    let source = Source::new(content);
    let tokens = source.lex().into_vec();
    let (mut events, mut errors) = (Vec::with_capacity(tokens.len()), Vec::new());
    {
        let mut receiver = ValidateWhitespace::new(&mut events, source);
        let mut receiver = RecursionGuard::new(&mut receiver, DEEPEST as u32);
        parse_document(&tokens, &mut receiver, &mut errors);
    }
    let root = Table::new(Kind::Written, 1, 0..content.trim_end().len());
    let mut builder = Builder {
        source,
        base,
        events,
        at: 0,
        tables: vec![root],
        errors,
        problems: Vec::new(),
    };
    builder.document();
    let problems = builder.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    let root = builder.node(0);
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
        self.named(&path, range.clone(), many)
            .unwrap_or_else(|| self.add(Kind::Written, 1, range))
    }

    fn named(&mut self, path: &[Key], range: Range<usize>, many: bool) -> Option<usize> {
        let (last, parents) = path.split_last()?;
        let parent = self.descend(0, parents, Kind::Implied)?;
        let depth = self.deeper(parent, 1 + usize::from(many), &last.range)?;
        match self.slot(parent, last) {
            None => {
                let table = self.add(Kind::Written, depth, range);
                let item = if many {
                    Item::Tables(vec![table])
                } else {
                    Item::Table(table)
                };
                self.tables.get_mut(parent)?.insert(last.clone(), item);
                Some(table)
            }
            Some(Item::Tables(_)) if many => {
                let table = self.add(Kind::Written, depth, range);
                if let Some(Item::Tables(tables)) = self.slot(parent, last) {
                    tables.push(table);
                }
                Some(table)
            }
            Some(&mut Item::Table(table)) if !many => {
                let found = self.tables.get_mut(table)?;
                if found.kind == Kind::Implied {
                    (found.kind, found.range) = (Kind::Written, range);
                    return Some(table);
                }
                self.twice(parent, last)
            }
            Some(_) => self.twice(parent, last),
        }
    }

    /// `a.b = value`, the first key already taken.
    fn pair(&mut self, table: usize, first: &Event) {
        let path = self.path(first);
        let depth = self.tables.get(table).map_or(1, |table| table.depth) + path.len();
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
        let Some((last, parents)) = path.split_last() else {
            return;
        };
        let Some(parent) = self.descend(table, parents, Kind::Dotted) else {
            return;
        };
        match self.slot(parent, last) {
            None => {
                if let Some(table) = self.tables.get_mut(parent) {
                    table.insert(last.clone(), Item::Value(value));
                }
            }
            Some(_) => {
                self.twice(parent, last);
            }
        }
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
                let table = self.add(Kind::Written, depth, range.clone());
                while let Some(event) = self.next() {
                    range.end = event.span().end();
                    match event.kind() {
                        EventKind::InlineTableClose => break,
                        EventKind::SimpleKey => self.pair(table, &event),
                        _ => {}
                    }
                }
                self.node(table).value
            }
            _ => self.scalar(event)?,
        };
        if depth > DEEPEST && !matches!(value, NodeValue::Text { .. }) {
            self.problems.push(too_deep(self.base, range));
            return None;
        }
        Some(Node::new(value, self.base.part(range)))
    }

    /// Numbers and dates stay as they are written.
    fn scalar(&mut self, event: &Event) -> Option<NodeValue> {
        let raw = self.source.get(event)?;
        let mut decoded = std::borrow::Cow::Borrowed("");
        let quoted = matches!(
            raw.decode_scalar(&mut decoded, &mut self.errors),
            ScalarKind::String
        );
        let text = if quoted {
            decoded.as_ref()
        } else {
            raw.as_str()
        };
        Some(NodeValue::Text {
            text: text.into(),
            quoted,
        })
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

    /// The table at a path, made where there is none; `None` after telling why there cannot be one.
    fn descend(&mut self, mut table: usize, path: &[Key], kind: Kind) -> Option<usize> {
        for key in path {
            let next = match self.slot(table, key) {
                None => {
                    let depth = self.deeper(table, 1, &key.range)?;
                    let next = self.add(kind, depth, key.range.clone());
                    self.tables
                        .get_mut(table)?
                        .insert(key.clone(), Item::Table(next));
                    next
                }
                Some(&mut Item::Table(next)) => next,
                Some(Item::Tables(tables)) if kind == Kind::Implied => *tables.last()?,
                Some(_) => return self.twice(table, key),
            };
            let found = self.tables.get_mut(next)?;
            if kind == Kind::Dotted {
                if found.kind == Kind::Written {
                    return self.twice(table, key);
                }
                found.kind = Kind::Dotted;
            }
            table = next;
        }
        Some(table)
    }

    fn deeper(&mut self, table: usize, levels: usize, range: &Range<usize>) -> Option<usize> {
        let depth = self.tables.get(table)?.depth + levels;
        if depth > DEEPEST {
            self.problems.push(too_deep(self.base, range.clone()));
            return None;
        }
        Some(depth)
    }

    fn slot(&mut self, table: usize, key: &Key) -> Option<&mut Item> {
        let table = self.tables.get_mut(table)?;
        let at = *table.index.get(&key.text)?;
        table.slots.get_mut(at).map(|slot| &mut slot.item)
    }

    fn twice(&mut self, table: usize, key: &Key) -> Option<usize> {
        let table = self.tables.get(table)?;
        let first = table
            .slots
            .get(*table.index.get(&key.text)?)?
            .key
            .range
            .clone();
        let second = self.base.part(key.range.clone());
        self.problems
            .push(duplicate(&key.text, &self.base.part(first), second));
        None
    }

    fn add(&mut self, kind: Kind, depth: usize, range: Range<usize>) -> usize {
        self.tables.push(Table::new(kind, depth, range));
        self.tables.len() - 1
    }

    /// Takes a table and all below it out.
    fn node(&mut self, table: usize) -> Node {
        let Some(table) = self.tables.get_mut(table) else {
            return Node::null();
        };
        let (slots, range) = (std::mem::take(&mut table.slots), table.range.clone());
        let entries = slots.into_iter().map(|Slot { key, item }| {
            let node = match item {
                Item::Value(node) => node,
                Item::Table(table) => self.node(table),
                Item::Tables(tables) => {
                    let items: Vec<_> = tables.into_iter().map(|table| self.node(table)).collect();
                    let origin = items
                        .first()
                        .map_or_else(|| self.base.clone(), |i| i.origin.clone());
                    Node::new(NodeValue::List(items), origin)
                }
            };
            Entry {
                key: key.text,
                key_origin: self.base.part(key.range),
                node,
            }
        });
        let entries = entries.collect();
        Node::map(entries, self.base.part(range))
    }

    /// All that is wrong, in the order of the text.
    fn problems(&mut self) -> Vec<Problem> {
        let mut problems = std::mem::take(&mut self.problems);
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

// === impl Table ===

impl Table {
    fn new(kind: Kind, depth: usize, range: Range<usize>) -> Self {
        Self {
            slots: Vec::new(),
            index: HashMap::new(),
            kind,
            depth,
            range,
        }
    }

    fn insert(&mut self, key: Key, item: Item) {
        self.index.insert(key.text.clone(), self.slots.len());
        self.slots.push(Slot { key, item });
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
