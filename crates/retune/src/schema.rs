//! What a type looks like from outside: the static table that `#[derive(Retune)]` emits.

use std::borrow::Cow;
use std::time::Duration;

use crate::grammar::{Grammar, NumberRange};
use crate::name;
use crate::password;
use crate::secret::REDACTED;

/// A struct as its configuration sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Schema {
    /// Name of the type.
    pub name: &'static str,
    /// Its doc comment.
    pub docs: &'static str,
    /// Its fields, in the order of the code.
    pub fields: &'static [Field],
    /// What a key takes that no field answers to, for a type that is open: such keys are taken as
    /// they are written. `None` where they are odd.
    pub rest: Option<&'static Shape>,
    /// The program checks the whole by code of its own.
    pub checked: bool,
}

/// One field of a [`Schema`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Field {
    /// Name in code: the name in paths and reports.
    pub name: &'static str,
    /// Name outside, where it was renamed; else the name in code.
    pub outside: &'static str,
    /// Further names that it answers to.
    pub aliases: &'static [Alias],
    /// Its doc comment.
    pub docs: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// What it is when no source gives it.
    pub default: Default,
    /// The variable that sets it, whatever the prefix.
    pub env: Option<&'static str>,
    /// Keeps the final newline of a file.
    pub raw: bool,
    /// A change takes effect on restart; until then the running value holds.
    pub restart: bool,
    /// For how long what a [`Shape::Rotating`] replaces is kept; `None` for other fields.
    pub overlap: Option<Overlap>,
    /// The range of its numbers, where it is narrower than their type's.
    pub range: Option<NumberRange>,
    /// The program checks it by code of its own.
    pub checked: bool,
    /// What stands between the items of a text, where it is another character than elsewhere.
    pub separator: Option<char>,
    /// The ways in which it cannot be given.
    pub not_from: &'static [Way],
    /// A flag may give it although it is a secret.
    pub allow_flag: bool,
}

/// For how long the value that ran before is kept beside the one that replaced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlap {
    /// For this long from the swap on, unless it is ended before.
    For(Duration),
    /// Until the program, or a source, ends it.
    UntilTold,
}

/// A way in which a value can be given, apart from the program's own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// A configuration file.
    File,
    /// A mounted volume.
    Mount,
    /// A closure of the program.
    Closure,
    /// An environment variable.
    Env,
    /// A file that an environment variable names.
    EnvFile,
    /// A command-line flag.
    Flags,
}

/// A further name of a field or variant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Alias {
    /// The name.
    pub name: &'static str,
    /// Using it is a warning that names the current one.
    pub deprecated: bool,
}

/// What a field is when no source gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Default {
    /// Nothing: it must be given, unless it is optional.
    None,
    /// A text, decoded as if a source had given it.
    Text(&'static str),
    /// An expression of the program, as its source text.
    Code(&'static str),
}

/// What a value takes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Shape {
    /// One text, written by some grammar.
    Text(Grammar),
    /// Bytes, exactly as they are.
    Bytes,
    /// One of some named variants, with or without content.
    Choice(&'static [Variant]),
    /// Any number of values.
    List(&'static Shape),
    /// Values by key; keys keep their case.
    Map(&'static Shape),
    /// Named fields.
    Struct(&'static Schema),
    /// A value that may be missing.
    Optional(&'static Shape),
    /// A value that is never shown.
    Secret(&'static Shape),
    /// A value, and the one before it for some time.
    Rotating(&'static Shape),
    /// Whatever its own `Deserialize` takes; the highest source wins whole.
    Opaque(&'static str),
    /// Whatever its own `Deserialize` takes; maps are merged key by key at every depth, and keys stay
    /// as they are written.
    Tree(&'static str),
}

/// One variant of a [`Shape::Choice`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Variant {
    /// Its name outside.
    pub name: &'static str,
    /// Further names that it answers to.
    pub aliases: &'static [Alias],
    /// Its doc comment.
    pub docs: &'static str,
    /// Its content, for variants with data.
    pub content: Option<Shape>,
}

// === impl Schema ===

impl Schema {
    /// For the derive alone: the table may grow fields.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, docs: &'static str, fields: &'static [Field]) -> Self {
        Self {
            name,
            docs,
            fields,
            rest: None,
            checked: false,
        }
    }

    /// Takes keys that no field answers to, each with this shape.
    pub(crate) const fn open(mut self, rest: &'static Shape) -> Self {
        self.rest = Some(rest);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// Whether a document is a value like any other, as it has nothing that could be merged.
    pub(crate) const fn takes_whole_files(&self) -> bool {
        match self.rest {
            Some(rest) => self.fields.is_empty() && !rest.nests(),
            None => false,
        }
    }

    /// The field that answers to a name outside.
    pub(crate) fn find(&self, outside: &str) -> Option<(&'static Field, Option<&'static Alias>)> {
        self.fields.iter().find_map(|field| {
            if name::same(field.outside, outside) {
                return Some((field, None));
            }
            let alias = field
                .aliases
                .iter()
                .find(|alias| name::same(alias.name, outside))?;
            Some((field, Some(alias)))
        })
    }

    /// Whether a path in code is that of a field, rather than of an entry of a map.
    pub(crate) fn has(&self, path: &str) -> bool {
        let (first, rest) = path
            .split_once('.')
            .map_or((path, None), |(first, rest)| (first, Some(rest)));
        let field = self.fields.iter().find(|field| field.name == first);
        field.is_some_and(|field| match (rest, field.shape.inner()) {
            (None, _) => true,
            (Some(rest), Shape::Struct(inner)) => inner.has(rest),
            (Some(rest), Shape::Rotating(inner)) => {
                matches!(inner, Shape::Struct(inner) if inner.has(rest))
            }
            _ => false,
        })
    }
}

// === impl Field ===

impl Field {
    /// For the derive alone: the table may grow columns.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, docs: &'static str, shape: Shape) -> Self {
        Self {
            name,
            outside: name,
            aliases: &[],
            docs,
            shape,
            default: Default::None,
            env: None,
            raw: false,
            restart: false,
            overlap: None,
            range: None,
            checked: false,
            separator: None,
            not_from: &[],
            allow_flag: false,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn outside(mut self, name: &'static str) -> Self {
        self.outside = name;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [Alias]) -> Self {
        self.aliases = aliases;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn default(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn env(mut self, variable: &'static str) -> Self {
        self.env = Some(variable);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn restart(mut self) -> Self {
        self.restart = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = Some(overlap);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn range(mut self, range: NumberRange) -> Self {
        self.range = Some(range);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// What to write, for help and reports.
    #[must_use]
    pub fn expects(&self) -> String {
        self.shape.expects_within(self.range)
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn separator(mut self, separator: char) -> Self {
        self.separator = Some(separator);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn not_from(mut self, ways: &'static [Way]) -> Self {
        self.not_from = ways;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn allow_flag(mut self) -> Self {
        self.allow_flag = true;
        self
    }

    /// The default as people may see it, and whether it is a secret.
    pub(crate) fn shown_default(&self) -> Option<(Cow<'static, str>, bool)> {
        let text = match self.default {
            Default::None => return None,
            Default::Text(text) | Default::Code(text) => text,
        };
        // A variant's name alone holds nothing.
        let is_name = matches!(self.shape.current(), Shape::Choice(variants) if variants
            .iter()
            .any(|variant| variant.content.is_none() && name::same(variant.name, text)));
        if self.shape.is_secret() || self.shape.holds_secret() && !is_name {
            return Some((REDACTED.into(), true));
        }
        let shown = match (self.default, &self.shape) {
            (Default::Code("Default::default()"), Shape::List(_)) => "[]",
            (Default::Code("Default::default()"), Shape::Map(_)) => "{}",
            _ => text,
        };
        Some((password::masked(shown), false))
    }
}

// === impl Alias ===

impl Alias {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, deprecated: bool) -> Self {
        Self { name, deprecated }
    }
}

// === impl Variant ===

impl Variant {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        name: &'static str,
        aliases: &'static [Alias],
        docs: &'static str,
        content: Option<Shape>,
    ) -> Self {
        Self {
            name,
            aliases,
            docs,
            content,
        }
    }

    pub(crate) fn answers_to(&self, outside: &str) -> bool {
        name::same(self.name, outside)
            || self
                .aliases
                .iter()
                .any(|alias| name::same(alias.name, outside))
    }
}

// === impl Shape ===

impl Shape {
    /// The shape below `Option` and `Secret`.
    pub(crate) const fn inner(&self) -> &Self {
        match self {
            Self::Optional(inner) | Self::Secret(inner) => inner.inner(),
            other => other,
        }
    }

    /// What a `Rotating` holds two of, if this is one.
    pub(crate) const fn rotating(&self) -> Option<&'static Self> {
        match self {
            Self::Rotating(inner) => Some(inner),
            Self::Optional(inner) | Self::Secret(inner) => inner.rotating(),
            _ => None,
        }
    }

    /// The shape of what is there now, below `Option`, `Secret` and `Rotating`.
    pub(crate) const fn current(&self) -> &Self {
        match self.inner() {
            Self::Rotating(inner) => inner.current(),
            other => other,
        }
    }

    /// Whether the type says that the value is a secret.
    pub(crate) const fn is_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::Optional(inner) | Self::Rotating(inner) => inner.is_secret(),
            _ => false,
        }
    }

    /// Whether some part of the value is a secret.
    pub(crate) fn holds_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::Optional(inner)
            | Self::Rotating(inner)
            | Self::List(inner)
            | Self::Map(inner) => inner.holds_secret(),
            Self::Struct(schema) => {
                let rest = schema.rest.is_some_and(Self::holds_secret);
                rest || schema.fields.iter().any(|f| f.shape.holds_secret())
            }
            Self::Choice(variants) => variants
                .iter()
                .filter_map(|variant| variant.content.as_ref())
                .any(Self::holds_secret),
            Self::Text(_) | Self::Bytes | Self::Opaque(_) | Self::Tree(_) => false,
        }
    }

    /// Whether nothing but the keys that are given tells how its names are written.
    pub(crate) fn keeps_keys(&self) -> bool {
        match self.inner() {
            Self::Struct(schema) => schema.rest.is_some_and(Self::nests),
            other => other.nests(),
        }
    }

    /// Whether names below it can be written flat.
    pub(crate) const fn nests(&self) -> bool {
        matches!(self, Self::Tree(_))
    }

    /// Whether a value may be missing.
    pub(crate) const fn is_optional(&self) -> bool {
        match self {
            Self::Optional(_) => true,
            Self::Secret(inner) => inner.is_optional(),
            _ => false,
        }
    }

    /// What to write, for help and reports.
    #[must_use]
    pub fn expects(&self) -> String {
        self.expects_within(None)
    }

    fn expects_within(&self, range: Option<NumberRange>) -> String {
        match self {
            Self::Text(grammar) => grammar.within(range).expects().into_owned(),
            Self::Opaque(expects) | Self::Tree(expects) => (*expects).to_owned(),
            Self::Bytes => "bytes".to_owned(),
            Self::Choice(variants) => {
                let names: Vec<_> = variants
                    .iter()
                    .map(|variant| format!("`{}`", variant.name))
                    .collect();
                format!("one of {}", names.join(", "))
            }
            Self::List(item) => format!("a list, each item {}", item.expects_within(range)),
            Self::Map(value) => format!("a map, each value {}", value.expects_within(range)),
            Self::Struct(schema) => format!("the fields of `{}`", schema.name),
            Self::Optional(inner) | Self::Secret(inner) | Self::Rotating(inner) => {
                inner.expects_within(range)
            }
        }
    }
}
