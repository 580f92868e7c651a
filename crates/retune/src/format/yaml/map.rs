//! A map of YAML, key by key.

use std::collections::HashMap;
use std::sync::Arc;

use crate::format::duplicate;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;

#[derive(Default)]
pub(super) struct Map {
    entries: Vec<Entry>,
    keys: HashMap<Arc<str>, Origin>,
    key: Option<Key>,
    /// What `<<` gives: it fills what the map does not set itself.
    merged: Vec<Entry>,
}

enum Key {
    Text {
        text: Arc<str>,
        origin: Origin,
    },
    Merge,
    /// One that was told as a problem; its value is dropped.
    Broken,
}

// === impl Map ===

impl Map {
    /// Takes a key or, after it, its value; `source` and `origin` say how and where it is written.
    pub(super) fn take(&mut self, node: Node, source: &str, origin: Origin) -> Result<(), Problem> {
        match self.key.take() {
            None => self.key(&node, source, origin),
            Some(key) => self.value(key, node),
        }
    }

    fn key(&mut self, node: &Node, source: &str, origin: Origin) -> Result<(), Problem> {
        self.key = Some(Key::Broken);
        let (text, quoted): (Arc<str>, bool) = match &node.value {
            NodeValue::Text { text, quoted } => ((&**text).into(), *quoted),
            // The words for null are as good a key as any other.
            NodeValue::Null if !source.is_empty() => (source.into(), false),
            _ => return Err(Problem::new("", "a key must be text").at(origin)),
        };
        if let Some(first) = self.keys.get(&text) {
            return Err(duplicate(&text, first, origin));
        }
        self.keys.insert(text.clone(), origin.clone());
        let merge = !quoted && &*text == "<<";
        self.key = Some(if merge {
            Key::Merge
        } else {
            Key::Text { text, origin }
        });
        Ok(())
    }

    fn value(&mut self, key: Key, node: Node) -> Result<(), Problem> {
        match key {
            Key::Broken => return Ok(()),
            Key::Text { text, origin } => {
                self.entries.push(Entry {
                    key: text,
                    key_origin: origin,
                    hidden: false,
                    node,
                });
                return Ok(());
            }
            Key::Merge => {}
        }
        let maps = match node {
            Node {
                value: NodeValue::List(items),
                ..
            } => items,
            map => vec![map],
        };
        for map in maps {
            match map.value {
                NodeValue::Map(entries) => self.merged.extend(entries),
                _ => {
                    let message = "`<<` takes a map or a list of maps";
                    return Err(Problem::new("", message).at(map.origin));
                }
            }
        }
        Ok(())
    }

    /// The entries; what `<<` gave comes after what is written here, the first of it winning.
    pub(super) fn finish(mut self) -> Vec<Entry> {
        for entry in self.merged {
            if !self.keys.contains_key(&entry.key) {
                self.keys
                    .insert(entry.key.clone(), entry.key_origin.clone());
                self.entries.push(entry);
            }
        }
        self.entries
    }
}
