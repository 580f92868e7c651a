//! Where each value of a generation came from, and what it overrode.

mod ages;
mod given;
mod kept;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

pub(crate) use self::ages::Ages;
use self::ages::Since;
pub use self::given::{Explanation, Given};
use crate::bind;
use crate::change::{Changed, ValueChange};
use crate::error::Error;
use crate::fingerprint::fingerprint;
use crate::flat::{Flat, FlatValue};
use crate::ignored::{Ignored, PassedOver};
use crate::merge::{self, Leaf, Merged};
use crate::name;
use crate::node::Node;
use crate::origin::Origin;
use crate::overlap::Kept;
use crate::path::ValuePath;
use crate::restart::{HeldBack, hold_back};
use crate::schema::{Schema, Shape};
use crate::status::{self, SecretStatus};

/// What a generation was made of.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    schema: Option<&'static Schema>,
    pub(crate) root: Node,
    overridden: Vec<(String, Node)>,
    passed_over: Vec<PassedOver>,
    /// What waits for a restart, and is no part of the rest.
    pub(crate) held_back: Option<HeldBack>,
    /// The paths of secrets that are wiped without a rest; `None` where nothing was decoded.
    pub(crate) wiped: Option<Arc<BTreeSet<String>>>,
    /// What the sources gave, where what ran before is kept beside it.
    without_kept: Option<Node>,
    /// What is kept so, or given so by a source.
    kept: Vec<Kept>,
    /// Computed when it is asked for first.
    hash: OnceLock<String>,
}

// === impl Tree ===

impl Tree {
    /// For values that the program gives whole.
    pub(crate) fn none() -> Self {
        Self {
            schema: None,
            root: Node::map(Vec::new(), Origin::Default),
            overridden: Vec::new(),
            passed_over: Vec::new(),
            held_back: None,
            wiped: None,
            without_kept: None,
            kept: Vec::new(),
            hash: OnceLock::new(),
        }
    }

    pub(crate) fn new(
        schema: &'static Schema,
        merged: Merged,
        passed_over: Vec<PassedOver>,
    ) -> Self {
        Self {
            schema: Some(schema),
            root: merged.root,
            overridden: merged.overridden,
            passed_over,
            held_back: None,
            wiped: None,
            without_kept: None,
            kept: Vec::new(),
            hash: OnceLock::new(),
        }
    }

    /// Takes what runs for the fields that only a restart changes; what they were to be waits.
    pub(crate) fn hold_back(&mut self, running: &Self, flat: &Flat) {
        let schema = self.schema;
        let (root, runs) = (&mut self.root, running.without_kept());
        self.held_back = schema.and_then(|schema| hold_back(root, runs, schema, flat));
        let Some(held) = &self.held_back else { return };
        // What these override is what they overrode when they were taken.
        self.overridden.retain(|(path, _)| !held.holds(path));
        let overridden = running.overridden.iter();
        let kept = overridden.filter(|(path, _)| held.holds(path)).cloned();
        self.overridden.extend(kept);
    }

    /// Whether nothing waits for a restart that did not wait before.
    pub(crate) fn waits_as_before(&self, before: &Self) -> bool {
        match (&self.held_back, &before.held_back) {
            (None, _) => true,
            (Some(now), Some(before)) => now.candidate.same_content(&before.candidate),
            (Some(_), None) => false,
        }
    }

    /// What a process that starts now would run: what the sources gave.
    pub(crate) fn for_a_start(&self) -> Option<(&Node, &'static Schema)> {
        let held = self.held_back.as_ref().map(|held| &held.candidate);
        Some((held.unwrap_or(self.without_kept()), self.schema?))
    }

    /// What waits for a restart, for the status.
    pub(crate) fn pending(&self) -> Vec<ValueChange> {
        let held = self.held_back.as_ref();
        let changes = held.into_iter().flat_map(|held| &held.changes);
        changes.map(|changed| changed.change.clone()).collect()
    }

    /// Takes over what was not decoded anew: it is what it was.
    pub(crate) fn follows(mut self, before: &Self) -> Self {
        self.wiped = self.wiped.or_else(|| before.wiped.clone());
        self
    }

    pub(crate) fn changed(&self, newer: &Self) -> Vec<Changed> {
        self.schema.map_or_else(Vec::new, |schema| {
            merge::changed(&self.root, &newer.root, schema)
        })
    }

    /// Every value that a source gives, as the first generation brings it.
    pub(crate) fn changed_from_nothing(&self) -> Vec<ValueChange> {
        let nothing = Node::map(Vec::new(), Origin::Default);
        let changed = |schema| merge::changed(&nothing, &self.root, schema);
        let changed = self.schema.map_or_else(Vec::new, changed).into_iter();
        changed.map(|changed| changed.change).collect()
    }

    /// Every value that a source gives, with its path.
    pub(crate) fn given(&self) -> Vec<Leaf<'_>> {
        self.schema
            .map_or_else(Vec::new, |schema| merge::leaves(&self.root, schema))
    }

    /// Every secret that a source gives.
    pub(crate) fn secrets(&self, ages: &Ages) -> Vec<SecretStatus> {
        let mut given = self.given();
        given.retain(|leaf| leaf.node.is_marked());
        given.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let secret = |Leaf { path, node }: Leaf<'_>| {
            let Since { generation, at } = ages.of(&path);
            let wiped = self.wiped.as_ref();
            // Of hidden keys, one path may stand for several.
            let wiped = wiped.filter(|_| path.shown() == path.own());
            SecretStatus {
                wiped: wiped.is_some_and(|wiped| status::is_wiped(node, path.shown(), wiped)),
                path: path.shown().to_owned(),
                generation,
                changed: at,
                fingerprint: fingerprint(node),
            }
        };
        given.into_iter().map(secret).collect()
    }

    /// Whether some field, or a map, takes a value of this name.
    pub(crate) fn check_name(&self, name: &str, nothing: &str) -> Result<(), Error> {
        let Some(flat) = self.schema.map(Flat::new) else {
            return Err(Error::message("this configuration has no sources to read"));
        };
        if flat.takes(name) {
            return Ok(());
        }
        let mut problem = bind::unknown(name.to_owned(), flat.nearest(name).as_deref());
        problem.message = "unknown: no field has this name".to_owned();
        Err(Error::new(nothing, vec![problem]))
    }

    /// The outside name nearest to one that no field answers to.
    pub(crate) fn nearest(&self, path: &str) -> Option<String> {
        let nearest = Flat::new(self.schema?).nearest(path)?;
        Some(name::kebab(&nearest))
    }

    /// The same 16 hexadecimal digits wherever the same values run; secrets, and passwords in URLs, do
    /// not count.
    pub(crate) fn hash(&self) -> &str {
        self.hash.get_or_init(|| self.compute_hash())
    }

    fn compute_hash(&self) -> String {
        let mut leaves = self.given();
        leaves.sort_by(|a, b| a.path.cmp(&b.path));
        let mut hash = name::HASH_START;
        for Leaf { path, node } in leaves.iter().filter(|leaf| !leaf.node.secret) {
            for part in [path.shown(), node.kind(), &node.shown()] {
                hash = name::hash_bytes(hash, part.as_bytes());
                hash = name::hash_bytes(hash, &[0xff]);
            }
        }
        format!("{hash:016x}")
    }

    /// Explains every value: all fields, and what else the sources give.
    pub(crate) fn explain_all(&self, ages: &Ages) -> Vec<Explanation> {
        let Some(schema) = self.schema else {
            return Vec::new();
        };
        let flat = Flat::new(schema);
        let by_key = |shape: &Shape| {
            let shape = shape.inner();
            matches!(shape, Shape::Struct(_) | Shape::Map(_) | Shape::Tree(_))
        };
        let fields = flat.values();
        let fields = fields.filter(|value| !by_key(value.shape) && !value.is_previous);
        let fields = fields.map(|value| ValuePath::of_fields(value.dotted()));
        let mut paths: Vec<_> = fields.collect();
        let mut known: HashSet<_> = paths.iter().cloned().collect();
        let given = self.given();
        let more = given.iter().map(|leaf| &leaf.path);
        let waiting = self.held_back.iter().flat_map(|held| &held.changes);
        let more = more.chain(waiting.map(|change| &change.path));
        paths.extend(more.filter(|path| known.insert((*path).clone())).cloned());
        let nodes: HashMap<_, _> = given.iter().map(|leaf| (&leaf.path, leaf.node)).collect();
        let mut losers: HashMap<&str, Vec<&Node>> = HashMap::new();
        for (path, node) in self.overridden.iter().rev() {
            losers.entry(path).or_default().push(node);
        }
        let explain = |path: &ValuePath| {
            let losers = losers.get(path.own()).into_iter().flatten().copied();
            let node = nodes.get(path).copied();
            self.explanation(flat.find(path.own()), node, losers, path, ages)
        };
        paths.iter().map(explain).collect()
    }

    /// Explains one value, by any writing of its path.
    pub(crate) fn explain(&self, path: &str, ages: &Ages) -> Option<Explanation> {
        let schema = self.schema?;
        let flat = Flat::new(schema);
        // By its path in code as well, as everything that is told of it calls it that.
        let known = flat.find(path).or_else(|| flat.at(path));
        let dotted = known.map_or_else(|| path.to_owned(), |value| value.dotted());
        let mut path = ValuePath::default();
        let node = merge::find(&self.root, &Shape::Struct(schema), &dotted, &mut path);
        let overridden = self.overridden.iter().rev();
        let losers: Vec<_> = overridden
            .filter(|(path, _)| *path == dotted)
            .map(|(_, node)| node)
            .collect();
        if node.is_none() {
            // Whoever asks by a name knows it.
            path = ValuePath::of_fields(dotted);
        }
        let held = self.held_back.as_ref();
        let waits = held.is_some_and(|held| held.values.contains_key(&path));
        if known.is_none() && node.is_none() && losers.is_empty() && !waits {
            return None;
        }
        Some(self.explanation(known, node, losers, &path, ages))
    }

    /// Explains a value by what holds of it and what that overrode, the highest first.
    fn explanation<'n>(
        &self,
        known: Option<&FlatValue>,
        node: Option<&Node>,
        overridden: impl IntoIterator<Item = &'n Node>,
        path: &ValuePath,
        ages: &Ages,
    ) -> Explanation {
        let default = known
            .and_then(FlatValue::shown_default)
            .map(|(text, secret)| Given {
                value: text.into_owned(),
                origin: Origin::Default,
                secret,
                ignored: None,
            });
        let held = self.held_back.as_ref();
        let waits = held.and_then(|held| held.values.get(path)).map(|node| {
            let given = match (node, &default) {
                (Some(node), _) => Given::of(node),
                (None, Some(default)) => default.clone(),
                (None, None) => Given::of(&Node::null()),
            };
            Given {
                ignored: Some(Ignored::UntilRestart),
                ..given
            }
        });
        let mut losers: Vec<_> = waits.into_iter().collect();
        losers.extend(overridden.into_iter().map(Given::of));
        // Without a value, `null` cleared what the sources gave, and the default holds.
        let winner = match node {
            Some(node) => {
                let is_default = matches!(node.origin, Origin::Default);
                losers.extend(default.filter(|_| !is_default));
                Some(Given::of(node))
            }
            None => default,
        };
        losers.extend(
            self.passed_over
                .iter()
                .filter(|value| value.path == path.own())
                .map(|value| Given {
                    value: String::new(),
                    origin: value.origin.clone(),
                    secret: value.secret,
                    ignored: Some(value.why),
                }),
        );
        let since_generation = ages.of(path).generation;
        Explanation {
            path: path.shown().to_owned(),
            winner,
            losers,
            since_generation,
        }
    }
}
