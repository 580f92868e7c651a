//! From a source's own names to the fields of the schema.
//!
//! A document's keys become the fields' names, text becomes lists and maps where the type wants
//! them, what the type calls secret is marked, and names that nothing answers to are noted. A value
//! that is only written in another way (quotes, a file's final newline) is the same from here on.

mod items;
mod pair;

use std::collections::HashMap;
use std::sync::Arc;

use items::plain_text;
pub(crate) use items::{pairs, split};
pub(crate) use pair::previous;

use crate::format;
use crate::grammar::Grammar;
use crate::ignored::{Ignored, PassedOver};
use crate::name;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::password;
use crate::path::{key_segment, push_segment};
use crate::problem::{IGNORED, Problem};
use crate::schema::{Alias, Field, Schema, Shape, Variant, Way};
use crate::shared_text::SharedText;
use crate::text;

/// How a source's texts are to be understood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// In which way the source gives values, where fields may refuse it.
    pub(crate) way: Option<Way>,
    /// What stands between the items of a text that is a list or map.
    pub(crate) separator: char,
}

/// What was met while binding a source.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) rules: Rules,
    /// Reject the candidate.
    pub(crate) problems: Vec<Problem>,
    /// Are worth a line in the status.
    pub(crate) warnings: Vec<Problem>,
    /// What was passed over.
    pub(crate) passed_over: Vec<PassedOver>,
}

/// Binds a document's top to the fields of a schema.
pub(crate) fn document(node: Node, schema: &'static Schema, notes: &mut Notes) -> Node {
    Binder {
        separator: notes.rules.separator,
        notes,
        path: String::new(),
        raw: false,
    }
    .bind(node, &Shape::Struct(schema))
}

/// Binds the value of one field, found at `path`.
pub(crate) fn value(node: Node, field: &Field, path: &str, notes: &mut Notes) -> Node {
    part(node, &field.shape, field, path, notes)
}

/// Binds a part of a field's value, by the field's own rules.
pub(crate) fn part(
    node: Node,
    shape: &Shape,
    field: &Field,
    path: &str,
    notes: &mut Notes,
) -> Node {
    Binder {
        separator: field.separator.unwrap_or(notes.rules.separator),
        notes,
        path: path.to_owned(),
        raw: field.raw,
    }
    .bind(node, shape)
}

/// Binds a value that no field answers to, found at `path`.
pub(crate) fn other(node: Node, shape: &Shape, path: &str, notes: &mut Notes) -> Node {
    Binder {
        separator: notes.rules.separator,
        notes,
        path: path.to_owned(),
        raw: false,
    }
    .bind(node, shape)
}

/// Binds a field's default, about which there is nothing to note. It is the type's own text, whatever
/// separator the program chose for its sources.
pub(crate) fn default(node: Node, field: &Field) -> Node {
    value(node, field, "", &mut Notes::default())
}

struct Binder<'a> {
    notes: &'a mut Notes,
    path: String,
    /// The field at hand keeps the final newline of a file.
    raw: bool,
    separator: char,
}

// === impl Rules ===

impl Default for Rules {
    fn default() -> Self {
        Self {
            way: None,
            separator: ',',
        }
    }
}

// === impl Notes ===

impl Notes {
    /// Notes a value that is not taken in this way.
    pub(crate) fn withhold(&mut self, path: String, way: Way, origin: &Origin, secret: bool) {
        self.passed_over.push(PassedOver {
            path,
            origin: match secret {
                true => origin.clone().without_value(),
                false => origin.clone(),
            },
            why: Ignored::NotFrom(way),
            secret,
        });
    }
}

// === impl Binder ===

impl Binder<'_> {
    fn bind(&mut self, node: Node, shape: &Shape) -> Node {
        let before = self.notes.problems.len();
        let node = match shape {
            Shape::Optional(inner) => return self.bind(node, inner),
            Shape::Secret(inner) => return self.bind(node.into_secret(), inner).into_secret(),
            Shape::Text(Grammar::UrlText) if hides_password(&node) => {
                return self.text(node).into_secret();
            }
            Shape::Text(_) => return self.text(node),
            Shape::Bytes => return bytes(node),
            Shape::Opaque(_) | Shape::Tree(_) => return node,
            Shape::Rotating(inner) => return self.pair(node, inner),
            Shape::Struct(schema) => self.fields(node, schema),
            Shape::List(item) => self.list(node, item),
            Shape::Map(item) => self.map(node, item),
            Shape::Choice(variants) => self.choice(node, variants),
        };
        if fits(&node, shape) || !shape.holds_secret() {
            return node;
        }
        // What could not be taken apart may hold the secret anywhere.
        for problem in self.notes.problems.iter_mut().skip(before) {
            problem.secret = true;
        }
        node.into_secret()
    }

    fn within(&mut self, segment: &str, node: Node, shape: &Shape) -> Node {
        let length = self.path.len();
        push_segment(&mut self.path, segment);
        let node = self.bind(node, shape);
        self.path.truncate(length);
        node
    }

    fn fields(&mut self, node: Node, schema: &'static Schema) -> Node {
        let node = self.structured(node);
        let secret = node.secret;
        let NodeValue::Map(entries) = node.value else {
            return node;
        };
        let mut bound: Vec<Entry> = Vec::with_capacity(entries.len());
        // How the keys of those were written.
        let mut written: Vec<Arc<str>> = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some((field, alias)) = schema.find(&entry.key) else {
                if let Some(rest) = schema.rest {
                    let segment = key_segment(&entry.key, secret);
                    written.push(entry.key.clone());
                    bound.push(Entry {
                        node: self.within(segment, entry.node, rest),
                        hidden: secret,
                        ..entry
                    });
                    continue;
                }
                let known = schema.fields.iter().map(|field| field.outside);
                self.unknown(&entry, secret, name::nearest(&entry.key, known));
                continue;
            };
            self.note_deprecated(alias, field.outside, &entry);
            let way = self.notes.rules.way;
            if let Some(way) = way.filter(|way| field.not_from.contains(way)) {
                let mut path = self.path.clone();
                push_segment(&mut path, field.name);
                let origin = &entry.key_origin;
                let secret = entry.node.holds_secret() || field.shape.holds_secret();
                self.notes.withhold(path, way, origin, secret);
                continue;
            }
            let mut twins = bound.iter().zip(&written);
            if let Some((twin, key)) = twins.find(|(other, _)| *other.key == *field.name) {
                let message = format!(
                    "given twice: `{}` and `{key}` (at {}) mean the same field",
                    entry.key, twin.key_origin
                );
                self.problem(Problem::new(field.name, message), &entry);
                continue;
            }
            let outer = (self.raw, self.separator);
            self.raw = field.raw;
            self.separator = field.separator.unwrap_or(self.notes.rules.separator);
            let node = self.within(field.name, entry.node, &field.shape);
            (self.raw, self.separator) = outer;
            written.push(entry.key);
            bound.push(Entry {
                key: field.name.into(),
                key_origin: entry.key_origin,
                hidden: false,
                node,
            });
        }
        Node {
            value: NodeValue::Map(bound),
            ..node
        }
    }

    fn list(&mut self, node: Node, item: &Shape) -> Node {
        let node = self.structured(node);
        let items = match node.value {
            NodeValue::List(items) => items,
            NodeValue::Text { .. } | NodeValue::File(_) => match split(&node, self.separator) {
                Some(items) => items,
                None => return node,
            },
            _ => return node,
        };
        let items = items
            .into_iter()
            .enumerate()
            .map(|(i, node)| self.within(&format!("[{i}]"), node, item))
            .collect();
        Node {
            value: NodeValue::List(items),
            origin: node.origin,
            secret: node.secret,
        }
    }

    fn map(&mut self, node: Node, item: &Shape) -> Node {
        let node = self.structured(node);
        let mut secret = node.secret;
        let entries = match node.value {
            NodeValue::Map(entries) => entries,
            NodeValue::Text { .. } | NodeValue::File(_) => match pairs(&node, self.separator) {
                Some(entries) => {
                    // A lone secret may have a `=` in it, and is no key for that.
                    secret |= item.holds_secret();
                    entries
                }
                None => return node,
            },
            _ => return node,
        };
        // A document's keys differ; those of a text, or of files that are called alike, may not.
        let mut places: HashMap<Arc<str>, usize> = HashMap::with_capacity(entries.len());
        let mut bound: Vec<Entry> = Vec::with_capacity(entries.len());
        for entry in entries {
            let Entry {
                key, key_origin, ..
            } = &entry;
            if let Some(first) = places.get(key).and_then(|at| bound.get(*at)) {
                let mut path = self.path.clone();
                push_segment(&mut path, key_segment(key, secret));
                let mut problem = Problem::new(path, twice(&first.key_origin, key_origin, secret));
                problem.secret = secret;
                let problem = problem.with_help("remove one of the two");
                self.notes.problems.push(problem.at(key_origin.clone()));
                continue;
            }
            let key = key.clone();
            places.insert(key.clone(), bound.len());
            bound.push(Entry {
                node: self.within(key_segment(&key, secret), entry.node, item),
                hidden: secret,
                ..entry
            });
        }
        Node {
            value: NodeValue::Map(bound),
            origin: node.origin,
            secret,
        }
    }

    /// A variant with content is a map with the variant's name as its one key.
    fn choice(&mut self, node: Node, variants: &'static [Variant]) -> Node {
        let has_content = variants.iter().any(|variant| variant.content.is_some());
        let node = if has_content {
            self.structured(node)
        } else {
            node
        };
        let NodeValue::Map(entries) = node.value else {
            return self.text(node);
        };
        let entries = entries
            .into_iter()
            .map(|entry| {
                let Some(variant) = variants.iter().find(|v| v.answers_to(&entry.key)) else {
                    return entry;
                };
                let alias = variant
                    .aliases
                    .iter()
                    .find(|a| name::same(a.name, &entry.key));
                self.note_deprecated(alias, variant.name, &entry);
                let node = match &variant.content {
                    Some(content) => self.within(variant.name, entry.node, content),
                    None => entry.node,
                };
                Entry {
                    key: variant.name.into(),
                    key_origin: entry.key_origin,
                    hidden: false,
                    node,
                }
            })
            .collect();
        Node {
            value: NodeValue::Map(entries),
            origin: node.origin,
            secret: node.secret,
        }
    }

    /// A text as its type will see it.
    fn text(&self, node: Node) -> Node {
        let text = match &node.value {
            NodeValue::Text { text, quoted: true } => text.clone(),
            NodeValue::File(bytes) => {
                let text = match self.raw {
                    true => SharedText::new(bytes),
                    false => text::of_content(bytes),
                };
                // Where it is no text, decoding says so.
                match text {
                    Some(text) => text,
                    None => return node,
                }
            }
            _ => return node,
        };
        let quoted = false;
        Node {
            value: NodeValue::Text { text, quoted },
            ..node
        }
    }

    /// A text in brackets, where a list or map is wanted, is a small document.
    fn structured(&mut self, node: Node) -> Node {
        let Some(text) = plain_text(&node) else {
            return node;
        };
        if !text.trim_start().starts_with(['[', '{']) {
            return node;
        }
        match format::flow(text, &node.origin.in_brackets()) {
            Ok(parsed) if node.secret => parsed.into_secret(),
            Ok(parsed) => parsed,
            Err(mut problem) => {
                problem.path.clone_from(&self.path);
                problem.secret = node.holds_secret();
                if node.secret {
                    // It may quote a key.
                    problem.message = "not a list or map in brackets".to_owned();
                    problem.help = None;
                }
                self.notes.problems.push(problem);
                node
            }
        }
    }

    /// In a secret, a name that is no field's may be the secret itself.
    fn unknown(&mut self, entry: &Entry, secret: bool, nearest: Option<&str>) {
        let mut path = self.path.clone();
        push_segment(&mut path, key_segment(&entry.key, secret));
        let mut problem = unknown(path, nearest).at(entry.key_origin.clone());
        problem.secret = secret;
        self.notes.warnings.push(problem);
    }

    fn note_deprecated(&mut self, alias: Option<&Alias>, current: &str, entry: &Entry) {
        if alias.is_some_and(|alias| alias.deprecated) {
            let mut path = self.path.clone();
            push_segment(&mut path, &entry.key);
            self.notes
                .warnings
                .push(deprecated(path, current).at(entry.key_origin.clone()));
        }
    }

    fn problem(&mut self, mut problem: Problem, entry: &Entry) {
        let mut path = self.path.clone();
        push_segment(&mut path, &problem.path);
        problem.path = path;
        self.notes
            .problems
            .push(problem.at(entry.key_origin.clone()));
    }
}

/// Bytes are bytes, also where they are written as text.
fn bytes(node: Node) -> Node {
    match &node.value {
        NodeValue::Text { text, .. } => Node {
            value: NodeValue::File(text.bytes().clone()),
            ..node
        },
        _ => node,
    }
}

fn hides_password(node: &Node) -> bool {
    plain_text(node).is_some_and(password::is_hidden_in)
}

/// Whether a node has the outer form of a shape.
fn fits(node: &Node, shape: &Shape) -> bool {
    match (shape, &node.value) {
        (_, NodeValue::Null)
        | (Shape::Struct(_) | Shape::Map(_), NodeValue::Map(_))
        | (Shape::List(_), NodeValue::List(_)) => true,
        // There may be blanks around it.
        (Shape::Choice(variants), NodeValue::Text { text, .. }) => variants
            .iter()
            .any(|variant| variant.answers_to(text.trim())),
        (Shape::Choice(variants), NodeValue::Map(entries)) => entries
            .iter()
            .all(|entry| variants.iter().any(|v| v.answers_to(&entry.key))),
        _ => false,
    }
}

/// What is said of a value that two names give which mean the same.
pub(crate) fn twice(first: &Origin, second: &Origin, secret: bool) -> String {
    let (first, second) = (first.told(secret), second.told(secret));
    if first == second {
        return "given twice".to_owned();
    }
    format!("given twice by names that mean the same: {first} and {second}")
}

/// The note on a name that no field answers to.
pub(crate) fn unknown(path: String, nearest: Option<&str>) -> Problem {
    let problem = Problem::new(path, format!("unknown: no field has this name, {IGNORED}"));
    match nearest {
        Some(nearest) => problem.with_help(format!("did you mean `{}`?", name::kebab(nearest))),
        None => problem,
    }
}

/// The note on a name that was replaced by another.
pub(crate) fn deprecated(path: String, current: &str) -> Problem {
    Problem::new(
        path,
        format!("deprecated: now called `{}`", name::kebab(current)),
    )
    .with_help("the old name still works; use the new one")
}
