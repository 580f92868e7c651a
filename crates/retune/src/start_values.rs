//! The environment beside a mount: variables that hold what the mount said when the process started.
//!
//! With `envFrom` of the ConfigMap that is mounted as well, each of its keys is there twice, and the
//! variable would hide every later edit. A variable that equals its mounted twin at the first reading
//! is that key's start value, and gives way to the mount. Any other that hides a mounted value was set
//! on purpose, and is worth a warning.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::merge::{self, Leaf};
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::schema::{Schema, Shape};
use crate::source::Layer;
use crate::text;

/// Variables that gave a mounted key's start value; `None` before the first good reading.
#[derive(Debug, Default)]
pub(crate) struct StartValues(Option<BTreeSet<Arc<str>>>);

// === impl StartValues ===

impl StartValues {
    /// Learns, at the first reading of all sources, which variables are start values. `given` is
    /// what each layer gives.
    pub(crate) fn learn(&mut self, layers: &[Layer], given: &[Vec<Leaf<'_>>]) {
        if self.0.is_some() || layers.iter().any(|layer| layer.failed) {
            return;
        }
        let twins = masks(layers, given).filter(|(variable, mounted)| same_text(variable, mounted));
        let start = twins.filter_map(|(variable, _)| match &variable.node.origin {
            Origin::Env(name) => Some(name.clone()),
            _ => None,
        });
        self.0 = Some(start.collect());
    }

    /// Warns of the other variables that hide what a mount gives: its edits will not apply.
    pub(crate) fn hidden(&self, layers: &[Layer], given: &[Vec<Leaf<'_>>]) -> Vec<Problem> {
        masks(layers, given)
            .filter(|(variable, _)| !self.contains(&variable.node.origin))
            .map(|(variable, mounted)| {
                let message = format!(
                    "the variable hides the mounted value at {}: edits there will not apply",
                    mounted.node.origin.told(mounted.node.secret)
                );
                Problem::new(variable.path.shown(), message)
                    .at(variable.node.origin.clone())
                    .with_help("unset the variable, or remove the key from the mount")
            })
            .collect()
    }

    /// Layers from the lowest to the highest, with start values moved below the mounts.
    pub(crate) fn in_order(&self, layers: Vec<Layer>, schema: &'static Schema) -> Vec<Node> {
        let first_mount = layers.iter().position(|layer| layer.mounted);
        let mut starts = Vec::new();
        let mut parts = Vec::with_capacity(layers.len());
        for layer in layers {
            let (below, here) = self.split(layer.root, &Shape::Struct(schema));
            starts.extend(below);
            parts.push(layer.lower.into_iter().chain([here]));
        }
        let mut nodes = vec![Node::map(Vec::new(), Origin::Default)];
        for (i, part) in parts.into_iter().enumerate() {
            if Some(i) == first_mount {
                nodes.append(&mut starts);
            }
            nodes.extend(part);
        }
        nodes
    }

    /// Takes the start values out of a layer, each as it would be merged: one value is one whole.
    fn split(&self, node: Node, shape: &Shape) -> (Option<Node>, Node) {
        if self.0.as_ref().is_none_or(BTreeSet::is_empty) {
            return (None, node);
        }
        let NodeValue::Map(entries) = node.value else {
            return (None, node);
        };
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for entry in entries {
            let inner = merge::shape_of(shape, &entry.key);
            if matches!(entry.node.value, NodeValue::Map(_)) && merge::merges(inner) {
                let (down, up) = self.split(entry.node, inner);
                let Entry {
                    key,
                    key_origin,
                    hidden,
                    ..
                } = entry;
                let with = |node| Entry {
                    key: key.clone(),
                    key_origin: key_origin.clone(),
                    hidden,
                    node,
                };
                lower.extend(down.map(with));
                upper.push(with(up));
            } else if self.contains(&entry.node.origin) {
                lower.push(entry);
            } else {
                upper.push(entry);
            }
        }
        let part = |entries| Node {
            value: NodeValue::Map(entries),
            origin: node.origin.clone(),
            secret: node.secret,
        };
        let (below, upper) = (part(lower), part(upper));
        ((!below.entries().is_empty()).then_some(below), upper)
    }

    fn contains(&self, origin: &Origin) -> bool {
        let Origin::Env(variable) = origin else {
            return false;
        };
        self.0
            .as_ref()
            .is_some_and(|start| start.contains(variable))
    }
}

/// Pairs of a variable and the value of a lower mount that it hides.
fn masks<'g>(
    layers: &'g [Layer],
    given: &'g [Vec<Leaf<'g>>],
) -> impl Iterator<Item = (&'g Leaf<'g>, &'g Leaf<'g>)> {
    let variables = given.iter().enumerate().flat_map(|(i, leaves)| {
        leaves
            .iter()
            .filter(|leaf| matches!(leaf.node.origin, Origin::Env(_)))
            .map(move |l| (i, l))
    });
    let any = variables.clone().next().is_some();
    let mut mounted: HashMap<&str, Vec<(usize, &Leaf<'_>)>> = HashMap::new();
    for (i, (layer, leaves)) in layers.iter().zip(given).enumerate() {
        for leaf in leaves.iter().filter(|_| any && layer.mounted) {
            let twins = mounted.entry(leaf.path.own()).or_default();
            // Of one layer the first counts: its highest.
            if twins.last().is_none_or(|(last, _)| *last != i) {
                twins.push((i, leaf));
            }
        }
    }
    variables.filter_map(move |(i, variable)| {
        let twins = mounted.get(variable.path.own())?;
        let (_, twin) = twins.iter().rev().find(|(at, _)| *at < i)?;
        Some((variable, *twin))
    })
}

/// The kubelet gives a variable the file's very text, and no field but bytes sees that of a file.
fn same_text(a: &Leaf<'_>, b: &Leaf<'_>) -> bool {
    fn text(node: &Node) -> Option<Cow<'_, str>> {
        match &node.value {
            NodeValue::Text { text, .. } => Some(text::normalized(text)),
            NodeValue::File(bytes) => Some(text::normalized(bytes.as_str()?)),
            _ => None,
        }
    }
    match (text(a.node), text(b.node)) {
        (Some(a), Some(b)) => a.trim_end_matches('\n') == b.trim_end_matches('\n'),
        _ => a.node.same_content(b.node),
    }
}
