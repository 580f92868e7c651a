//! From the sources to a candidate: read, merge, decode.
//!
//! All sources are read through one set of pins; a volume that is swapped meanwhile starts the
//! reading over. What comes out is either equal to what is live, a candidate, or refused with all
//! of its problems.

mod advice;
mod decoding;
mod open;
mod reading;

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use retune_mount::{Limits, Pins, wall_clock};

pub(crate) use decoding::Running;
pub(crate) use reading::{MOST_SETTLING, Same};

use crate::decode::Variables;
use crate::explain::{Ages, Tree};
use crate::flat::Flat;
use crate::merge::{self, Leaf};
use crate::node::Node;
use crate::origin::Origin;
use crate::path::ValuePath;
use crate::problem::Problem;
use crate::schema::Schema;
use crate::source::{Code, Layer, Sealed, VariableNames, apart};
use crate::start_values::StartValues;
use crate::status::{RejectionReason, SourceStatus};
use crate::time;
use crate::validity::Validity;

/// The sources in their order, and what is remembered of them from one reading to the next.
pub(crate) struct Pipeline {
    pub(crate) schema: &'static Schema,
    pub(crate) flat: Flat,
    sources: Vec<Box<dyn Sealed + Send>>,
    /// What the program sets while it runs: above all named sources.
    pub(crate) code: Code,
    options: Options,
    start_values: StartValues,
    /// What the accepted reading's layers gave, to tell when something is gone.
    gave: Vec<BTreeSet<ValuePath>>,
    /// When the accepted reading's layers were published, to tell which of them are new.
    stamps: Vec<Option<SystemTime>>,
    /// What a source (by its place) gave once and no longer gives.
    gone: BTreeSet<(usize, ValuePath)>,
    /// What the accepted reading said of that.
    removals: Vec<Problem>,
    /// What decoding found odd in the accepted reading.
    odd: Vec<Problem>,
    /// What told in the accepted reading from when until when it is valid.
    validities: Vec<Validity>,
    /// What the sources gave last is what runs, and there is nothing more to say of it.
    settled: bool,
}

/// How sources are read.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    /// What is odd is refused.
    pub(crate) strict: bool,
    /// How often to look without being told: where events come, and where none do.
    pub(crate) poll: (Duration, Duration),
    /// Of the environment's first source.
    pub(crate) variables: Option<VariableNames>,
    /// What the process's environment gave, for types that are made of that as well.
    pub(crate) inherited: Arc<Variables>,
    /// What stands between the items of a text.
    pub(crate) separator: char,
    /// The directory that absolute paths are taken from, in place of `/`.
    pub(crate) root: Option<PathBuf>,
    /// A file with a secret that everybody may read is worth a warning.
    pub(crate) warn_world_readable: bool,
}

/// What one reading of all sources found.
pub(crate) struct Observation {
    pub(crate) tree: Tree,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) sources: Vec<SourceStatus>,
    /// A source could not be read.
    pub(crate) failed: bool,
    /// Volumes that belong together are not of one revision: it is not to be taken.
    pub(crate) apart: Option<Problem>,
    /// What a source would have given is not known; otherwise only the paths of its problems.
    blind: bool,
    /// When the youngest layer that was published anew was; `None` if none was, or none tells.
    pub(crate) published: Option<SystemTime>,
    stamps: Vec<Option<SystemTime>>,
    /// Something is being written: look again then.
    pub(crate) settling: Option<Instant>,
    /// A heartbeat is missed, a value expires or becomes valid then: look again.
    pub(crate) due: Option<Instant>,
    pins: Pins,
    gave: Vec<BTreeSet<ValuePath>>,
    gone: BTreeSet<(usize, ValuePath)>,
    /// What decoding found odd, which is among the warnings; `None` as long as it is not decoded.
    odd: Option<Vec<Problem>>,
    /// What told from when until when it is valid; `None` as long as it is not decoded.
    validities: Option<Vec<Validity>>,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            strict: false,
            poll: (Duration::from_secs(30), Duration::from_secs(2)),
            variables: None,
            inherited: Arc::default(),
            separator: ',',
            root: None,
            warn_world_readable: false,
        }
    }
}

// === impl Pipeline ===

impl Pipeline {
    pub(crate) fn new(
        schema: &'static Schema,
        mut sources: Vec<Box<dyn Sealed + Send>>,
        options: Options,
    ) -> Self {
        if let Some(root) = &options.root {
            sources.iter_mut().for_each(|source| source.rebase(root));
        }
        Self {
            schema,
            flat: Flat::new(schema),
            sources,
            code: Code::default(),
            options,
            start_values: StartValues::default(),
            gave: Vec::new(),
            stamps: Vec::new(),
            gone: BTreeSet::new(),
            removals: Vec::new(),
            odd: Vec::new(),
            validities: Vec::new(),
            settled: false,
        }
    }

    /// The same program's with one source alone, which is read once.
    pub(crate) fn with_only(&self, source: impl Sealed + Send + 'static) -> Self {
        let options = Options {
            root: None,
            ..self.options.clone()
        };
        Self::new(self.schema, vec![Box::new(source)], options)
    }

    fn combine(&mut self, mut layers: Vec<Layer>, pins: Pins) -> Observation {
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        let mut passed_over = Vec::new();
        let mut sources = Vec::new();
        let mut observation_failed = false;
        let mut blind = false;
        let mut settling: Option<Instant> = None;
        let mut due: Option<Instant> = None;
        let revisions = self.sources.iter().zip(&layers);
        let apart = apart(revisions.filter_map(|(source, layer)| {
            let revision = layer.revision.as_ref()?;
            Some((source.name(), revision))
        }));
        let stamps: Vec<_> = layers.iter().map(|layer| layer.published).collect();
        for (layer, source) in layers.iter_mut().zip(&self.sources) {
            observation_failed |= layer.failed;
            let whole = layer.notes.problems.iter().any(|p| p.path.is_empty());
            blind |= layer.failed && whole;
            settling = settling.into_iter().chain(layer.settling).min();
            due = due.into_iter().chain(layer.look_again()).min();
            sources.push(SourceStatus::new(source.name(), source.kind(), layer));
        }
        for layer in &mut layers {
            problems.append(&mut layer.notes.problems);
            warnings.append(&mut layer.notes.warnings);
            passed_over.append(&mut layer.notes.passed_over);
        }
        warnings.extend(passed_over.iter().filter_map(|value| self.withheld(value)));
        if self.options.strict {
            problems.extend(warnings.drain(..).map(Problem::refused));
        }
        warnings.extend(self.order_warnings());
        let given: Vec<Vec<Leaf<'_>>> = layers
            .iter()
            .map(|layer| {
                let nodes = std::iter::once(&layer.root).chain(layer.lower.iter().rev());
                nodes
                    .flat_map(|node| merge::leaves(node, self.schema))
                    .collect()
            })
            .collect();
        self.start_values.learn(&layers, &given);
        warnings.extend(self.start_values.hidden(&layers, &given));
        warnings.extend(open::warnings(&layers, &given));
        let gave: Vec<BTreeSet<ValuePath>> = given
            .into_iter()
            .map(|leaves| leaves.into_iter().map(|leaf| leaf.path).collect())
            .collect();
        let merged = merge::merge(self.start_values.in_order(layers, self.schema), self.schema);
        let gone = self.gone(&gave);
        for path in sources.iter().flat_map(|source| &source.paths) {
            if path.is_noteworthy() {
                warnings.push(Problem::new("", format!("{}: {}", path.path, path.detail)));
            }
        }
        Observation {
            tree: Tree::new(self.schema, merged, passed_over),
            problems,
            warnings,
            sources,
            failed: observation_failed,
            apart,
            blind,
            published: self.newest(&stamps),
            stamps,
            settling,
            due,
            pins,
            gave,
            gone,
            odd: None,
            validities: None,
        }
    }

    /// Takes an observation for the live one: what is gone from now on is measured against it.
    pub(crate) fn accept(&mut self, observation: &mut Observation) {
        // Not said before: until then the old values hold.
        let (told, removals) = self.removals(&observation.gone, &observation.tree);
        self.removals = removals;
        observation.warnings.extend(self.removals.iter().cloned());
        match observation.odd.take() {
            Some(odd) => self.odd = odd,
            // The same content is just as odd.
            None => observation.warnings.extend(self.odd.iter().cloned()),
        }
        if let Some(validities) = observation.validities.take() {
            self.validities = validities;
        }
        self.tell_expired(observation);
        // An entry of a map that is gone is just that. There may be new ones for ever, so that nothing
        // stays of those that no other source gives.
        self.gone = told;
        self.gave = std::mem::take(&mut observation.gave);
        self.stamps = std::mem::take(&mut observation.stamps);
        for source in &mut self.sources {
            source.accepted();
        }
    }

    /// Refuses an observation: what it would have removed still holds, and what was removed before
    /// is still gone.
    pub(crate) fn refuse(&self, observation: &mut Observation) {
        observation.warnings.extend(self.removals.iter().cloned());
        self.tell_expired(observation);
    }

    /// Goes on from what another one accepted: what runs expires when that does, and is as odd.
    pub(crate) fn run(&mut self, other: &Self) {
        self.validities.clone_from(&other.validities);
        self.odd.clone_from(&other.odd);
    }

    /// From when until when what runs is valid, of what tells that.
    pub(crate) fn validities(&self) -> &[Validity] {
        &self.validities
    }

    /// What of that has expired is said, and the next that will is waited for.
    fn tell_expired(&self, observation: &mut Observation) {
        let now = wall_clock();
        let (expired, valid): (Vec<_>, Vec<_>) =
            self.validities.iter().partition(|v| v.has_expired(now));
        let warnings = expired.into_iter().map(Validity::still_runs);
        observation.warnings.extend(warnings);
        let next = valid.into_iter().filter_map(|v| v.expires).min();
        observation.look_again(next, now);
    }

    /// A change has the publish time of what brought it: a value set by code has none, however long
    /// ago a volume beside it was written.
    fn newest(&self, stamps: &[Option<SystemTime>]) -> Option<SystemTime> {
        let accepted = self.stamps.iter().map(Some).chain(std::iter::repeat(None));
        let anew = stamps.iter().zip(accepted);
        anew.filter(|(stamp, accepted)| Some(*stamp) != *accepted)
            .filter_map(|(stamp, _)| *stamp)
            .max()
    }

    /// What each source gave once and no longer gives.
    fn gone(&self, gave: &[BTreeSet<ValuePath>]) -> BTreeSet<(usize, ValuePath)> {
        let mut gone = self.gone.clone();
        for (i, (before, now)) in self.gave.iter().zip(gave).enumerate() {
            gone.extend(before.difference(now).map(|path| (i, path.clone())));
        }
        gone.retain(|(i, path)| gave.get(*i).is_some_and(|now| !now.contains(path)));
        gone
    }

    /// What is to be said of what is gone, and what that is: of a field, and of what falls back to another
    /// source.
    fn removals(
        &self,
        gone: &BTreeSet<(usize, ValuePath)>,
        tree: &Tree,
    ) -> (BTreeSet<(usize, ValuePath)>, Vec<Problem>) {
        if gone.is_empty() {
            return Default::default();
        }
        let held = tree.held_back.as_ref();
        let leaves = merge::leaves(&tree.root, self.schema);
        let holds = leaves.iter().map(|leaf| (&leaf.path, leaf.node));
        let holds: HashMap<&ValuePath, &Node> = holds.collect();
        let removal = |(i, path): &(usize, ValuePath)| {
            // What the program sets and takes back itself is no surprise.
            let source = self.sources.get(*i)?.name();
            let now = match holds.get(path) {
                _ if held.is_some_and(|held| held.values.contains_key(path)) => {
                    "the running value holds until a restart".to_owned()
                }
                // What was before is kept by the field's rule.
                Some(node) if matches!(node.origin, Origin::Replaced(_)) => return None,
                Some(node) => format!("{} holds", node.origin.told(node.secret)),
                None if self.schema.has(path.own()) => "the default holds".to_owned(),
                None if self.options.inherited.contains_key(OsStr::new(path.own())) => {
                    "the process's environment holds".to_owned()
                }
                None => return None,
            };
            let message = format!("no longer given by {source}; now {now}");
            Some(((*i, path.clone()), Problem::new(path.shown(), message)))
        };
        gone.iter().filter_map(removal).unzip()
    }
}

// === impl Observation ===

impl Observation {
    /// Why it is refused before anybody is asked about it; `apart` if its volumes do not belong together. What
    /// is wrong anyway goes before that.
    pub(crate) fn reason(&self, apart: bool) -> RejectionReason {
        match (self.failed, apart && self.problems.is_empty()) {
            (true, _) => RejectionReason::Source,
            (false, true) => RejectionReason::Revision,
            (false, false) => RejectionReason::Invalid,
        }
    }

    /// Whether what was read is still what is there.
    pub(crate) fn still_current(&self) -> bool {
        self.pins.still_current()
    }

    /// Of the first generation, whose values are as old as the highest layer that gives them.
    pub(crate) fn ages(&self) -> Ages {
        let layers = self.gave.iter().zip(&self.stamps).rev();
        Ages::first(&self.tree, |path| {
            let highest = layers.clone().find(|(gave, _)| gave.contains(path));
            highest.and_then(|(_, stamp)| *stamp)
        })
    }

    fn look_again(&mut self, at: Option<SystemTime>, now: SystemTime) {
        let timer = at.and_then(|at| time::timer(at, now));
        self.due = self.due.into_iter().chain(timer).min();
    }
}
