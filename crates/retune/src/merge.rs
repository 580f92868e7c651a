//! Layers into one tree: the highest wins, and what it overrode is remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::change::Changed;
use crate::name;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::path::{ValuePath, push_segment};
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
pub(crate) struct Leaf {
    pub(crate) path: ValuePath,
    pub(crate) node: Node,
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
            let mut entries = below;
            let places = entries.iter().enumerate();
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
    if !shape.keeps_keys() || !above.iter().any(is_variable) {
        return None;
    }
    let mut written = HashMap::new();
    for entry in below {
        let first = written.entry(name::normal(&entry.key));
        first.or_insert_with(|| entry.key.clone());
    }
    Some(written)
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
pub(crate) fn leaves(root: &Node, schema: &'static Schema) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    collect(
        root,
        &Shape::Struct(schema),
        &mut ValuePath::default(),
        &mut leaves,
    );
    leaves
}

fn collect(node: &Node, shape: &Shape, path: &mut ValuePath, leaves: &mut Vec<Leaf>) {
    let entries = match &node.value {
        NodeValue::Map(entries) if merges(shape) => entries,
        _ => {
            leaves.push(Leaf {
                path: path.clone(),
                node: node.clone(),
            });
            return;
        }
    };
    for entry in entries {
        let mark = path.mark();
        if !is_current(shape, &entry.key) {
            path.push(&entry.key, is_secret_key(node, shape, &entry.key));
        }
        collect(&entry.node, shape_of(shape, &entry.key), path, leaves);
        path.truncate(mark);
    }
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

/// The values that differ between two merged trees, in the order of their paths.
pub(crate) fn changed(old: &Node, new: &Node, schema: &'static Schema) -> Vec<Changed> {
    let by_path = |root| {
        leaves(root, schema)
            .into_iter()
            .map(|leaf| (leaf.path, leaf.node))
            .collect::<BTreeMap<ValuePath, Node>>()
    };
    let (old, mut new) = (by_path(old), by_path(new));
    let mut changes = Vec::new();
    for (path, before) in old {
        let after = new.remove(&path);
        if !after
            .as_ref()
            .is_some_and(|after| before.same_content(after))
        {
            changes.push(Changed::new(path, Some(&before), after.as_ref()));
        }
    }
    changes.extend(
        new.into_iter()
            .map(|(path, after)| Changed::new(path, None, Some(&after))),
    );
    changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    changes
}
