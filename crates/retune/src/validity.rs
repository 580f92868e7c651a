//! From when until when values are valid: what has expired, or is not valid yet, is not taken.
//!
//! What runs already is another matter. To refuse it for having expired meanwhile would only stop
//! every other change, so that is a warning.

use std::time::SystemTime;

use crate::node::{Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::rotating::CURRENT;
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
        let expired = validity.has_expired(now);
        let early = validity.is_early(now).filter(|_| !expired);
        if !expired && early.is_none() {
            continue;
        }
        // All of what runs is looked through for it, so that only these are.
        if runs.is_some_and(|root| validity.is_of_what_runs(root, value)) {
            continue;
        }
        if let Some((from, begins)) = early {
            objections.problems.push(validity.early(begins));
            objections.ripe = objections.ripe.into_iter().chain([from]).min();
        } else {
            objections.problems.push(validity.expired());
        }
    }
    objections
}

/// What is at a path. An item of a list may have moved, and hidden keys are all one, so that it may be
/// several.
fn at<'n>(node: &'n Node, path: &str) -> Vec<&'n Node> {
    if path.is_empty() {
        return vec![node];
    }
    match &node.value {
        NodeValue::Map(entries) => {
            let below = entries.iter().flat_map(|entry| {
                let rests = [&*entry.key, REDACTED].map(|key| below(path, key));
                // What is current of a pair has the path of the pair.
                let current = (*entry.key == *CURRENT).then_some(path);
                let rests = rests.into_iter().flatten().chain(current);
                rests.flat_map(|rest| at(&entry.node, rest))
            });
            below.collect()
        }
        NodeValue::List(items) => {
            let index = path.find(']').filter(|_| path.starts_with('['));
            match index.and_then(|end| below(path, &path[..=end])) {
                Some(rest) => items.iter().flat_map(|item| at(item, rest)).collect(),
                None => Vec::new(),
            }
        }
        NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => Vec::new(),
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
    fn is_of_what_runs(&self, root: &Node, value: &Node) -> bool {
        let there = at(root, &self.path);
        match self.origin {
            // No source gives it.
            Origin::Default if there.is_empty() => true,
            _ => there.into_iter().any(|node| is_in(value, node)),
        }
    }

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

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::node::Entry;
    use crate::values::testing::{env, list, map};

    const SECOND: Duration = Duration::from_secs(1);

    fn told(path: &str, value: &Node, times: (u64, u64)) -> Told {
        let time = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        let validity = Validity {
            path: path.to_owned(),
            origin: value.origin.clone(),
            secret: value.secret,
            not_before: time(times.0),
            expires: time(times.1),
        };
        let value = value.clone();
        Told { validity, value }
    }

    #[test]
    fn a_value_is_valid_from_the_leeway_before_its_beginning_to_its_end() {
        let token = env("token");
        let against = |seconds| {
            let now = UNIX_EPOCH + Duration::from_secs(seconds);
            let told = [told("a", &token, (1000, 2000))];
            let objections = objections(&told, None, now);
            let lines = objections.problems.iter().map(Problem::to_string);
            (lines.collect::<String>(), objections.ripe)
        };
        let (early, ripe) = against(969);
        assert!(early.starts_with("APP_X: `a`: not valid before 1970-01-01T00:16:40Z"));
        assert_eq!(ripe, Some(UNIX_EPOCH + 970 * SECOND));
        for valid in [970, 1000, 1999] {
            assert_eq!(against(valid), (String::new(), None));
        }
        let (expired, ripe) = against(2000);
        assert!(expired.starts_with("APP_X: `a`: expired at 1970-01-01T00:33:20Z"));
        assert_eq!(ripe, None);
    }

    #[test]
    fn what_runs_at_its_path_is_not_refused_for_having_expired() {
        let (old, new) = (env("old"), env("new"));
        let default = Node::text("old", Origin::Default);
        let pair = map([("cert", old.clone()), ("key", new.clone())]);
        let root = map([
            ("token", old.clone()),
            ("a.b", map([("c", old.clone())])),
            (
                "list",
                list([new.clone(), pair.clone(), list([old.clone()])]),
            ),
            ("other", new.clone()),
        ]);
        let refused = |path: &str, value: &Node| {
            let told = [told(path, value, (0, 1))];
            !objections(&told, Some(&root), UNIX_EPOCH + SECOND)
                .problems
                .is_empty()
        };
        for path in [
            "token",
            "[redacted]",
            "a.b.c",
            "list[7]",
            "list[9].cert",
            "list[0][3]",
        ] {
            assert!(!refused(path, &old), "{path}");
        }
        for path in [
            "other",
            "tok",
            "token.a",
            "token[0]",
            "a.c",
            "list[1].other",
            "list[",
            "no",
        ] {
            assert!(refused(path, &old), "{path}");
        }
        assert!(!refused("list[0]", &pair));
        assert!(!refused("gone", &default) && refused("other", &default));
    }

    // To look all of it through for each value that is valid would take minutes.
    #[test]
    fn what_is_valid_is_not_looked_for_in_what_runs() {
        let names: Vec<_> = (0..30_000).map(|n| format!("a.{n}")).collect();
        let values = names.iter().map(|name| Entry {
            key: name[2..].into(),
            key_origin: Origin::Default,
            hidden: false,
            node: env(name),
        });
        let root = map([("a", Node::map(values.collect(), Origin::Default))]);
        let value = env("token");
        let all: Vec<_> = names.iter().map(|a| told(a, &value, (0, 10))).collect();
        let objections = objections(&all, Some(&root), UNIX_EPOCH + SECOND);
        assert!(objections.problems.is_empty());
    }

    #[test]
    fn no_time_is_too_far_away_to_be_told() {
        let token = env("token");
        let now = UNIX_EPOCH + SECOND;
        let early = objections(&[told("a", &token, (1 << 62, 0))], None, now);
        assert!(early.problems[0].message().contains("expired at 1970"));
        let early = objections(&[told("a", &token, (1 << 62, 1 << 62))], None, now);
        assert!(early.problems[0].message().contains("not valid before"));
        // It may be further away than any timer reaches.
        _ = time::timer(early.ripe.unwrap(), now);
    }
}
