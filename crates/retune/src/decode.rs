//! From untyped nodes to typed values, collecting every problem on the way.

mod checks;
mod parts;
mod valid;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::sync::Arc;

use crate::grammar::{Grammar, NumberRange};
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::path::push_segment;
use crate::problem::Problem;
use crate::schema::{Default, Field, Schema, Shape};
use crate::scrub::scrubbed;
use crate::validity::Told;
use crate::{bind, name, text};

/// A type that configuration can give.
///
/// `#[derive(Retune)]` implements it for structs and enums; `std`'s scalars, `Option`, `Vec` and maps
/// of values implement it here. For any other type see the field attributes `from_str` and `serde`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that configuration can give",
    note = "for a type of your own, derive `Retune`",
    note = "for a type with `FromStr`, mark the field `#[retune(from_str)]`",
    note = "for a type with `Deserialize`, mark the field `#[retune(serde)]`"
)]
pub trait Value: Sized {
    /// What the type takes, for help, checks and reports. A type of your own that takes less than another
    /// says `Shape::Text(Grammar::Other("…"))`, since only the program can check it.
    const SHAPE: Shape;

    /// The shape of a list of this type. `u8` makes it bytes.
    #[doc(hidden)]
    const LIST_SHAPE: Shape = Shape::List(&Self::SHAPE);

    /// Decodes a node; `None` after every problem has been told to the decoder.
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self>;

    /// What a missing value is, for types that know.
    #[doc(hidden)]
    fn missing() -> Option<Self> {
        None
    }

    /// Overwrites what the value holds, before a [`Secret`](crate::Secret) of it is dropped: nothing,
    /// unless the type says how.
    ///
    /// ```
    /// use retune::shape::Shape;
    /// use retune::{Decoder, Node, Secret, Value, Zeroize};
    ///
    /// struct Pin(String);
    ///
    /// impl Value for Pin {
    ///     const SHAPE: Shape = String::SHAPE;
    ///     const WIPES: bool = true;
    ///
    ///     fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
    ///         String::decode(node, decoder).map(Self)
    ///     }
    ///
    ///     fn wipe(&mut self) {
    ///         self.0.zeroize();
    ///     }
    /// }
    /// ```
    fn wipe(&mut self) {}

    /// Whether nothing of the value is left in memory after [`wipe`](Self::wipe): so it is told in the
    /// status. What is no more than a number or a character was on the stack before, so that it is not.
    const WIPES: bool = false;

    /// The same for a list of this type.
    #[doc(hidden)]
    const LIST_WIPES: bool = Self::WIPES;

    /// Wipes a list of this type.
    #[doc(hidden)]
    fn wipe_list(list: &mut Vec<Self>) {
        list.iter_mut().for_each(Self::wipe);
    }

    /// Decodes a list of this type.
    #[doc(hidden)]
    fn decode_list(node: &Node, decoder: &mut Decoder) -> Option<Vec<Self>> {
        decoder.values(node)
    }
}

/// The environment of a process.
pub(crate) type Variables = BTreeMap<OsString, OsString>;

/// Where decoding stands, and the problems met so far.
#[derive(Default)]
pub struct Decoder {
    path: String,
    /// Of the field at hand.
    raw: bool,
    /// Of the field at hand.
    range: Option<NumberRange>,
    problems: Vec<Problem>,
    /// What is odd but not wrong.
    warnings: Vec<Problem>,
    /// What told from when until when it is valid.
    told: Vec<Told>,
    /// The paths of secrets that nothing is left of when they are wiped.
    wiped: BTreeSet<String>,
    inherited: Arc<Variables>,
    /// What is decoded has run already.
    ran: bool,
}

// === impl Decoder ===

impl Decoder {
    /// For types that are made of the process's environment as well.
    pub(crate) fn inheriting(inherited: Arc<Variables>) -> Self {
        Self {
            inherited,
            ..Self::default()
        }
    }

    /// For what has run already: it was checked then, and to take something away from it must not depend
    /// on what a check says now.
    pub(crate) fn unchecked(mut self) -> Self {
        self.ran = true;
        self
    }

    /// Decodes what was before something else took its place; `again` if that ran then, so that it is no
    /// problem if it does not decode any more. Until when it is valid is nobody's trouble.
    pub(crate) fn replaced<R>(
        &mut self,
        again: bool,
        decode: impl FnOnce(&mut Self) -> Option<R>,
    ) -> Option<R> {
        let ran = self.ran;
        self.ran |= again;
        let (problems, warnings) = (self.problems.len(), self.warnings.len());
        let told = self.told.len();
        let value = decode(self);
        self.told.truncate(told);
        if again {
            self.problems.truncate(problems);
            self.warnings.truncate(warnings);
        }
        self.ran = ran;
        value
    }

    pub(crate) fn inherited(&self) -> Arc<Variables> {
        self.inherited.clone()
    }

    /// What is wrong, and what is odd.
    pub(crate) fn into_notes(self) -> (Vec<Problem>, Vec<Problem>) {
        (self.problems, self.warnings)
    }

    /// Notes that nothing is left of the secret at hand when it is wiped.
    pub(crate) fn note_wiped(&mut self) {
        self.wiped.insert(self.path.clone());
    }

    pub(crate) fn take_wiped(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.wiped)
    }

    /// The path of the value at hand, such as `feature_flags.new_ui`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn range(&self) -> Option<NumberRange> {
        self.range
    }

    /// The node's text, by the rules for files where it is one. `expects` is for the report.
    pub fn text<'n>(&mut self, node: &'n Node, expects: &str) -> Option<Cow<'n, str>> {
        self.text_or(node, || expects.into())
    }

    /// The same; what is expected is asked for only when it is to be told.
    fn text_or<'n, 'e>(
        &mut self,
        node: &'n Node,
        expects: impl FnOnce() -> Cow<'e, str>,
    ) -> Option<Cow<'n, str>> {
        match &node.value {
            NodeValue::Text { text, .. } => Some(Cow::Borrowed(text)),
            NodeValue::File(bytes) => {
                let content = if self.raw {
                    std::str::from_utf8(bytes).map(Cow::Borrowed)
                } else {
                    text::of_file(bytes)
                };
                content
                    .map_err(|error| {
                        let place = match node.secret {
                            true => String::new(),
                            false => format!(" at byte {}", error.valid_up_to()),
                        };
                        let expects = expects();
                        let message = format!("not UTF-8{place}, where {expects} is expected");
                        let help = "a `Vec<u8>` takes any bytes".to_owned();
                        self.problem(node, message, Some(help));
                    })
                    .ok()
            }
            _ => {
                self.mismatch(node, &expects(), None);
                None
            }
        }
    }

    /// Reports that the node is not what was expected, showing what it is unless it is secret.
    pub fn mismatch(&mut self, node: &Node, expects: &str, help: Option<String>) {
        let message = match &node.value {
            _ if node.secret => format!("not what was expected: {expects}"),
            NodeValue::Text { .. } | NodeValue::File(_) => {
                format!("expected {expects}, found {}", quoted(&node.shown()))
            }
            _ => format!("expected {expects}, found {}", node.kind()),
        };
        self.problem(node, message, help);
    }

    /// Reports that something is wrong with the node. The text must not show a secret's value; what
    /// it quotes of the node's own is struck.
    pub fn problem(&mut self, node: &Node, message: String, help: Option<String>) {
        let mut problem = Problem::new(&self.path, scrubbed(message, node)).on(node);
        problem.help = help.map(|help| scrubbed(help, node));
        self.problems.push(problem);
    }

    /// Decodes by `parse`, whose error becomes the report's reason (never for a secret: the error
    /// may quote its input).
    pub fn parsed<T, E: Display>(
        &mut self,
        node: &Node,
        expects: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.parsed_or(node, || expects.into(), parse)
    }

    /// Decodes a text of some grammar.
    pub(crate) fn written<T, E: Display>(
        &mut self,
        node: &Node,
        grammar: &Grammar,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.parsed_or(node, || grammar.expects(), parse)
    }

    fn parsed_or<'e, T, E: Display>(
        &mut self,
        node: &Node,
        expects: impl Fn() -> Cow<'e, str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text_or(node, &expects)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.mismatch(node, &expects(), None);
                let reason = error.to_string();
                // The reason may quote a secret.
                let shown = !node.secret && !reason.is_empty();
                if let Some(problem) = self.problems.last_mut().filter(|_| shown) {
                    problem.message.push_str(": ");
                    problem.message.push_str(&scrubbed(reason, node));
                }
                None
            }
        }
    }

    /// Goes to a field of the struct at hand (to the struct, if nothing gives the field), for what is wrong
    /// with it only in view of the others.
    ///
    /// `field` is its name in code.
    pub fn at_field<R>(
        &mut self,
        node: &Node,
        field: &str,
        f: impl FnOnce(&Node, &mut Self) -> R,
    ) -> R {
        let given = node.get(field).unwrap_or(node);
        self.within(field, |decoder| f(given, decoder))
    }

    pub(crate) fn within<R>(&mut self, segment: &str, f: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        push_segment(&mut self.path, segment);
        let result = f(self);
        self.path.truncate(length);
        result
    }

    /// The map that a struct is decoded from. For the derive.
    #[doc(hidden)]
    pub fn structure(&mut self, node: &Node, schema: &'static Schema) -> Option<()> {
        if matches!(node.value, NodeValue::Map(_)) {
            return Some(());
        }
        self.mismatch(node, &Shape::Struct(schema).expects(), None);
        None
    }

    /// Decodes one field of a struct, from what was given, its default, or what its type makes of
    /// nothing. For the derive.
    #[doc(hidden)]
    pub fn field<T>(
        &mut self,
        node: &Node,
        field: &'static Field,
        decode: impl FnOnce(&Node, &mut Self) -> Option<T>,
        missing: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        self.within(field.name, |decoder| {
            let raw = std::mem::replace(&mut decoder.raw, field.raw);
            let range = std::mem::replace(&mut decoder.range, field.range);
            let value = match (node.get(field.name), field.default) {
                (Some(given), _) => decode(given, decoder),
                (None, Default::Text(default)) => {
                    let default = Node::text(default, Origin::Default);
                    decode(&bind::default(default, field), decoder)
                }
                (None, _) => match missing() {
                    Some(value) => Some(value),
                    // A struct that nothing gives is one whose fields nothing gives.
                    None if matches!(
                        field.shape,
                        Shape::Struct(_) | Shape::Rotating(Shape::Struct(_))
                    ) =>
                    {
                        decode(&Node::map(Vec::new(), Origin::Default), decoder)
                    }
                    None => decoder.absent(node, field),
                },
            };
            decoder.raw = raw;
            decoder.range = range;
            value
        })
    }

    /// Notes that a type that decodes itself does not know the name at hand.
    pub(crate) fn unknown(&mut self, entry: &Entry, meant: Option<&str>) {
        let problem = bind::unknown(self.path.clone(), None);
        // The place of a key that is a file is its content.
        let place = match entry.node.value {
            NodeValue::File(_) => entry.key_origin.part(0..0),
            _ => entry.key_origin.clone(),
        };
        let help = meant.map(|meant| format!("did you mean `{meant}`?"));
        self.warnings.push(Problem {
            help,
            ..problem.at(place)
        });
    }

    /// Reports that nothing gives a field of a type that decodes itself.
    pub(crate) fn without(&mut self, parent: &Node, field: &'static str) {
        self.within(field, |decoder| {
            let mut problem = Problem::new(&decoder.path, "missing")
                .with_help(format!("give it as `{}`", decoder.path));
            if parent.origin.span().is_some() {
                problem = problem.on(parent);
            }
            problem.missing = true;
            decoder.problems.push(problem);
        });
    }

    /// Reports a pair of which only what was before is given.
    pub(crate) fn no_current<T>(&mut self, node: &Node, shape: &Shape) -> Option<T> {
        let message = format!("missing: expected {}", shape.expects());
        let mut problem = Problem::new(&self.path, message).on(node);
        problem.missing = true;
        self.problems.push(problem);
        None
    }

    fn absent<T>(&mut self, parent: &Node, field: &'static Field) -> Option<T> {
        let own = name::kebab(field.outside);
        let mut problem =
            Problem::new(&self.path, format!("missing: expected {}", field.expects()))
                .with_help(format!("give it as `{own}`"));
        // Of a list's item or a map's entry, which may lie in the midst of a document.
        if self.path.contains('[') || parent.origin.span().is_some() {
            problem = problem.on(parent);
        }
        problem.missing = true;
        self.problems.push(problem);
        None
    }
}

/// Without the environment, as any variable may be a secret.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("path", &self.path)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

/// A value in a message: quoted, and cut where it would drown the message.
pub(crate) fn quoted(value: &str) -> String {
    const MOST: usize = 60;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}
