//! What ran before a `Rotating` changed, kept beside what runs now.
//!
//! The sources know nothing of it. What is kept is put into the tree of what runs, as what only a restart
//! changes is, so that everything behind the merge (decode, history, hash, who is told) is about what
//! runs. What the sources gave stays beside that tree: when the overlap is over, that is what runs.

mod refuse;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

pub(crate) use self::refuse::any_rotating;
pub use self::refuse::refuse_lost_overlaps;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::path::push_segment;
use crate::restart::{default, put, same_value};
use crate::rotating::{CURRENT, PREVIOUS};
use crate::schema::{Default, Field, Overlap, Schema, Shape};

/// One value that is kept beside the one that replaced it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Of the field.
    pub(crate) path: String,
    rule: Rule,
    /// The swap that replaced it; `None` before that.
    since: Option<(Instant, SystemTime)>,
}

/// Until when it is kept.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Field(Overlap),
    /// As long as the source gives it.
    Source,
}

/// Puts what ran before into what is to run now; what that keeps. Without anything that runs it only
/// looks what the sources give.
pub(crate) fn keep(
    root: &mut Node,
    running: Option<&Node>,
    before: &[Kept],
    schema: &Schema,
) -> Vec<Kept> {
    let mut keeper = Keeper {
        before,
        kept: Vec::new(),
        path: String::new(),
    };
    keeper.fields(root, running, schema);
    keeper.kept
}

struct Keeper<'a> {
    before: &'a [Kept],
    kept: Vec<Kept>,
    path: String,
}

// === impl Kept ===

impl Kept {
    /// Whether it is kept by the field's rule, and not by a source.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.rule, Rule::Field(_))
    }

    /// The overlap begins with the swap.
    pub(crate) fn begin(&mut self, now: (Instant, SystemTime)) {
        self.since.get_or_insert(now);
    }

    pub(crate) fn since(&self) -> Option<SystemTime> {
        self.since.map(|(_, since)| since)
    }

    /// When the overlap ends by itself.
    pub(crate) fn ends(&self) -> Option<Instant> {
        match self.rule {
            Rule::Field(Overlap::For(time)) => self.since?.0.checked_add(time),
            Rule::Field(Overlap::UntilTold) | Rule::Source => None,
        }
    }

    /// The same on the wall clock.
    pub(crate) fn until(&self) -> Option<SystemTime> {
        match self.rule {
            Rule::Field(Overlap::For(time)) => self.since?.1.checked_add(time),
            Rule::Field(Overlap::UntilTold) | Rule::Source => None,
        }
    }
}

// === impl Keeper ===

impl Keeper<'_> {
    fn fields(&mut self, node: &mut Node, running: Option<&Node>, schema: &Schema) {
        for field in schema.fields {
            let length = self.path.len();
            push_segment(&mut self.path, field.name);
            let running = running.map(|running| running.get(field.name));
            if let Some(part) = field.shape.rotating() {
                self.pair(node, running, field, part);
            } else if let Shape::Struct(inner) = field.shape.inner() {
                self.within(node, running, field, inner);
            }
            self.path.truncate(length);
        }
    }

    /// The same in a nested struct. Of one that code makes, or that is not there, nothing is known.
    fn within(
        &mut self,
        node: &mut Node,
        running: Option<Option<&Node>>,
        field: &Field,
        inner: &Schema,
    ) {
        if !any_rotating(inner) {
            return;
        }
        let absent = default(field);
        let is_there = |node: &&Node| matches!(node.value, NodeValue::Map(_));
        let running = running.and_then(|running| running.or(absent.as_ref()).filter(is_there));
        let given = node.get(field.name).or(absent.as_ref()).filter(is_there);
        let Some(mut given) = given.cloned() else {
            return;
        };
        let already = self.kept.len();
        self.fields(&mut given, running, inner);
        if self.kept.len() > already {
            put(node, field.name, Some(given));
        }
    }

    fn pair(
        &mut self,
        node: &mut Node,
        running: Option<Option<&Node>>,
        field: &Field,
        part: &Shape,
    ) {
        let given = node.get(field.name);
        let ran_before = running.flatten().and_then(|pair| pair.get(PREVIOUS));
        let kept = self.before.iter().find(|kept| kept.path == self.path);
        if let Some(previous) = given.and_then(|given| given.get(PREVIOUS)) {
            // What the source says holds, also that there is none.
            if !matches!(previous.value, NodeValue::Null) {
                let same = ran_before.is_some_and(|before| before.same_content(previous));
                let since = kept.filter(|_| same).and_then(|kept| kept.since);
                self.push(Rule::Source, since);
            }
            return;
        }
        let (Some(overlap), Some(running)) = (field.overlap, running) else {
            return;
        };
        let (Some(current), Some(ran)) =
            (current(given, field, part), current(running, field, part))
        else {
            return;
        };
        let (previous, since) = if same_value(part, &current, &ran) {
            let kept = kept.filter(|kept| kept.is_ours());
            let (Some(kept), Some(before)) = (kept, ran_before) else {
                return;
            };
            (before.clone(), kept.since)
        } else {
            (replaced(ran.into_owned()), None)
        };
        let origin = current.origin.clone();
        let entry = |key: &'static str, node: Node| Entry {
            key: key.into(),
            key_origin: node.origin.clone(),
            hidden: false,
            node,
        };
        let pair = vec![
            entry(CURRENT, current.into_owned()),
            entry(PREVIOUS, previous),
        ];
        put(node, field.name, Some(Node::map(pair, origin)));
        self.push(Rule::Field(overlap), since);
    }

    fn push(&mut self, rule: Rule, since: Option<(Instant, SystemTime)>) {
        self.kept.push(Kept {
            path: self.path.clone(),
            rule,
            since,
        });
    }
}

/// What is current of a pair that is given, or of what holds where none is; `None` where there is none,
/// or only code can tell.
fn current<'n>(given: Option<&'n Node>, field: &Field, part: &Shape) -> Option<Cow<'n, Node>> {
    let of = |pair: &'n Node| pair.get(CURRENT).map(Cow::Borrowed);
    let pair = match given {
        Some(pair) => of(pair),
        None => default(field).and_then(|pair| Some(Cow::Owned(pair.get(CURRENT)?.clone()))),
    };
    let is_none = match given {
        Some(given) => matches!(given.value, NodeValue::Null),
        None => field.shape.is_optional() || field.default != Default::None,
    };
    // A struct that nothing gives is one whose fields nothing gives.
    let by_fields = matches!(part.inner(), Shape::Struct(_)) && !is_none;
    pair.or_else(|| by_fields.then(|| Cow::Owned(Node::map(Vec::new(), Origin::Default))))
}

/// Says of a value that it has been replaced where it was written.
fn replaced(mut node: Node) -> Node {
    node.value = match node.value {
        NodeValue::List(items) => NodeValue::List(items.into_iter().map(replaced).collect()),
        NodeValue::Map(entries) => {
            let entries = entries.into_iter().map(|entry| Entry {
                node: replaced(entry.node),
                ..entry
            });
            NodeValue::Map(entries.collect())
        }
        scalar => scalar,
    };
    node.origin = Origin::Replaced(Arc::new(node.origin));
    node
}
