//! Fields whose change takes effect on restart: what runs of them is kept, and what is new waits.
//!
//! A candidate is what a restarted process would run. What runs now is the candidate with the running
//! values of these fields. Both are trees, so that everything behind the merge (decode, history, hash,
//! who is told) is about what runs, and knows nothing of this.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use crate::bind;
use crate::change::Changed;
use crate::collide::Message;
use crate::flat::{Flat, FlatValue};
use crate::merge;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::path::{ValuePath, push_segment};
use crate::problem::Problem;
use crate::schema::{Default, Field, Schema, Shape};

/// What a restarted process would run, and what of that waits until then.
#[derive(Clone, Debug)]
pub(crate) struct HeldBack {
    pub(crate) candidate: Node,
    /// Paths of the fields that keep what runs.
    fields: Vec<String>,
    /// Every value that waits; `None` where no source gives one any more.
    pub(crate) values: HashMap<ValuePath, Option<Node>>,
    /// The same for the status, in the order of the paths.
    pub(crate) changes: Vec<Changed>,
}

/// Makes of a candidate what runs now; what that holds back, if it does.
pub(crate) fn hold_back(
    candidate: &mut Node,
    running: &Node,
    schema: &'static Schema,
    flat: &Flat,
) -> Option<HeldBack> {
    if !has_restart(schema) {
        return None;
    }
    let mut now = candidate.clone();
    let mut fields = Vec::new();
    keep(&mut now, running, schema, &mut String::new(), &mut fields);
    if fields.is_empty() {
        return None;
    }
    let candidate = std::mem::replace(candidate, now.clone());
    Some(HeldBack::new(candidate, &now, fields, schema, flat))
}

/// Puts what runs of each such field in the place of what is new.
fn keep(
    node: &mut Node,
    running: &Node,
    schema: &Schema,
    path: &mut String,
    kept: &mut Vec<String>,
) {
    for field in schema.fields {
        let length = path.len();
        push_segment(path, field.name);
        let before = running.get(field.name);
        if field.restart {
            if !same(field, before, node.get(field.name)) {
                put(node, field.name, before.cloned());
                kept.push(path.clone());
            }
        } else if let Shape::Struct(inner) = field.shape.inner() {
            keep_within(node, before, field, inner, path, kept);
        }
        path.truncate(length);
    }
}

/// The same in a nested struct.
fn keep_within(
    node: &mut Node,
    before: Option<&Node>,
    field: &Field,
    inner: &Schema,
    path: &mut String,
    kept: &mut Vec<String>,
) {
    if !has_restart(inner) {
        return;
    }
    let after = node.get(field.name);
    // What code makes where nothing is given has no nodes to be kept one by one.
    if matches!(field.default, Default::Code(_)) && before.is_none() != after.is_none() {
        put(node, field.name, before.cloned());
        kept.push(path.clone());
        return;
    }
    // One that is optional and not there has nothing that runs, or nothing that is to run.
    let absent = default(field);
    let (Some(before), Some(mut after)) = (
        before.or(absent.as_ref()),
        after.or(absent.as_ref()).cloned(),
    ) else {
        return;
    };
    let is_there = |node: &Node| matches!(node.value, NodeValue::Map(_));
    if !is_there(before) || !is_there(&after) {
        return;
    }
    let already = kept.len();
    keep(&mut after, before, inner, path, kept);
    if kept.len() > already {
        put(node, field.name, Some(after));
    }
}

/// Sets an entry of a struct, or takes it out.
pub(crate) fn put(node: &mut Node, key: &'static str, value: Option<Node>) {
    let NodeValue::Map(entries) = &mut node.value else {
        return;
    };
    let at = entries.iter().position(|entry| *entry.key == *key);
    match (at.and_then(|at| entries.get_mut(at)), value) {
        (Some(entry), Some(value)) => entry.node = value,
        (None, Some(value)) => entries.push(Entry {
            key: key.into(),
            key_origin: value.origin.clone(),
            hidden: false,
            node: value,
        }),
        (_, None) => entries.retain(|entry| *entry.key != *key),
    }
}

/// Whether a field has the same value. That it is given elsewhere, or that its default is now given,
/// is no change that a restart would bring.
fn same(field: &Field, a: Option<&Node>, b: Option<&Node>) -> bool {
    let default = default(field);
    match (a.or(default.as_ref()), b.or(default.as_ref())) {
        (Some(a), Some(b)) => same_value(&field.shape, a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// What a field is where nothing is given, unless only code can tell.
pub(crate) fn default(field: &Field) -> Option<Node> {
    match (field.default, &field.shape) {
        (Default::Text(text), _) => {
            let node = Node::text(text, Origin::Default);
            Some(bind::default(node, field))
        }
        (Default::None, Shape::Struct(_)) => Some(Node::map(Vec::new(), Origin::Default)),
        (Default::None, shape) if shape.is_optional() => Some(Node::null()),
        _ => None,
    }
}

pub(crate) fn same_value(shape: &Shape, a: &Node, b: &Node) -> bool {
    match (shape.inner(), &a.value, &b.value) {
        (Shape::Struct(schema), NodeValue::Map(_), NodeValue::Map(_)) => schema
            .fields
            .iter()
            .all(|field| same(field, a.get(field.name), b.get(field.name))),
        _ => a.same_content(b),
    }
}

fn has_restart(schema: &Schema) -> bool {
    schema.fields.iter().any(|field| {
        field.restart || matches!(field.shape.inner(), Shape::Struct(inner) if has_restart(inner))
    })
}

/// Panics, in a constant and so at compile time, when a field that needs a restart is in an item of a
/// list, a value of a map or the content of a variant: these have no path from one generation to the
/// next.
pub const fn refuse_lost_restarts(schema: &'static Schema) {
    let mut i = 0;
    while i < schema.fields.len() {
        let field = &schema.fields[i];
        if !field.restart
            && !matches!(field.shape.inner(), Shape::Struct(_))
            && let Some(lost) = first_restart(&field.shape)
        {
            let mut message = Message::new();
            message.add("`");
            message.add(lost);
            message.add("` cannot be `restart` within `");
            message.add(field.name);
            message.add("`, whose parts come and go; mark `");
            message.add(field.name);
            message.add("` itself `#[retune(restart)]`");
            panic!("{}", message.text());
        }
        i += 1;
    }
}

const fn first_restart(shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::Optional(inner)
        | Shape::Secret(inner)
        | Shape::Rotating(inner)
        | Shape::List(inner)
        | Shape::Map(inner) => first_restart(inner),
        Shape::Struct(schema) => {
            let mut i = 0;
            while i < schema.fields.len() {
                let field = &schema.fields[i];
                if field.restart {
                    return Some(field.name);
                }
                if let Some(found) = first_restart(&field.shape) {
                    return Some(found);
                }
                i += 1;
            }
            None
        }
        Shape::Choice(variants) => {
            let mut i = 0;
            while i < variants.len() {
                if let Some(content) = &variants[i].content
                    && let Some(found) = first_restart(content)
                {
                    return Some(found);
                }
                i += 1;
            }
            None
        }
        Shape::Text(_) | Shape::Bytes | Shape::Opaque(_) | Shape::Tree(_) => None,
    }
}

// === impl HeldBack ===

impl HeldBack {
    fn new(
        candidate: Node,
        now: &Node,
        fields: Vec<String>,
        schema: &'static Schema,
        flat: &Flat,
    ) -> Self {
        let mut changes = merge::changed(now, &candidate, schema);
        for field in &fields {
            // An empty struct or map has no values, and still is another one than none.
            if !changes
                .iter()
                .any(|change| is_within(change.path.own(), field))
            {
                let (old, new) = (at(now, field), at(&candidate, field));
                changes.push(Changed::new(ValuePath::of_fields(field), old, new));
            }
        }
        changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let given = merge::leaves(&candidate, schema).into_iter();
        let mut given: HashMap<_, _> = given.map(|leaf| (leaf.path, leaf.node)).collect();
        let values = changes
            .iter()
            .map(|change| (change.path.clone(), given.remove(&change.path).cloned()))
            .collect();
        for Changed { path, change } in &mut changes {
            let default = flat.at(path.own()).and_then(FlatValue::shown_default);
            let default = default.map(|(text, _)| text.into_owned());
            change.old = change.old.take().or_else(|| default.clone());
            change.new = change.new.take().or(default);
        }
        Self {
            candidate,
            fields,
            values,
            changes,
        }
    }

    /// Whether a value belongs to a field that is held back.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.fields.iter().any(|field| is_within(path, field))
    }

    /// What is wrong with what would run now, and with what a restart would run. What is wrong with
    /// one of the two alone says which: the other is why nobody sees it at once.
    pub(crate) fn problems(&self, now: Vec<Problem>, mut later: Vec<Problem>) -> Vec<Problem> {
        let lines = |problems: &[Problem]| -> HashSet<String> {
            problems.iter().map(Problem::to_string).collect()
        };
        let (lines_now, lines_later) = (lines(&now), lines(&later));
        for problem in &mut later {
            if !lines_now.contains(&problem.to_string()) {
                problem.message +=
                    "; what runs could go on, but a process that starts now would refuse it";
            }
        }
        let only_now = now
            .into_iter()
            .filter(|problem| !lines_later.contains(&problem.to_string()));
        let restart_helps = later.is_empty();
        later.extend(only_now.map(|mut problem| {
            _ = write!(
                problem.message,
                "; so it is with the running value of {}, which only a restart changes",
                self.named()
            );
            if restart_helps {
                problem.help =
                    Some("restart the process: the new values are good together".to_owned());
            }
            problem
        }));
        later
    }

    /// The fields, for a message: "`listen`, `tls.port`".
    fn named(&self) -> String {
        let named: Vec<_> = self.fields.iter().map(|f| format!("`{f}`")).collect();
        named.join(", ")
    }
}

fn is_within(path: &str, field: &str) -> bool {
    let rest = path.strip_prefix(field);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The node at a path of fields.
fn at<'n>(root: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('.')
        .try_fold(root, |node, field| node.get(field))
}
