//! From an observation to a value of the program's type, or to what is wrong with it.

use std::collections::HashSet;

use super::{Observation, Pipeline};
use crate::decode::Decoder;
use crate::guard::guarded;
use crate::node::Node;
use crate::problem::Problem;
use crate::scrub::scrubbed;

impl Pipeline {
    /// Decodes what was observed, adding to its problems; `None` with problems, or where what would
    /// run `runs` already. What waits for a restart is looked at as well: a process that starts now
    /// has to run it.
    pub(crate) fn decode<T: crate::Value>(
        &self,
        observation: &mut Observation,
        runs: bool,
    ) -> Option<T> {
        let (value, problems, odd) = match &observation.tree.held_back {
            None => self.decode_root(&observation.tree.root, observation, T::decode),
            Some(held) => {
                let (restarted, later, odd) =
                    self.decode_root(&held.candidate, observation, T::decode);
                _ = guarded(|| drop(restarted));
                let (value, now, _) = match runs {
                    true => (None, Vec::new(), Vec::new()),
                    false => self.decode_root(&observation.tree.root, observation, T::decode),
                };
                (value, held.problems(now, later), odd)
            }
        };
        observation.warnings.extend(odd.iter().cloned());
        observation.odd = Some(odd);
        observation.problems.extend(problems);
        if observation.problems.is_empty() {
            return value;
        }
        // A `Drop` is the program's code as well.
        _ = guarded(|| drop(value));
        None
    }

    /// Decodes to no value, by what only tells problems: adds them.
    #[cfg(feature = "check")]
    pub(crate) fn check(
        &self,
        observation: &mut Observation,
        decode: impl FnOnce(&Node, &mut Decoder) -> Option<()>,
    ) {
        let (_, problems, odd) = self.decode_root(&observation.tree.root, observation, decode);
        observation.warnings.extend(odd);
        observation.problems.extend(problems);
    }

    /// With what is wrong, and what is odd.
    fn decode_root<T>(
        &self,
        root: &Node,
        observation: &Observation,
        decode: impl FnOnce(&Node, &mut Decoder) -> Option<T>,
    ) -> (Option<T>, Vec<Problem>, Vec<Problem>) {
        let mut decoder = Decoder::inheriting(self.options.inherited.clone());
        let decoded = guarded(|| decode(root, &mut decoder));
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
                .find(|(_, path)| *path == problem.path)
                .and_then(|(i, _)| self.sources.get(*i));
            if let Some(source) = source {
                problem.message += &format!("; {} gave it until now", source.name());
            }
            if let Some(value) = self.flat.at(&problem.path) {
                problem.help = Some(self.ways(value));
            }
        }
        match decoded {
            Ok(value) => (value, problems, odd),
            Err(panic) => {
                let panic = scrubbed(panic, root);
                let problem = Problem::new("", format!("a check panicked: {panic}"));
                problems.push(problem.with_help("mend the program's own check"));
                (None, problems, odd)
            }
        }
    }
}
