//! Layers into one tree: the highest wins, and what it overrode is remembered.

use crate::decode::push_segment;
use crate::node::{Entry, Node, NodeValue};
use crate::schema::{Schema, Shape};

/// A merged tree, and what was overridden on the way.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) root: Node,
    /// By path, from the lowest layer to the highest.
    pub(crate) overridden: Vec<(String, Node)>,
}

/// Merges layers, given from the lowest to the highest. Structs and maps merge key by key; anything
/// else is replaced whole, and `null` clears what lower layers gave.
pub(crate) fn merge(layers: impl IntoIterator<Item = Node>, schema: &'static Schema) -> Merged {
    let mut overridden = Vec::new();
    let root = layers
        .into_iter()
        .reduce(|lower, upper| {
            over(
                lower,
                upper,
                &Shape::Struct(schema),
                &mut String::new(),
                &mut overridden,
            )
        })
        .unwrap_or_else(|| Node::map(Vec::new(), crate::origin::Origin::Default));
    Merged { root, overridden }
}

fn over(
    lower: Node,
    upper: Node,
    shape: &Shape,
    path: &mut String,
    overridden: &mut Vec<(String, Node)>,
) -> Node {
    match (lower.value, upper.value) {
        (NodeValue::Map(below), NodeValue::Map(above)) if merges(shape) => {
            let mut entries = below;
            for entry in above {
                let Some(twin) = entries.iter().position(|below| below.key == entry.key) else {
                    entries.push(entry);
                    continue;
                };
                let below = entries.swap_remove(twin);
                let length = path.len();
                push_segment(path, &entry.key);
                let inner = shape_of(shape, &entry.key);
                let node = over(below.node, entry.node, inner, path, overridden);
                path.truncate(length);
                entries.push(Entry { node, ..entry });
            }
            let secret = lower.secret || upper.secret;
            Node {
                value: NodeValue::Map(entries),
                origin: upper.origin,
                secret,
            }
        }
        (below, above) => {
            let below = Node {
                value: below,
                origin: lower.origin,
                secret: lower.secret,
            };
            overridden.push((path.clone(), below));
            Node {
                value: above,
                origin: upper.origin,
                secret: upper.secret,
            }
        }
    }
}

fn merges(shape: &Shape) -> bool {
    matches!(shape.inner(), Shape::Struct(_) | Shape::Map(_))
}

fn shape_of<'s>(shape: &'s Shape, key: &str) -> &'s Shape {
    match shape.inner() {
        Shape::Struct(schema) => schema
            .fields
            .iter()
            .find(|field| field.name == key)
            .map_or(shape, |field| &field.shape),
        Shape::Map(inner) => inner,
        _ => shape,
    }
}

/// Every leaf of a bound tree with its path: what one layer gives.
pub(crate) fn leaves(root: &Node, schema: &'static Schema) -> Vec<(String, Node)> {
    let mut leaves = Vec::new();
    collect(
        root,
        &Shape::Struct(schema),
        &mut String::new(),
        &mut leaves,
    );
    leaves
}

fn collect(node: &Node, shape: &Shape, path: &mut String, leaves: &mut Vec<(String, Node)>) {
    let NodeValue::Map(entries) = &node.value else {
        leaves.push((path.clone(), node.clone()));
        return;
    };
    if !merges(shape) {
        leaves.push((path.clone(), node.clone()));
        return;
    }
    for entry in entries {
        let length = path.len();
        push_segment(path, &entry.key);
        collect(&entry.node, shape_of(shape, &entry.key), path, leaves);
        path.truncate(length);
    }
}

/// Paths whose content differs between two merged trees, in order.
pub(crate) fn changed(old: &Node, new: &Node, schema: &'static Schema) -> Vec<String> {
    let (old, new) = (leaves(old, schema), leaves(new, schema));
    let gone = old
        .iter()
        .filter(|(path, _)| !new.iter().any(|(other, _)| other == path));
    let differ = new.iter().filter(|(path, node)| {
        !old.iter()
            .any(|(other, before)| other == path && before.same_content(node))
    });
    let mut paths: Vec<_> = gone.chain(differ).map(|(path, _)| path.clone()).collect();
    paths.sort_unstable();
    paths
}
