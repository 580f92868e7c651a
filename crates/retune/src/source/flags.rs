//! Command-line flags, in the program's own clap command.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Context, Kind, Layer, Sealed};
use crate::Retune;
use crate::flat::{Flat, FlatValue};
use crate::name;
use crate::node::{Node, NodeValue};
use crate::origin::Origin;
use crate::schema::Shape;

/// Flags of a parsed command line. Only values that were really given count.
#[derive(Debug)]
pub(crate) struct Flags {
    given: Vec<(String, Vec<String>)>,
}

/// Adds one flag for each value of a configuration: `--message`, `--feature-flags.new-ui`.
pub(crate) fn augment(command: Command, flat: &Flat, prefix: Option<&str>) -> Command {
    flat.values()
        .filter(|value| !matches!(value.field.shape.inner(), Shape::Struct(_)))
        .filter(|value| !value.field.shape.holds_secret())
        .fold(command, |command, value| {
            let others = other_writings(value, &command);
            command.arg(arg(value, prefix).aliases(others))
        })
}

/// `db-endpoints` is also `db.endpoints` and `db_endpoints`, as everywhere; the help shows one.
fn other_writings(value: &FlatValue, command: &Command) -> Vec<String> {
    let flag = value.kebab();
    let is_free = |other: &String| {
        let mut taken = command.get_arguments();
        *other != flag && !taken.any(|arg| arg.get_long() == Some(other.as_str()))
    };
    let with = |separator: &str| flag.replace(['-', '.'], separator);
    ["-", ".", "_"]
        .map(with)
        .into_iter()
        .filter(is_free)
        .collect()
}

fn arg(value: &FlatValue, prefix: Option<&str>) -> Arg {
    let field = value.field;
    let flag = value.kebab();
    let mut notes = Vec::new();
    if let Some((text, _)) = field.shown_default() {
        notes.push(format!("[default: {text}]"));
    }
    if let Some(prefix) = prefix.or(field.env.and(Some(""))) {
        notes.push(format!("[env: {}]", value.variable(prefix)));
    }
    let docs = field.docs.trim();
    let help = std::iter::once(docs.to_owned())
        .chain(notes)
        .filter(|part| !part.is_empty());
    let arg = Arg::new(id(value))
        .long(flag)
        .help(help.collect::<Vec<_>>().join(" "))
        .value_name(name::screaming(
            value.outside.last().copied().unwrap_or_default(),
        ));
    match field.shape.inner() {
        // A flag without a value means yes; `--new-ui=false` is the other.
        Shape::Text(expects) if *expects == <bool as crate::Value>::SHAPE.expects() => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .action(ArgAction::Set),
        Shape::List(_) | Shape::Map(_) => arg.action(ArgAction::Append),
        _ => arg.action(ArgAction::Set).allow_negative_numbers(true),
    }
}

/// Far from any name that a program gives to its own arguments.
fn id(value: &FlatValue) -> String {
    format!("retune::{}", value.dotted())
}

// === impl Flags ===

impl Flags {
    pub(crate) fn new<T: Retune>(matches: &ArgMatches) -> Self {
        let flat = Flat::new(T::SCHEMA);
        let given = flat.values().filter_map(|value| {
            let id = id(value);
            let source = matches
                .try_contains_id(&id)
                .ok()
                .and_then(|_| matches.value_source(&id));
            if source != Some(ValueSource::CommandLine) {
                return None;
            }
            let texts: Vec<String> = matches.get_many::<String>(&id)?.cloned().collect();
            Some((value.outside.join("."), texts))
        });
        Self {
            given: given.collect(),
        }
    }
}

impl Sealed for Flags {
    fn name(&self) -> String {
        "flags".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Flags
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::empty(Origin::Flag("flags".into()));
        for (name, texts) in &self.given {
            let Some(value) = context.flat.find(name) else {
                continue;
            };
            let origin = Origin::Flag(format!("--{}", value.kebab()).into());
            let mut nodes: Vec<_> = texts
                .iter()
                .map(|text| Node::text(text.as_str(), origin.clone()))
                .collect();
            // Given several times, it is a list of what was given; the entries of maps add up.
            if nodes.len() > 1 && matches!(value.field.shape.inner(), Shape::List(_)) {
                nodes = vec![Node::new(NodeValue::List(nodes), origin)];
            }
            for node in nodes {
                value.place(&mut layer.root, node, &mut layer.notes);
            }
        }
        layer
    }
}
