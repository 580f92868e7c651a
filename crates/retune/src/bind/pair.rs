//! What a `Rotating` is given: one value, or what is current and what was before it.

use super::{Binder, twice};
use crate::name;
use crate::node::{Entry, Node, NodeValue};
use crate::problem::Problem;
use crate::rotating::{CURRENT, PREVIOUS};
use crate::schema::Shape;

// === impl Binder ===

impl Binder<'_> {
    /// Makes a map of the two, also of what is one value: that is the current one.
    pub(super) fn pair(&mut self, node: Node, shape: &Shape) -> Node {
        if matches!(node.value, NodeValue::Null) {
            return node;
        }
        let origin = node.origin.clone();
        let mut pair = Vec::new();
        for (part, given) in parts(node, shape) {
            if let Some(Entry { node: first, .. }) = pair.iter().find(|e: &&Entry| *e.key == *part)
            {
                let secret = given.secret || shape.holds_secret();
                let twice = twice(&first.origin, &given.origin, secret);
                let mut problem = Problem::new(&self.path, twice).at(given.origin);
                problem.secret = secret;
                self.notes
                    .problems
                    .push(problem.with_help("remove one of the two"));
                continue;
            }
            let node = match part {
                PREVIOUS => self.within(PREVIOUS, previous(given), shape),
                _ => self.bind(given, shape),
            };
            pair.push(Entry {
                key: part.into(),
                key_origin: node.origin.clone(),
                hidden: false,
                node,
            });
        }
        Node::map(pair, origin)
    }
}

/// What is given as what was there before. An empty text says that there was nothing, as volumes and
/// variables have no `null`.
pub(crate) fn previous(node: Node) -> Node {
    let is_empty = match &node.value {
        NodeValue::Text { text, .. } => text.trim().is_empty(),
        NodeValue::File(bytes) => bytes.trim_ascii().is_empty(),
        _ => false,
    };
    let value = match is_empty {
        true => NodeValue::Null,
        false => node.value,
    };
    Node { value, ..node }
}

/// The parts of what is given. Beside a struct's own fields there may be what was before: so it is in
/// a document as it is where names are written flat.
fn parts(node: Node, shape: &Shape) -> Vec<(&'static str, Node)> {
    let NodeValue::Map(entries) = &node.value else {
        return vec![(CURRENT, node)];
    };
    let named = entries.iter().filter(|entry| part(&entry.key).is_some());
    let named = named.count();
    let is_struct = matches!(shape.inner(), Shape::Struct(_));
    if named == 0 || named < entries.len() && !is_struct {
        return vec![(CURRENT, node)];
    }
    let mut parts = Vec::new();
    let mut fields = Vec::new();
    if let NodeValue::Map(entries) = node.value {
        for entry in entries {
            match part(&entry.key) {
                Some(part) => parts.push((part, entry.node)),
                None => fields.push(entry),
            }
        }
    }
    if !fields.is_empty() {
        let value = NodeValue::Map(fields);
        parts.push((
            CURRENT,
            Node {
                value,
                origin: node.origin,
                secret: node.secret,
            },
        ));
    }
    parts
}

fn part(key: &str) -> Option<&'static str> {
    [CURRENT, PREVIOUS]
        .into_iter()
        .find(|part| name::same(part, key))
}
