//! From an observation to a value of the program's type, or to what is wrong with it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use retune_mount::wall_clock;

use super::{Observation, Pipeline};
use crate::decode::Decoder;
use crate::guard::guarded;
use crate::node::Node;
use crate::problem::Problem;
use crate::scrub::scrubbed;
use crate::validity::{Validity, objections};

/// What runs where a candidate is decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running<'a> {
    pub(crate) root: &'a Node,
    /// The candidate is the same, but for what waits for a restart.
    pub(crate) same: bool,
}

/// What decoding a tree gave.
struct Decoded<T> {
    value: Option<T>,
    problems: Vec<Problem>,
    /// What is odd but not wrong.
    odd: Vec<Problem>,
    /// `None` as long as nothing was decoded.
    validities: Option<Vec<Validity>>,
    /// The same of the secrets that are wiped.
    wiped: Option<BTreeSet<String>>,
    /// When a value becomes valid that is not yet.
    ripe: Option<SystemTime>,
}

// === impl Pipeline ===

impl Pipeline {
    /// Decodes what was observed, adding to its problems; `None` with problems, or where what would
    /// run runs already. What waits for a restart is looked at as well: a process that starts now has
    /// to run it.
    pub(crate) fn decode<T: crate::Value>(
        &self,
        observation: &mut Observation,
        running: Option<Running<'_>>,
    ) -> Option<T> {
        let decode = |root| self.decode_root(root, observation, running, T::decode);
        let decoded = match &observation.tree.held_back {
            None => decode(&observation.tree.root),
            Some(held) => {
                let mut later = decode(&held.candidate);
                _ = guarded(|| drop(later.value.take()));
                let now = match running {
                    Some(running) if running.same => Decoded::nothing(),
                    _ => decode(&observation.tree.root),
                };
                Decoded {
                    problems: held.problems(now.problems, later.problems),
                    odd: later.odd,
                    ripe: now.ripe.into_iter().chain(later.ripe).min(),
                    ..now
                }
            }
        };
        observation.warnings.extend(decoded.odd.iter().cloned());
        observation.odd = Some(decoded.odd);
        observation.problems.extend(decoded.problems);
        observation.validities = decoded.validities;
        observation.tree.wiped = decoded.wiped.map(Arc::new);
        observation.look_again(decoded.ripe, wall_clock());
        if observation.problems.is_empty() {
            return decoded.value;
        }
        // A `Drop` is the program's code as well.
        _ = guarded(|| drop(decoded.value));
        None
    }

    /// Decodes what has run already, with less in it.
    pub(crate) fn decode_again<T: crate::Value>(&self, root: &Node) -> Result<T, Vec<Problem>> {
        let mut decoder = Decoder::inheriting(self.options.inherited.clone()).unchecked();
        let decoded = guarded(|| T::decode(root, &mut decoder));
        let (mut problems, _) = decoder.into_notes();
        match decoded {
            Ok(Some(value)) if problems.is_empty() => return Ok(value),
            Ok(value) => _ = guarded(|| drop(value)),
            Err(panic) => {
                let panic = scrubbed(panic, root);
                problems.push(Problem::new("", format!("decoding panicked: {panic}")));
            }
        }
        Err(problems)
    }

    /// Decodes to no value, by what only tells problems: adds them.
    #[cfg(feature = "check")]
    pub(crate) fn check(
        &self,
        observation: &mut Observation,
        decode: impl FnOnce(&Node, &mut Decoder) -> Option<()>,
    ) {
        let decoded = self.decode_root(&observation.tree.root, observation, None, decode);
        observation.warnings.extend(decoded.odd);
        observation.problems.extend(decoded.problems);
    }

    fn decode_root<T>(
        &self,
        root: &Node,
        observation: &Observation,
        running: Option<Running<'_>>,
        decode: impl FnOnce(&Node, &mut Decoder) -> Option<T>,
    ) -> Decoded<T> {
        let mut decoder = Decoder::inheriting(self.options.inherited.clone());
        let decoded = guarded(|| decode(root, &mut decoder));
        let (noted, wiped) = (decoder.take_told(), decoder.take_wiped());
        let (mut problems, mut odd) = decoder.into_notes();
        if self.options.strict {
            problems.extend(odd.drain(..).map(Problem::refused));
        }
        // What an unreadable source would have given is not missing.
        let told: HashSet<_> = observation.problems.iter().map(Problem::path).collect();
        problems.retain(|p| !p.missing || !observation.blind && !told.contains(p.path()));
        for problem in problems.iter_mut().filter(|problem| problem.missing) {
            let mut gone = observation.gone.iter();
            let source = gone
                .find(|(_, path)| *path.shown() == *problem.path)
                .and_then(|(i, _)| self.sources.get(*i));
            if let Some(source) = source {
                problem.message += &format!("; {} gave it until now", source.name());
            }
            if let Some(value) = self.flat.at(&problem.path) {
                problem.help = Some(self.ways(value));
            }
        }
        let runs = running.map(|running| running.root);
        let against = objections(&noted, runs, wall_clock());
        problems.extend(against.problems);
        let value = decoded.unwrap_or_else(|panic| {
            let panic = scrubbed(panic, root);
            let problem = Problem::new("", format!("a check panicked: {panic}"));
            problems.push(problem.with_help("mend the program's own check"));
            None
        });
        Decoded {
            value,
            problems,
            odd,
            validities: Some(noted.into_iter().map(|told| told.validity).collect()),
            wiped: Some(wiped),
            ripe: against.ripe,
        }
    }
}

// === impl Decoded ===

impl<T> Decoded<T> {
    fn nothing() -> Self {
        Self {
            value: None,
            problems: Vec::new(),
            odd: Vec::new(),
            validities: None,
            wiped: None,
            ripe: None,
        }
    }
}
