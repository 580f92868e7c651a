//! Layers into one tree: the highest wins, and what it overrode is remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::change::Changed;
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
