//! From when until when values are valid: what has expired, or is not valid yet, is not taken.
//!
//! What runs already is another matter. To refuse it for having expired meanwhile would only stop
//! every other change, so that is a warning.

use std::time::SystemTime;

use crate::node::{Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::secret::REDACTED;
use crate::time::{self, LEEWAY};

/// From when until when a value is valid.
#[derive(Clone, Debug)]
pub(crate) struct Validity {
    pub(crate) path: String,
    pub(crate) origin: Origin,
    pub(crate) secret: bool,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) expires: Option<SystemTime>,
}

/// The same of a candidate, with the value itself.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) validity: Validity,
    pub(crate) value: Node,
}

/// What is against the candidate.
#[derive(Debug, Default)]
pub(crate) struct Objections {
    pub(crate) problems: Vec<Problem>,
    /// When the first value becomes valid that is not yet: look again then.
    pub(crate) ripe: Option<SystemTime>,
}

/// What is against a candidate whose types told this, where something `runs` already.
pub(crate) fn objections(told: &[Told], runs: Option<&Node>, now: SystemTime) -> Objections {
    let mut objections = Objections::default();
    for Told { validity, value } in told {
        if runs.is_some_and(|root| holds(root, &validity.path, value)) {
            continue;
        }
        if validity.has_expired(now) {
            objections.problems.push(validity.expired());
        } else if let Some((from, begins)) = validity.is_early(now) {
            objections.problems.push(validity.early(begins));
            objections.ripe = objections.ripe.into_iter().chain([from]).min();
        }
    }
    objections
}

/// Whether a value is there already, somewhere at its path: an item of a list may have moved, and
/// hidden keys are all one.
fn holds(root: &Node, path: &str, value: &Node) -> bool {
    if path.is_empty() {
        return is_in(value, root);
    }
    match &root.value {
        NodeValue::Map(entries) => entries.iter().any(|entry| {
            let rests = [&*entry.key, REDACTED].map(|key| below(path, key));
            let mut rests = rests.into_iter().flatten();
            rests.any(|rest| holds(&entry.node, rest, value))
        }),
        NodeValue::List(items) => {
            let index = path.find(']').filter(|_| path.starts_with('['));
            let rest = index.and_then(|end| below(path, &path[..=end]));
            rest.is_some_and(|rest| items.iter().any(|item| holds(item, rest, value)))
        }
        NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => false,
    }
}

/// A type may tell the validity of a part of what it is made of.
fn is_in(value: &Node, node: &Node) -> bool {
    node.same_content(value)
        || match &node.value {
            NodeValue::Map(entries) => entries.iter().any(|entry| is_in(value, &entry.node)),
            NodeValue::List(items) => items.iter().any(|item| is_in(value, item)),
            NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => false,
        }
}

/// What of a path is left behind its first segment.
fn below<'p>(path: &'p str, segment: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(segment)?;
    match rest.strip_prefix('.') {
        Some(rest) => Some(rest),
        None if rest.is_empty() || rest.starts_with('[') => Some(rest),
        None => None,
    }
}

// === impl Validity ===

impl Validity {
    pub(crate) fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// From when it is taken, and its own beginning, where both are still to come.
    fn is_early(&self, now: SystemTime) -> Option<(SystemTime, SystemTime)> {
        let begins = self.not_before?;
        let from = begins.checked_sub(LEEWAY)?;
        (from > now).then_some((from, begins))
    }

    /// The moment is told, and not how long ago it was, so that the same is said as long as it is the
    /// same.
    fn expired(&self) -> Problem {
        let message = format!("expired at {}", self.end());
        let help = "give one that is valid; if this one should be, this machine's clock is ahead";
        self.problem(message).with_help(help)
    }

    fn early(&self, begins: SystemTime) -> Problem {
        let message = format!("not valid before {}", time::told(begins));
        let help = "it is taken by itself from then on; if it should be valid already, this machine's \
                    clock is behind";
        self.problem(message).with_help(help)
    }

    /// What to say of it when it has expired and runs.
    pub(crate) fn still_runs(&self) -> Problem {
        let message = format!("expired at {}, and runs on", self.end());
        self.problem(message).with_help("give one that is valid")
    }

    fn end(&self) -> String {
        self.expires.map_or_else(String::new, time::told)
    }

    fn problem(&self, message: String) -> Problem {
        let mut problem = Problem::new(&self.path, message);
        if !matches!(self.origin, Origin::Default) {
            problem = problem.at(self.origin.clone());
        }
        problem.secret = self.secret;
        problem
    }
}
