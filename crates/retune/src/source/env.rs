//! Environment variables, and the files that they name.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use super::Ignored;
use super::followed::{Followed, Found};
use super::{Context, Kind, Layer, Sealed, mount, service};
use crate::bind;
use crate::flat::{Flat, FlatValue};
use crate::node::Node;
use crate::origin::{Origin, Place};
use crate::problem::Problem;

/// Environment variables with a prefix: `GREETER_MESSAGE`, `GREETER_FEATURE_FLAGS_NEW_UI`.
///
/// `GREETER_MESSAGE_FILE` names a file that holds the value of `message`; the file is watched like
/// any other. The environment itself is read once, when the source is made, as it does not change.
///
/// Variables that the cluster injects for Services (`GREETER_PORT=tcp://…` beside
/// `GREETER_SERVICE_HOST`) are ignored. Other variables with the prefix that no field answers to
/// are warnings; without a prefix they are not, as most variables are somebody else's.
///
/// For a type whose names are not known, such as [`Serde`](crate::Serde), a prefix there must be.
///
/// ```
/// use retune::source::Env;
///
/// let env = Env::from_iter("GREETER", [("GREETER_MESSAGE", "hello")]);
/// ```
pub struct Env {
    prefix: String,
    variables: BTreeMap<String, OsString>,
    files: BTreeMap<String, Followed>,
}

// === impl Env ===

impl Env {
    /// The process's environment. `prefix` is given without the final underscore; the empty prefix
    /// takes variables by the fields' bare names.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self::from_iter(prefix, std::env::vars_os())
    }

    /// Variables given by code, in place of the process's.
    pub fn from_iter<K: Into<OsString>, V: Into<OsString>>(
        prefix: impl Into<String>,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let prefix = prefix.into();
        let mut env = Self {
            prefix: prefix.trim_end_matches('_').to_owned(),
            variables: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        for (name, value) in variables {
            let Ok(name) = name.into().into_string() else {
                continue;
            };
            env.variables.insert(name, value.into());
        }
        env
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What follows the prefix.
    fn stem<'n>(&self, variable: &'n str) -> Option<&'n str> {
        if self.prefix.is_empty() {
            return Some(variable);
        }
        variable
            .strip_prefix(self.prefix.as_str())?
            .strip_prefix('_')
    }

    /// A variable's value as text.
    fn text(path: String, variable: &str, value: &OsStr, layer: &mut Layer) -> Option<Node> {
        let origin = Origin::Env(variable.into());
        if let Some(text) = value.to_str() {
            return Some(Node::text(text, origin));
        }
        layer.failed = true;
        let problem = Problem::new(path, "its value is not UTF-8");
        layer.notes.problems.push(problem.at(origin));
        None
    }

    /// The value that a variable, named without `_FILE`, sets.
    fn find<'f>(&self, flat: &'f Flat, variable: &str) -> Option<&'f FlatValue> {
        let by_prefix = || self.stem(variable).and_then(|stem| flat.find(stem));
        flat.by_variable(variable).or_else(by_prefix)
    }

    fn place(&self, flat: &Flat, variable: &str, node: Node, layer: &mut Layer) {
        match (flat.by_variable(variable), self.stem(variable)) {
            (Some(found), _) => found.place(&mut layer.root, node, &mut layer.notes),
            (None, Some(stem)) => {
                let name = flat.of_variable(stem);
                flat.place(&mut layer.root, [(&*name, node)], &mut layer.notes);
            }
            (None, None) => {}
        }
    }

    /// Reads the file that `X_FILE` names, for the value at `path`.
    fn indirect(
        &mut self,
        path: String,
        variable: &str,
        file: impl Into<PathBuf>,
        context: &mut Context<'_>,
        layer: &mut Layer,
    ) -> Option<Node> {
        let file = self
            .files
            .entry(variable.to_owned())
            .or_insert_with(|| Followed::new(file));
        let place = Place::EnvFile {
            variable: variable.to_owned(),
            file: file.path().to_owned(),
        };
        let problem = |message: &str| Problem::new(path.clone(), format!("{place}: {message}"));
        let problem = match file.read(context, layer) {
            Found::Content(snapshot) => match snapshot.file() {
                Some(bytes) => {
                    layer.mounted |= snapshot.data_dir().is_some();
                    return Some(mount::value(place, bytes));
                }
                None => problem("is a directory, not a file"),
            },
            Found::Missing => {
                problem("no such file").with_help("create the file, or unset the variable")
            }
            Found::Unsettled => problem("is being written"),
            Found::Failed => {
                // Who finds the path wrong looks for what names it.
                if let Some(problem) = layer.notes.problems.last_mut() {
                    problem.origin = Some(Origin::Env(variable.into()));
                    problem.path = path;
                }
                return None;
            }
        };
        layer.failed = true;
        layer.notes.problems.push(problem);
        None
    }
}

/// Without the variables, as any of them may be a secret.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl<P: Into<String>> From<P> for Env {
    fn from(prefix: P) -> Self {
        Self::new(prefix)
    }
}

impl Sealed for Env {
    fn name(&self) -> String {
        if self.prefix.is_empty() {
            "env".to_owned()
        } else {
            format!("env {}_*", self.prefix)
        }
    }

    fn kind(&self) -> Kind {
        Kind::Env
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::empty(Origin::Env(self.name().into()));
        if self.prefix.is_empty() && context.flat.is_open() {
            layer.failed = true;
            let problem = Problem::new("", "every variable of the environment would be taken");
            let help = "give those that are meant a prefix: `.env(\"APP\")` takes `APP_…`";
            layer.notes.problems.push(problem.with_help(help));
            return layer;
        }
        let variables = std::mem::take(&mut self.variables);
        let injected = |variable: &str| service::is_injected(variable, &variables);
        for (variable, value) in &variables {
            let origin = Origin::Env(variable.as_str().into());
            if injected(variable) {
                let found = self.find(context.flat, variable);
                layer.ignored.extend(found.map(|found| Ignored {
                    path: found.dotted(),
                    origin,
                    why: "made by the cluster for a Service (see `enableServiceLinks`)",
                }));
            } else if let Some(found) = self.find(context.flat, variable) {
                if let Some(node) = Self::text(found.dotted(), variable, value, &mut layer) {
                    self.place(context.flat, variable, node, &mut layer);
                }
            } else if let Some(direct) = variable.strip_suffix("_FILE")
                && let Some(found) = self.find(context.flat, direct)
            {
                if variables.contains_key(direct) && !injected(direct) {
                    let note = format!("`{direct}` is set too and wins; the file is not read");
                    let note = Problem::new(found.dotted(), note).at(origin);
                    layer
                        .notes
                        .warnings
                        .push(note.with_help("unset one of the two"));
                } else if let Some(node) =
                    self.indirect(found.dotted(), variable, value, context, &mut layer)
                {
                    self.place(context.flat, direct, node, &mut layer);
                }
            } else if let Some(stem) = self.stem(variable).filter(|_| !self.prefix.is_empty()) {
                if context.flat.is_open() {
                    let path = context.flat.of_variable(stem).into_owned();
                    if let Some(node) = Self::text(path, variable, value, &mut layer) {
                        self.place(context.flat, variable, node, &mut layer);
                    }
                    continue;
                }
                let nearest = context.flat.nearest(stem);
                let nearest = nearest.map(|name| crate::name::screaming(&name));
                let mut note = bind::unknown(variable.clone(), None);
                note.help = nearest.map(|name| format!("did you mean `{}_{name}`?", self.prefix));
                layer.notes.warnings.push(note);
            }
        }
        self.variables = variables;
        layer
    }
}
