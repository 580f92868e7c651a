//! Command-line flags, in the program's own clap command.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::refused::{Refused, cut_value};
use super::{Context, Kind, Layer, Sealed};
use crate::Retune;
use crate::flat::{Flat, FlatValue};
use crate::grammar::Grammar;
use crate::name;
use crate::node::{Node, NodeValue};
use crate::origin::Origin;
use crate::schema::{Schema, Shape, Way};

/// Command-line flags, one for each value: `--message`, `--feature-flags.new-ui`. Only those that
/// were really given count. See [`Loader::flags`](crate::Loader::flags).
///
/// A [`Secret`](crate::Secret) is refused on a command line, with what to do instead, as everybody on the
/// machine can read the arguments of a process. `#[retune(allow_flag)]` on its field allows it.
///
/// ```
/// use retune::{Retune, source::Flags};
///
/// #[derive(Retune)]
/// struct Config {
///     #[retune(default = 8080)]
///     port: u16,
/// }
///
/// # fn main() -> Result<(), retune::Error> {
/// let flags = Flags::parse(["greeter", "--config.port=9090"]).prefix("config");
/// assert_eq!(Config::loader().flags(flags).once()?.port, 9090);
/// # Ok(())
/// # }
/// ```
pub struct Flags {
    prefix: String,
    line: Line,
}

/// Where flags come from.
enum Line {
    Matches(ArgMatches),
    Args(Vec<OsString>),
}

/// What flags are called, and what their help tells, for
/// [`Retune::augment_with`](crate::Retune::augment_with).
///
/// ```
/// use retune::source::{FlagNames, Flags};
/// use retune::Retune;
///
/// #[derive(Retune)]
/// struct Config {
///     #[retune(default = 8080)]
///     port: u16,
/// }
///
/// # fn main() -> Result<(), retune::Error> {
/// let names = FlagNames::new().prefix("config").env("GREETER");
/// let command = Config::augment_with(clap::Command::new("greeter"), &names);
/// let matches = command.get_matches_from(["greeter", "--config.port=9090"]);
/// let flags = Flags::new(&matches).prefix("config");
/// assert_eq!(Config::loader().flags(flags).once()?.port, 9090);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct FlagNames {
    prefix: String,
    env: Option<String>,
}

/// Flags that were given, as a source.
pub(crate) struct Given {
    names: FlagNames,
    given: Vec<(String, Vec<String>)>,
}

// === impl Flags ===

impl Flags {
    /// Flags that the program's own clap command has parsed; see
    /// [`Retune::augment`](crate::Retune::augment).
    #[must_use]
    pub fn new(matches: &ArgMatches) -> Self {
        Self {
            prefix: String::new(),
            line: Line::Matches(matches.clone()),
        }
    }

    /// A command line that is the configuration's alone, its first word the program's name.
    pub fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            prefix: String::new(),
            line: Line::Args(args.into_iter().map(Into::into).collect()),
        }
    }

    /// What stands before the name of each flag: with `config`, `--config.port`. For a command that
    /// the program has parsed it must be the one that its flags were added with.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = without_dot(prefix);
        self
    }

    /// What was given; the parser's error, which may be a wish for help.
    pub(crate) fn given<T: Retune>(self, env: Option<&str>) -> Result<Given, clap::Error> {
        let names = FlagNames {
            prefix: self.prefix,
            env: env.map(str::to_owned),
        };
        let matches = match self.line {
            Line::Matches(matches) => matches,
            Line::Args(args) => {
                let program = args.first().map(Path::new);
                let name = program.and_then(|path| path.file_name()?.to_str());
                let name = name.unwrap_or_default().to_owned();
                let command = Command::new(name).about(T::SCHEMA.docs);
                let command = names.augment(command, T::SCHEMA);
                command.try_get_matches_from(args).map_err(cut_value)?
            }
        };
        let flat = Flat::new(T::SCHEMA);
        let given = flat.values().filter_map(|value| {
            let id = names.id(value);
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
        let given = given.collect();
        Ok(Given { names, given })
    }
}

/// Without what was given, as it may hold a secret.
impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flags")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl From<&ArgMatches> for Flags {
    fn from(matches: &ArgMatches) -> Self {
        Self::new(matches)
    }
}

// === impl FlagNames ===

impl FlagNames {
    /// Flags by the values' bare names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands before the name of each flag: with `config`, `--config.port`. So the flags of two
    /// configurations can be in one command.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = without_dot(prefix);
        self
    }

    /// The help names the variables as well, for a program that reads the environment with this
    /// prefix.
    #[must_use]
    pub fn env(mut self, prefix: impl Into<String>) -> Self {
        self.env = Some(prefix.into());
        self
    }

    /// Adds one flag for each value that can be given so.
    pub(crate) fn augment(&self, command: Command, schema: &'static Schema) -> Command {
        Flat::new(schema)
            .values()
            .filter_map(|value| Some((value, self.arg(value)?)))
            .fold(command, |command, (value, arg)| {
                let flag = value.flag(&self.prefix);
                // A program may have a flag of its own for what is no flag here.
                if arg.is_hide_set() && is_taken(&flag, &command) {
                    return command;
                }
                let others = other_writings(&flag, &command);
                command.arg(arg.aliases(others))
            })
    }

    /// The flag of a value, or one that is refused with the reason; `None` if there is none.
    fn arg(&self, value: &FlatValue) -> Option<Arg> {
        let shape = value.shape;
        let is_struct = matches!(shape.inner(), Shape::Struct(_));
        if value.can_be_flag() {
            return (!is_struct).then(|| self.taken(value));
        }
        let is_whole = (!is_struct || shape.is_secret()) && (!value.is_previous || value.secret);
        (value.takes(Way::Flags) && is_whole).then(|| {
            let flag = value.flag(&self.prefix);
            let refused = Refused::new(value, &flag, self.prefix_of_variables(value));
            Arg::new(self.id(value))
                .long(flag)
                .hide(true)
                .action(ArgAction::Append)
                // What begins with a dash is refused here as well, and quoted by nobody.
                .allow_hyphen_values(true)
                .value_parser(refused)
        })
    }

    /// The prefix of the variable that gives a value, where that is known.
    fn prefix_of_variables(&self, value: &FlatValue) -> Option<&str> {
        self.env.as_deref().or(value.field.env.and(Some("")))
    }

    fn taken(&self, value: &FlatValue) -> Arg {
        let field = value.field;
        let mut notes = Vec::new();
        if let Some(limits) = field.limits() {
            notes.push(format!("[range: {limits}]"));
        }
        if let Some((text, _)) = value.shown_default() {
            notes.push(format!("[default: {text}]"));
        }
        let env = self.prefix_of_variables(value);
        if let Some(prefix) = env.filter(|_| value.takes(Way::Env)) {
            notes.push(format!("[env: {}]", value.variable(prefix)));
        }
        let docs = field.docs.trim();
        let help = std::iter::once(docs.to_owned())
            .chain(notes)
            .filter(|part| !part.is_empty());
        let arg = Arg::new(self.id(value))
            .long(value.flag(&self.prefix))
            .help(help.collect::<Vec<_>>().join(" "))
            .value_name(name::screaming(
                value.outside.last().copied().unwrap_or_default(),
            ));
        match value.shape.inner() {
            // A flag without a value means yes; `--new-ui=false` is the other.
            Shape::Text(Grammar::Bool) => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .action(ArgAction::Set),
            Shape::List(_) | Shape::Map(_) => arg.action(ArgAction::Append),
            _ => arg.action(ArgAction::Set).allow_negative_numbers(true),
        }
    }

    /// Far from any name that a program gives to its own arguments.
    fn id(&self, value: &FlatValue) -> String {
        format!("retune::{}::{}", self.prefix, value.dotted())
    }
}

/// `db-endpoints` is also `db.endpoints` and `db_endpoints`, as everywhere; the help shows one.
fn other_writings(flag: &str, command: &Command) -> Vec<String> {
    let is_free = |other: &String| *other != flag && !is_taken(other, command);
    let with = |separator: &str| flag.replace(['-', '.'], separator);
    ["-", ".", "_"]
        .map(with)
        .into_iter()
        .filter(is_free)
        .collect()
}

fn is_taken(flag: &str, command: &Command) -> bool {
    let mut taken = command.get_arguments();
    taken.any(|arg| arg.get_long() == Some(flag))
}

fn without_dot(prefix: impl Into<String>) -> String {
    let prefix = prefix.into();
    prefix.trim_end_matches('.').to_owned()
}

// === impl Given ===

impl Sealed for Given {
    fn name(&self) -> String {
        match &*self.names.prefix {
            "" => "flags".to_owned(),
            prefix => format!("flags --{prefix}.*"),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Flags
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::new(Origin::Flag("flags".into()), Some(Way::Flags), context);
        for (name, texts) in &self.given {
            let Some(value) = context.flat.find(name) else {
                continue;
            };
            let origin = Origin::Flag(format!("--{}", value.flag(&self.names.prefix)).into());
            let mut nodes: Vec<_> = texts
                .iter()
                .map(|text| Node::text(text.as_str(), origin.clone()))
                .collect();
            // Given several times, it is a list of what was given; the entries of maps add up.
            if nodes.len() > 1 && matches!(value.shape.inner(), Shape::List(_)) {
                nodes = vec![Node::new(NodeValue::List(nodes), origin)];
            }
            for node in nodes {
                value.place(&mut layer.root, node, &mut layer.notes);
            }
        }
        layer
    }

    fn flag_prefix(&self) -> Option<&str> {
        Some(&self.names.prefix)
    }
}
