//! Environment variables, and the files that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use super::followed::{Followed, Found};
use super::{Context, Kind, Layer, Sealed, mount, service};
use crate::bind;
use crate::explain::Ignored;
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
/// ```
/// use retune::source::Env;
///
/// let env = Env::from_iter("GREETER", [("GREETER_MESSAGE", "hello")]);
/// ```
#[derive(Debug)]
pub struct Env {
    prefix: String,
    variables: BTreeMap<String, String>,
    /// Names whose values are not Unicode.
    unreadable: BTreeSet<String>,
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
            unreadable: BTreeSet::new(),
            files: BTreeMap::new(),
        };
        for (name, value) in variables {
            let Ok(name) = name.into().into_string() else {
                continue;
            };
            match value.into().into_string() {
                Ok(value) => _ = env.variables.insert(name, value),
                Err(_) => _ = env.unreadable.insert(name),
            }
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

    /// Reads the file that `X_FILE` names.
    fn indirect(
        &mut self,
        variable: &str,
        path: &str,
        context: &mut Context<'_>,
        layer: &mut Layer,
    ) -> Option<Node> {
        let file = self
            .files
            .entry(variable.to_owned())
            .or_insert_with(|| Followed::new(PathBuf::from(path)));
        let place = Place::EnvFile {
            variable: variable.to_owned(),
            file: file.path().to_owned(),
        };
        let problem = |message: &str| Problem::new("", format!("{place}: {message}"));
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
            Found::Failed => return None,
        };
        layer.failed = true;
        layer.notes.problems.push(problem);
        None
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
        let variables = std::mem::take(&mut self.variables);
        let injected = service::injected(&variables);
        for (variable, value) in &variables {
            if injected.contains(variable.as_str()) {
                let found = self.stem(variable).and_then(|stem| context.flat.find(stem));
                layer.ignored.extend(found.map(|found| Ignored {
                    path: found.dotted(),
                    origin: Origin::Env(variable.as_str().into()),
                    why: "made by the cluster for a Service (see `enableServiceLinks`)",
                }));
                continue;
            }
            let by_variable = context.flat.by_variable(variable);
            let stem = self.stem(variable);
            let known = by_variable.or_else(|| stem.and_then(|stem| context.flat.find(stem)));
            if let Some(found) = known {
                let node = Node::text(value.as_str(), Origin::Env(variable.as_str().into()));
                match (by_variable, stem) {
                    (None, Some(stem)) => {
                        context
                            .flat
                            .place(&mut layer.root, stem, node, &mut layer.notes);
                    }
                    _ => found.place(&mut layer.root, node, &mut layer.notes),
                }
                continue;
            }
            let indirect = variable.strip_suffix("_FILE").and_then(|name| {
                let found = context.flat.by_variable(name);
                found.or_else(|| self.stem(name).and_then(|stem| context.flat.find(stem)))
            });
            if let Some(found) = indirect {
                let direct = variable.strip_suffix("_FILE").unwrap_or_default();
                if variables.contains_key(direct) {
                    let note = format!("`{direct}` is set too and wins; the file is not read");
                    let origin = Origin::Env(variable.as_str().into());
                    layer.notes.warnings.push(
                        Problem::new(found.dotted(), note)
                            .at(origin)
                            .with_help("unset one of the two"),
                    );
                } else if let Some(node) = self.indirect(variable, value, context, &mut layer) {
                    found.place(&mut layer.root, node, &mut layer.notes);
                }
                continue;
            }
            if let Some(stem) = stem.filter(|_| !self.prefix.is_empty()) {
                let nearest = context.flat.nearest(stem);
                let nearest = nearest.map(|name| crate::name::screaming(&name));
                let mut note = bind::unknown(variable.clone(), None);
                note.origin = Some(Origin::Env(variable.as_str().into()));
                note.help = nearest.map(|name| format!("did you mean `{}_{name}`?", self.prefix));
                layer.notes.warnings.push(note);
            }
        }
        for variable in &self.unreadable {
            let stem = self.stem(variable);
            if let Some(found) = stem.and_then(|stem| context.flat.find(stem)) {
                layer.failed = true;
                let problem = Problem::new(found.dotted(), "its value is not UTF-8");
                layer
                    .notes
                    .problems
                    .push(problem.at(Origin::Env(variable.as_str().into())));
            }
        }
        drop(injected);
        self.variables = variables;
        layer
    }
}
