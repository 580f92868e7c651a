//! Layers into one tree: the highest wins, and what it overrode is remembered.

mod changed;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use self::changed::changed;
use crate::name;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::path::{Mark, ValuePath, push_segment};
use crate::rotating::{CURRENT, PREVIOUS};
use crate::schema::{Default, Schema, Shape};

/// A merged tree, and what was overridden on the way.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) root: Node,
    /// By path, from the lowest layer to the highest.
    pub(crate) overridden: Vec<(String, Node)>,
}

/// One value of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<'n> {
    pub(crate) path: ValuePath,
    pub(crate) node: &'n Node,
}

impl<'n> Leaf<'n> {
    fn new(path: &ValuePath, node: &'n Node) -> Self {
        let path = path.clone();
        Self { path, node }
    }
}

/// Merges layers, given from the lowest to the highest. Structs and maps merge key by key; anything
/// else is replaced whole, and `null` clears what lower layers gave.
pub(crate) fn merge(layers: impl IntoIterator<Item = Node>, schema: &'static Schema) -> Merged {
    let mut overridden = Vec::new();
    let mut root = layers
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
        .unwrap_or_else(|| Node::map(Vec::new(), Origin::Default));
    let shape = Shape::Struct(schema);
    clear(&mut root, &shape, &mut String::new(), &mut overridden);
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
            // The index is not needed where one of the two is empty.
            let (mut entries, above) = match below.is_empty() && !rewrites(&above, shape) {
                true => (above, Vec::new()),
                false => (below, above),
            };
            let indexed = if above.is_empty() { 0 } else { entries.len() };
            let places = entries.iter().take(indexed).enumerate();
            let mut places: HashMap<Arc<str>, usize> =
                places.map(|(at, entry)| (entry.key.clone(), at)).collect();
            let mut written = written(&entries, &above, shape);
            for mut entry in above {
                if !places.contains_key(&entry.key)
                    && let Some(written) = &mut written
                {
                    let first = written.entry(name::normal(&entry.key));
                    let first = first.or_insert_with(|| entry.key.clone());
                    if is_variable(&entry) {
                        entry.key = first.clone();
                    }
                }
                let at = places.get(&entry.key);
                let Some(twin) = at.and_then(|at| entries.get_mut(*at)) else {
                    places.insert(entry.key.clone(), entries.len());
                    entries.push(entry);
                    continue;
                };
                let below = std::mem::replace(&mut twin.node, Node::null());
                let length = path.len();
                push(path, shape, &entry.key);
                let inner = shape_of(shape, &entry.key);
                let node = over(below, entry.node, inner, path, overridden);
                path.truncate(length);
                *twin = Entry { node, ..entry };
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
            overridden.push((path.clone(), below.into_told()));
            Node {
                value: above,
                origin: upper.origin,
                secret: upper.secret,
            }
        }
    }
}

/// Keys as a lower layer writes them, by what tells them apart in variables; `None` where something else
/// tells how they are written.
fn written(below: &[Entry], above: &[Entry], shape: &Shape) -> Option<HashMap<String, Arc<str>>> {
    if !rewrites(above, shape) {
        return None;
    }
    let mut written = HashMap::new();
    for entry in below {
        let first = written.entry(name::normal(&entry.key));
        first.or_insert_with(|| entry.key.clone());
    }
    Some(written)
}

/// Whether keys may have to be written as others are.
fn rewrites(above: &[Entry], shape: &Shape) -> bool {
    shape.keeps_keys() && above.iter().any(is_variable)
}

fn is_variable(entry: &Entry) -> bool {
    matches!(entry.key_origin, Origin::Env(_))
}

/// Takes out what `null` cleared, so that the default holds, or the entry of a map is gone. For an
/// `Option`, `null` is a value; where there is no default, it stays to be told with its place.
fn clear(node: &mut Node, shape: &Shape, path: &mut String, overridden: &mut Vec<(String, Node)>) {
    let NodeValue::Map(entries) = &mut node.value else {
        return;
    };
    if !merges(shape) {
        return;
    }
    entries.retain_mut(|entry| {
        if !matches!(entry.node.value, NodeValue::Null | NodeValue::Map(_)) {
            return true;
        }
        let length = path.len();
        push(path, shape, &entry.key);
        let cleared = matches!(entry.node.value, NodeValue::Null) && clears(shape, &entry.key);
        if cleared {
            overridden.push((path.clone(), entry.node.clone()));
        } else {
            clear(
                &mut entry.node,
                shape_of(shape, &entry.key),
                path,
                overridden,
            );
        }
        path.truncate(length);
        !cleared
    });
}

/// Whether there is something that holds, or nothing at all, once this value is cleared.
fn clears(shape: &Shape, key: &str) -> bool {
    match shape.inner() {
        Shape::Struct(schema) => {
            let field = schema.fields.iter().find(|field| field.name == key);
            let Some(field) = field else {
                return schema.rest.is_some_and(|rest| !rest.nests());
            };
            let stands = field.default != Default::None;
            !field.shape.is_optional() && (stands || matches!(field.shape, Shape::Struct(_)))
        }
        Shape::Map(value) => !value.is_optional(),
        // Of a `Tree`, only the type itself knows what `null` means.
        _ => false,
    }
}

/// Whether layers are merged key by key. Keys of a secret map may be secrets themselves, so it is
/// one value.
pub(crate) fn merges(shape: &Shape) -> bool {
    match shape {
        Shape::Optional(inner) => merges(inner),
        Shape::Secret(inner) => matches!(inner.inner(), Shape::Struct(_)),
        Shape::Struct(_) | Shape::Map(_) | Shape::Tree(_) | Shape::Rotating(_) => true,
        _ => false,
    }
}

pub(crate) fn shape_of<'s>(shape: &'s Shape, key: &str) -> &'s Shape {
    match shape.inner() {
        Shape::Struct(schema) => schema
            .fields
            .iter()
            .find(|field| field.name == key)
            .map(|field| &field.shape)
            .or(schema.rest)
            .unwrap_or(shape),
        Shape::Map(inner) | Shape::Rotating(inner) => inner,
        _ => shape,
    }
}

/// Adds an entry to a path; what is current of a pair has the path of the pair.
fn push(path: &mut String, shape: &Shape, key: &str) {
    if !is_current(shape, key) {
        push_segment(path, key);
    }
}

/// What is current of a pair; anything else is that itself.
fn current<'n>(node: &'n Node, shape: &Shape) -> &'n Node {
    let pair = shape.rotating().and(Some(node));
    pair.and_then(|pair| pair.get(CURRENT)).unwrap_or(node)
}

fn is_current(shape: &Shape, key: &str) -> bool {
    key == CURRENT && shape.rotating().is_some()
}

/// Every leaf of a bound tree with its path: what one layer gives.
pub(crate) fn leaves<'n>(root: &'n Node, schema: &'static Schema) -> Vec<Leaf<'n>> {
    let mut leaves = Vec::new();
    let shape = Shape::Struct(schema);
    collect(root, &shape, &mut ValuePath::default(), &mut leaves);
    leaves
}

fn collect<'n>(node: &'n Node, shape: &Shape, path: &mut ValuePath, leaves: &mut Vec<Leaf<'n>>) {
    let NodeValue::Map(entries) = &node.value else {
        return leaves.push(Leaf::new(path, node));
    };
    if !merges(shape) {
        return leaves.push(Leaf::new(path, node));
    }
    for entry in entries {
        let mark = push_entry(path, node, shape, &entry.key);
        match &entry.node.value {
            NodeValue::Map(_) => {
                collect(&entry.node, shape_of(shape, &entry.key), path, leaves);
            }
            _ => leaves.push(Leaf::new(path, &entry.node)),
        }
        path.truncate(mark);
    }
}

/// Adds an entry of a map to a path; what is current of a pair has the path of the pair.
fn push_entry(path: &mut ValuePath, map: &Node, shape: &Shape, key: &str) -> Mark {
    let mark = path.mark();
    if !is_current(shape, key) {
        path.push(key, is_secret_key(map, shape, key));
    }
    mark
}

/// The value at a path, and the path as people see it. A map's key may hold dots itself, so every way of
/// splitting the path is tried.
pub(crate) fn find<'n>(
    root: &'n Node,
    shape: &Shape,
    path: &str,
    found: &mut ValuePath,
) -> Option<&'n Node> {
    if let (Some(part), NodeValue::Map(_)) = (shape.rotating(), &root.value) {
        // What is current of a pair has the path of the pair.
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        if first != PREVIOUS {
            return find(root.get(CURRENT)?, part, path, found);
        }
        found.push(PREVIOUS, false);
        let previous = root.get(PREVIOUS)?;
        return match rest {
            "" => Some(previous),
            _ => find(previous, part, rest, found),
        };
    }
    let splits = path.match_indices('.').map(|(dot, _)| path.split_at(dot));
    std::iter::once((path, ""))
        .chain(splits)
        .find_map(|(key, rest)| {
            let is_it = |entry: &&Entry| {
                *entry.key == *key || !rest.is_empty() && name::same(&entry.key, key)
            };
            let entry = root.entries().iter().find(is_it)?;
            let mark = found.mark();
            found.push(key, is_secret_key(root, shape, &entry.key));
            let node = match rest.strip_prefix('.') {
                None => Some(current(&entry.node, shape_of(shape, &entry.key))),
                Some(rest) => find(&entry.node, shape_of(shape, &entry.key), rest, found),
            };
            if node.is_none() {
                found.truncate(mark);
            }
            node
        })
}

/// Whether a name is the key of a secret map. That of a field is no secret.
fn is_secret_key(map: &Node, shape: &Shape, key: &str) -> bool {
    map.secret
        && shape.rotating().is_none()
        && !matches!(shape.inner(), Shape::Struct(schema)
            if schema.fields.iter().any(|field| field.name == key))
}
