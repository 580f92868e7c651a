//! The tables of a TOML document, which its headers and dotted keys put together bit by bit.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::format::{DEEPEST, duplicate, too_deep};
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;

/// All tables of a document, the root first; they know each other by index.
pub(super) struct Tables<'a> {
    base: &'a Origin,
    all: Vec<Table>,
    pub(super) problems: Vec<Problem>,
}

/// A table that may still grow.
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

/// A key, with where it stands.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) text: Arc<str>,
    pub(super) range: Range<usize>,
}

// === impl Tables ===

impl<'a> Tables<'a> {
    pub(super) fn new(base: &'a Origin, root: Range<usize>) -> Self {
        let root = Table::new(Kind::Written, 1, root);
        Self {
            base,
            all: vec![root],
            problems: Vec::new(),
        }
    }

    /// Gives a table `path = value`, after telling if it cannot have it.
    pub(super) fn set(&mut self, table: usize, path: &[Key], value: Node) -> Option<()> {
        let (last, parents) = path.split_last()?;
        let parent = self.descend(table, parents, Kind::Dotted)?;
        if self.slot(parent, last).is_some() {
            self.twice(parent, last)?;
        }
        self.all
            .get_mut(parent)?
            .insert(last.clone(), Item::Value(value));
        Some(())
    }

    pub(super) fn depth(&self, table: usize) -> usize {
        self.all.get(table).map_or(1, |table| table.depth)
    }

    /// The table of `[path]` or `[[path]]`; `None` after telling why there cannot be one.
    pub(super) fn named(&mut self, path: &[Key], range: Range<usize>, many: bool) -> Option<usize> {
        let (last, parents) = path.split_last()?;
        let parent = self.descend(0, parents, Kind::Implied)?;
        let depth = self.deeper(parent, 1 + usize::from(many), &last.range)?;
        match self.slot(parent, last) {
            None => {
                let table = self.add(depth, range);
                let item = if many {
                    Item::Tables(vec![table])
                } else {
                    Item::Table(table)
                };
                self.all.get_mut(parent)?.insert(last.clone(), item);
                Some(table)
            }
            Some(Item::Tables(_)) if many => {
                let table = self.add(depth, range);
                if let Some(Item::Tables(tables)) = self.slot(parent, last) {
                    tables.push(table);
                }
                Some(table)
            }
            Some(&mut Item::Table(table)) if !many => {
                let found = self.all.get_mut(table)?;
                if found.kind == Kind::Implied {
                    (found.kind, found.range) = (Kind::Written, range);
                    return Some(table);
                }
                self.twice(parent, last)
            }
            Some(_) => self.twice(parent, last),
        }
    }

    /// The table at a path, made where there is none; `None` after telling why there cannot be one.
    fn descend(&mut self, mut table: usize, path: &[Key], kind: Kind) -> Option<usize> {
        for key in path {
            let next = match self.slot(table, key) {
                None => {
                    let depth = self.deeper(table, 1, &key.range)?;
                    let next = self.push(kind, depth, key.range.clone());
                    self.all
                        .get_mut(table)?
                        .insert(key.clone(), Item::Table(next));
                    next
                }
                Some(&mut Item::Table(next)) => next,
                Some(Item::Tables(tables)) if kind == Kind::Implied => *tables.last()?,
                Some(_) => return self.twice(table, key),
            };
            let found = self.all.get_mut(next)?;
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
        let depth = self.all.get(table)?.depth + levels;
        if depth > DEEPEST {
            self.problems.push(too_deep(self.base, range.clone()));
            return None;
        }
        Some(depth)
    }

    fn slot(&mut self, table: usize, key: &Key) -> Option<&mut Item> {
        let table = self.all.get_mut(table)?;
        let at = *table.index.get(&key.text)?;
        table.slots.get_mut(at).map(|slot| &mut slot.item)
    }

    fn twice(&mut self, table: usize, key: &Key) -> Option<usize> {
        let table = self.all.get(table)?;
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

    /// One more table, of no name yet.
    pub(super) fn add(&mut self, depth: usize, range: Range<usize>) -> usize {
        self.push(Kind::Written, depth, range)
    }

    fn push(&mut self, kind: Kind, depth: usize, range: Range<usize>) -> usize {
        self.all.push(Table::new(kind, depth, range));
        self.all.len() - 1
    }

    /// Takes a table and all below it out.
    pub(super) fn node(&mut self, table: usize) -> Node {
        let Some(table) = self.all.get_mut(table) else {
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
                hidden: false,
                node,
            }
        });
        let entries = entries.collect();
        Node::map(entries, self.base.part(range))
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
