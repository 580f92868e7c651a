//! Documents: text to nodes, every value with its place.
//!
//! No problem told here quotes the text: whether that is a secret is known only to the source.

mod env;
// Tokens are JSON, whatever the documents are.
mod json;
#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "yaml")]
mod yaml;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::node::{Node, NodeValue};
use crate::origin::{Origin, Span, Text};
use crate::problem::Problem;

/// A way of writing a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Json,
    Toml,
    Env,
}

/// How deep lists and maps may lie within each other.
pub(crate) const DEEPEST: usize = 128;

/// How many problems of one document are told; whoever breaks more has one cause for most.
const MOST_PROBLEMS: usize = 50;

// === impl Format ===

impl Format {
    pub(crate) const ALL: [Self; 4] = [Self::Yaml, Self::Json, Self::Toml, Self::Env];

    /// Whether the features that are on can read it.
    pub(crate) const fn is_read(self) -> bool {
        match self {
            Self::Yaml => cfg!(feature = "yaml"),
            Self::Json => cfg!(feature = "json"),
            Self::Toml => cfg!(feature = "toml"),
            Self::Env => true,
        }
    }

    /// How it is called where programs read it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Env => "env",
        }
    }

    /// The format that a file's name declares, also when the feature that reads it is off.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let extension = name.rsplit_once('.');
        let extension = extension.filter(|(stem, _)| !stem.is_empty());
        let (_, extension) = extension.unwrap_or_default();
        // `.env` is no extension for `Path`, and that of `.env.local` says whose it is.
        let is_env = name == ".env" || name.starts_with(".env.");
        let by_extension = [
            ("yaml", Self::Yaml),
            ("yml", Self::Yaml),
            ("json", Self::Json),
            ("toml", Self::Toml),
            ("env", Self::Env),
        ]
        .into_iter()
        .find(|(name, _)| extension.eq_ignore_ascii_case(name))
        .map(|(_, format)| format);
        by_extension.or(is_env.then_some(Self::Env))
    }
}

/// Reads a document, whose top must be a map.
pub(crate) fn parse(format: Format, text: &Arc<Text>) -> Result<Node, Vec<Problem>> {
    parse_by(format, text, |content, base| read(format, content, base))
}

/// Reads a JSON document of our own, whatever the features are.
pub(crate) fn own_json(text: &Arc<Text>) -> Result<Node, Vec<Problem>> {
    parse_by(Format::Json, text, json::read)
}

fn parse_by(
    format: Format,
    text: &Arc<Text>,
    read: impl FnOnce(&str, &Origin) -> Result<Option<Node>, Vec<Problem>>,
) -> Result<Node, Vec<Problem>> {
    let whole = Origin::Text(Span::new(text, 0..text.content().len()));
    let (content, base) = match text.content().strip_prefix('\u{feff}') {
        Some(rest) => (
            rest,
            whole.part(text.content().len() - rest.len()..text.content().len()),
        ),
        None => (text.content(), whole),
    };
    let Some(node) = read(content, &base)? else {
        let help = match format {
            Format::Toml => {
                "TOML cannot say on purpose that it sets nothing; YAML and JSON can: `{}`"
            }
            Format::Env => {
                "a `.env` file cannot say on purpose that it sets nothing; YAML and JSON can: `{}`"
            }
            _ => "`{}` says on purpose that it sets nothing",
        };
        let problem = Problem::new("", "the document is empty").with_help(help);
        return Err(vec![problem.at(base.part(0..0))]);
    };
    if matches!(node.value, NodeValue::Map(_)) {
        return Ok(node);
    }
    let message = format!(
        "expected a map at the top of the document, found {}",
        node.kind()
    );
    Err(vec![Problem::new("", message).at(node.origin)])
}

/// Reads a list or map in brackets that stands inside a value: of a variable, a flag, a key.
pub(crate) fn flow(text: &str, origin: &Origin) -> Result<Node, Problem> {
    let format = if cfg!(feature = "yaml") {
        Format::Yaml
    } else {
        Format::Json
    };
    match read(format, text, origin) {
        Ok(Some(node)) => Ok(node),
        Ok(None) => Err(Problem::new("", "expected a value, found nothing").at(origin.clone())),
        Err(problems) => Err(problems.into_iter().next().unwrap_or_else(|| {
            Problem::new("", "not a list or map in brackets").at(origin.clone())
        })),
    }
}

/// A JSON text that is no document, whose places and mistakes nobody wants to know.
pub(crate) fn json_of(text: &str) -> Option<Node> {
    json::read(text, &Origin::Default).ok()?
}

/// The content as nodes, with places below `base`; `None` when it says nothing at all.
fn read(format: Format, content: &str, base: &Origin) -> Result<Option<Node>, Vec<Problem>> {
    match format {
        #[cfg(feature = "yaml")]
        Format::Yaml => yaml::read(content, base),
        #[cfg(feature = "json")]
        Format::Json => json::read(content, base),
        #[cfg(feature = "toml")]
        Format::Toml => toml::read(content, base),
        Format::Env => env::read(content, base),
        #[cfg(not(feature = "yaml"))]
        Format::Yaml => Err(switched_off(Format::Yaml, base)),
        #[cfg(not(feature = "json"))]
        Format::Json => Err(switched_off(Format::Json, base)),
        #[cfg(not(feature = "toml"))]
        Format::Toml => Err(switched_off(Format::Toml, base)),
    }
}

/// What a program says of a document in a format that its features do not read.
#[cfg_attr(
    all(feature = "yaml", feature = "json", feature = "toml"),
    allow(dead_code)
)]
pub(crate) fn switched_off(format: Format, base: &Origin) -> Vec<Problem> {
    let feature = format.name();
    let name = feature.to_ascii_uppercase();
    let message = format!("{name} needs the feature `{feature}` of retune");
    let help = format!("`cargo add retune --features {feature}`");
    let problem = Problem::new("", message).with_help(help);
    vec![problem.at(base.part(0..0))]
}

/// Parses a document that is secret as a whole: its keys are so as well.
pub(crate) fn parse_secret(format: Format, text: &Arc<Text>) -> Result<Node, Vec<Problem>> {
    parse(format, text)
        .map(Node::into_secret)
        .map_err(|mut problems| {
            for problem in &mut problems {
                problem.secret = true;
                if problem.message.ends_with(TWICE) {
                    problem.message = format!("a key{TWICE}");
                }
            }
            problems
        })
}

/// How it ends what is said of a key that its map has already.
const TWICE: &str = " is given twice";

/// A key that its map has already, naming both places.
fn duplicate(key: &str, first: &Origin, second: Origin) -> Problem {
    let help = match first.span() {
        Some(span) => format!("the first is in line {}: keep one of them", span.line()),
        None => "keep one of them".to_owned(),
    };
    Problem::new("", format!("the key `{key}`{TWICE}"))
        .with_help(help)
        .at(second)
}

fn too_deep(base: &Origin, range: Range<usize>) -> Problem {
    Problem::new(
        "",
        format!("lists and maps lie deeper than {DEEPEST} levels"),
    )
    .at(base.part(range))
}

/// How long a text in quotes is as it is written, which is no shorter than what it means.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = rest.find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.unwrap_or(rest.len())
}

/// The character at a place, so that a report has something to mark; nothing at the end of a line.
fn character(content: &str, at: usize) -> Range<usize> {
    let next = content.get(at..).and_then(|rest| rest.chars().next());
    at..at
        + next
            .filter(|c| !matches!(c, '\n' | '\r'))
            .map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests;
