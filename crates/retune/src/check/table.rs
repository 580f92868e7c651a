//! `x-retune` as it is read: the table of a type that is not here.

use serde::Deserialize;

use crate::decode::Decoder;
use crate::format::{self, Format};
use crate::grammar::{Floats, Grammar, Integer, Integers, NumberRange, RangeEnd};
use crate::node::Node;
use crate::origin::{Place, Text};
use crate::problem::Problem;
use crate::schema::{self, Default, Schema, Shape, Way};
use crate::values::by_serde;

/// What is told where a schema cannot be used.
const HELP: &str = "write it anew with `Retune::json_schema`, by the same version of retune";

/// The table, and the formats that the program reads.
pub(super) fn read(
    place: Place,
    text: &str,
) -> Result<(&'static Schema, Vec<Format>), Vec<Problem>> {
    let document = format::parse(Format::Json, &Text::new(place, text))?;
    let refuse = |node: &Node, message: String| {
        let problem = Problem::new("", message).with_help(HELP);
        Err(vec![problem.at(node.origin.clone())])
    };
    let Some(table) = document.get("x-retune") else {
        return refuse(
            &document,
            "no schema of retune: it has no `x-retune`".to_owned(),
        );
    };
    let expected = crate::json_schema::VERSION.to_string();
    let version = table.get("version").map(Node::shown).unwrap_or_default();
    if version != expected {
        let message = format!("its table is of version {version:?}; expected {expected:?}");
        return refuse(table, message);
    }
    let mut decoder = Decoder::default();
    let read: Option<Table> = by_serde(table, &mut decoder, "the table of a type");
    let Some(Table {
        formats, structure, ..
    }) = read
    else {
        return Err(decoder.into_notes().0);
    };
    let formats = Format::ALL
        .into_iter()
        .filter(|format| formats.iter().any(|name| name == format.name()))
        .collect();
    match structure.schema() {
        Ok(schema) => Ok((schema, formats)),
        Err(message) => refuse(table, message),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "version")]
    _version: u32,
    formats: Vec<String>,
    #[serde(rename = "struct")]
    structure: Struct,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Struct {
    name: String,
    #[serde(default)]
    checked: bool,
    fields: Vec<Field>,
    rest: Option<Box<AnyShape>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    outside: Option<String>,
    #[serde(default)]
    aliases: Vec<Alias>,
    default: Option<GivenDefault>,
    env: Option<String>,
    #[serde(default)]
    raw: bool,
    separator: Option<char>,
    #[serde(default, rename = "not-from")]
    not_from: Vec<AnyWay>,
    range: Option<Range>,
    #[serde(default)]
    checked: bool,
    shape: AnyShape,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AnyWay {
    File,
    Mount,
    Closure,
    Env,
    EnvFile,
    Flags,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    name: String,
    #[serde(default)]
    deprecated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum GivenDefault {
    Text(String),
    Code(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Range {
    min: Option<End>,
    max: Option<End>,
    #[serde(default)]
    excludes_max: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum End {
    Integer(String),
    Float(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AnyShape {
    Text(AnyGrammar),
    Bytes,
    Choice(Vec<Variant>),
    List(Box<Self>),
    Map(Box<Self>),
    Struct(Struct),
    Optional(Box<Self>),
    Secret(Box<Self>),
    Rotating(Box<Self>),
    Opaque(String),
    Tree(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    name: String,
    #[serde(default)]
    aliases: Vec<Alias>,
    content: Option<AnyShape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AnyGrammar {
    Text,
    Bool,
    Char,
    Integer(Limits),
    Float32,
    Float64,
    Time,
    Size,
    IpAndPort,
    Ipv4AndPort,
    Ipv6AndPort,
    Ip,
    Ipv4,
    Ipv6,
    FilePath,
    NoNul,
    Url,
    Regex,
    LogDirectives,
    Other(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Limits {
    min: String,
    max: String,
    #[serde(default)]
    non_zero: bool,
}

/// A table of the derive is for as long as the process; so is one that is read.
fn kept<T>(all: Vec<T>) -> &'static [T] {
    all.leak()
}

fn kept_text(text: String) -> &'static str {
    text.leak()
}

// === impl Struct ===

impl Struct {
    fn schema(self) -> Result<&'static Schema, String> {
        let fields = self.fields.into_iter().map(Field::field);
        let fields = kept(fields.collect::<Result<_, _>>()?);
        let mut schema = Schema::new(kept_text(self.name), "", fields);
        if let Some(rest) = self.rest {
            schema.rest = Some(Box::leak(Box::new(rest.shape()?)));
        }
        schema.checked = self.checked;
        Ok(Box::leak(Box::new(schema)))
    }
}

// === impl Field ===

impl Field {
    fn field(self) -> Result<schema::Field, String> {
        let mut field = schema::Field::new(kept_text(self.name), "", self.shape.shape()?);
        if let Some(outside) = self.outside {
            field.outside = kept_text(outside);
        }
        field.aliases = aliases(self.aliases);
        field.default = match self.default {
            None => Default::None,
            Some(GivenDefault::Text(text)) => Default::Text(kept_text(text)),
            Some(GivenDefault::Code(code)) => Default::Code(kept_text(code)),
        };
        field.env = self.env.map(kept_text);
        field.raw = self.raw;
        field.separator = self.separator;
        field.not_from = kept(self.not_from.into_iter().map(AnyWay::way).collect());
        field.range = self.range.map(Range::range).transpose()?;
        field.checked = self.checked;
        Ok(field)
    }
}

impl AnyWay {
    fn way(self) -> Way {
        match self {
            Self::File => Way::File,
            Self::Mount => Way::Mount,
            Self::Closure => Way::Closure,
            Self::Env => Way::Env,
            Self::EnvFile => Way::EnvFile,
            Self::Flags => Way::Flags,
        }
    }
}

fn aliases(aliases: Vec<Alias>) -> &'static [schema::Alias] {
    let aliases = aliases.into_iter();
    let aliases = aliases.map(|alias| schema::Alias::new(kept_text(alias.name), alias.deprecated));
    kept(aliases.collect())
}

// === impl Range ===

impl Range {
    fn range(self) -> Result<NumberRange, String> {
        let end = |end: Option<End>| end.map(End::end).transpose();
        let (min, max) = (end(self.min)?, end(self.max)?);
        Ok(NumberRange::new(min, max, self.excludes_max))
    }
}

impl End {
    fn end(self) -> Result<RangeEnd, String> {
        match self {
            Self::Integer(text) => integer(&text).map(RangeEnd::Integer),
            Self::Float(text) => text
                .parse()
                .map(RangeEnd::Float)
                .map_err(|_| format!("no number: {text:?}")),
        }
    }
}

fn integer(text: &str) -> Result<Integer, String> {
    Integer::parse(text).map_err(|_| format!("no whole number: {text:?}"))
}

// === impl AnyShape ===

impl AnyShape {
    fn shape(self) -> Result<Shape, String> {
        let kept_shape = |shape: Self| Ok::<&Shape, String>(Box::leak(Box::new(shape.shape()?)));
        Ok(match self {
            Self::Text(grammar) => Shape::Text(grammar.grammar()?),
            Self::Bytes => Shape::Bytes,
            Self::Choice(variants) => {
                let variants = variants.into_iter().map(Variant::variant);
                Shape::Choice(kept(variants.collect::<Result<_, _>>()?))
            }
            Self::List(item) => Shape::List(kept_shape(*item)?),
            Self::Map(value) => Shape::Map(kept_shape(*value)?),
            Self::Struct(structure) => Shape::Struct(structure.schema()?),
            Self::Optional(inner) => Shape::Optional(kept_shape(*inner)?),
            Self::Secret(inner) => Shape::Secret(kept_shape(*inner)?),
            Self::Rotating(inner) => Shape::Rotating(kept_shape(*inner)?),
            Self::Opaque(expects) => Shape::Opaque(kept_text(expects)),
            Self::Tree(expects) => Shape::Tree(kept_text(expects)),
        })
    }
}

// === impl Variant ===

impl Variant {
    fn variant(self) -> Result<schema::Variant, String> {
        let content = self.content.map(AnyShape::shape).transpose()?;
        let aliases = aliases(self.aliases);
        Ok(schema::Variant::new(
            kept_text(self.name),
            aliases,
            "",
            content,
        ))
    }
}

// === impl AnyGrammar ===

impl AnyGrammar {
    fn grammar(self) -> Result<Grammar, String> {
        Ok(match self {
            Self::Text => Grammar::Text,
            Self::Bool => Grammar::Bool,
            Self::Char => Grammar::Char,
            Self::Integer(limits) => Grammar::Integer(Integers {
                min: integer(&limits.min)?,
                max: integer(&limits.max)?,
                non_zero: limits.non_zero,
            }),
            Self::Float32 => Grammar::Float(Floats::all(true)),
            Self::Float64 => Grammar::Float(Floats::all(false)),
            Self::Time => Grammar::Time,
            Self::Size => Grammar::Size,
            Self::IpAndPort => Grammar::IpAndPort,
            Self::Ipv4AndPort => Grammar::Ipv4AndPort,
            Self::Ipv6AndPort => Grammar::Ipv6AndPort,
            Self::Ip => Grammar::Ip,
            Self::Ipv4 => Grammar::Ipv4,
            Self::Ipv6 => Grammar::Ipv6,
            Self::FilePath => Grammar::FilePath,
            Self::NoNul => Grammar::NoNul,
            Self::Url => Grammar::UrlText,
            Self::Regex => Grammar::RegexText,
            Self::LogDirectives => Grammar::LogDirectives,
            Self::Other(expects) => Grammar::Other(kept_text(expects)),
        })
    }
}
