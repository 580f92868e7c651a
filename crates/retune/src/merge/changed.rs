//! What differs between two merged trees.

use std::collections::{BTreeMap, HashMap};

use super::{Leaf, collect, merges, push_entry, shape_of};
use crate::change::Changed;
use crate::node::{Entry, Node, NodeValue};
use crate::path::ValuePath;
use crate::schema::{Schema, Shape};

/// The leaves of two trees below what differs between them, each with the path in its own tree.
#[derive(Default)]
struct Differing<'n> {
    old: (ValuePath, Vec<Leaf<'n>>),
    new: (ValuePath, Vec<Leaf<'n>>),
}

impl<'n> Differing<'n> {
    fn add(&mut self, old: &'n Node, new: &'n Node, shape: &Shape) {
        let (NodeValue::Map(before), NodeValue::Map(after)) = (&old.value, &new.value) else {
            return self.collect(Some(old), Some(new), shape);
        };
        if !merges(shape) {
            return self.collect(Some(old), Some(new), shape);
        }
        // The order is mostly the same, and then no index is needed.
        let keys = |entries: &'n [Entry]| entries.iter().map(|entry| &entry.key);
        if keys(before).eq(keys(after)) {
            let pairs = before.iter().zip(after);
            return pairs.for_each(|(a, b)| self.entry((old, new), (Some(a), Some(b)), shape));
        }
        let twins = after.iter().map(|entry| (&*entry.key, entry));
        let mut twins: HashMap<&str, &Entry> = twins.collect();
        for entry in before {
            let twin = twins.remove(&*entry.key);
            self.entry((old, new), (Some(entry), twin), shape);
        }
        for entry in after {
            if twins.contains_key(&*entry.key) {
                self.entry((old, new), (None, Some(entry)), shape);
            }
        }
    }

    /// Adds an entry of two maps that at least one of them has.
    fn entry(
        &mut self,
        (old, new): (&'n Node, &'n Node),
        (before, after): (Option<&'n Entry>, Option<&'n Entry>),
        shape: &Shape,
    ) {
        let Some(Entry { key, .. }) = before.or(after) else {
            return;
        };
        let (before, after) = (before.map(|e| &e.node), after.map(|e| &e.node));
        if let (Some(before), Some(after)) = (before, after)
            && before.same_content(after)
        {
            return;
        }
        let marks = (
            push_entry(&mut self.old.0, old, shape, key),
            push_entry(&mut self.new.0, new, shape, key),
        );
        let inner = shape_of(shape, key);
        match (before, after) {
            (Some(before), Some(after)) => self.add(before, after, inner),
            _ => self.collect(before, after, inner),
        }
        self.old.0.truncate(marks.0);
        self.new.0.truncate(marks.1);
    }

    fn collect(&mut self, old: Option<&'n Node>, new: Option<&'n Node>, shape: &Shape) {
        for (node, (path, leaves)) in [(old, &mut self.old), (new, &mut self.new)] {
            if let Some(node) = node {
                collect(node, shape, path, leaves);
            }
        }
    }
}

/// The values that differ between two merged trees, in the order of their paths.
pub(crate) fn changed(old: &Node, new: &Node, schema: &'static Schema) -> Vec<Changed> {
    let mut differing = Differing::default();
    differing.add(old, new, &Shape::Struct(schema));
    fn by_path(leaves: Vec<Leaf<'_>>) -> BTreeMap<ValuePath, &Node> {
        let leaves = leaves.into_iter().map(|leaf| (leaf.path, leaf.node));
        leaves.collect()
    }
    let (old, mut new) = (by_path(differing.old.1), by_path(differing.new.1));
    let mut changes = Vec::new();
    for (path, before) in old {
        let after = new.remove(&path);
        if !after
            .as_ref()
            .is_some_and(|after| before.same_content(after))
        {
            changes.push(Changed::new(path, Some(before), after));
        }
    }
    changes.extend(
        new.into_iter()
            .map(|(path, after)| Changed::new(path, None, Some(after))),
    );
    changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    changes
}
