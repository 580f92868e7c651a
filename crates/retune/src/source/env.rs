//! Environment variables, and the files that they name.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::followed::{Followed, Found};
use super::secrecy::Secrecy;
use super::variable::{FILE, Meaning, VariableNames, find, place, without_underscore};
use super::{Context, Kind, Layer, Sealed, keys, service};
use crate::flat::FlatValue;
use crate::ignored::{Ignored, PassedOver};
use crate::node::Node;
use crate::origin::{Origin, Place};
use crate::problem::Problem;
use crate::schema::Way;

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
    pub(super) names: VariableNames,
    empty_is_unset: bool,
    optional_files: bool,
    pub(super) secrecy: Secrecy,
    root: Option<PathBuf>,
    pub(super) variables: BTreeMap<String, OsString>,
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
        let mut env = Self {
            names: VariableNames {
                prefix: without_underscore(prefix),
                file_prefix: None,
                values: true,
                files: true,
            },
            empty_is_unset: false,
            optional_files: false,
            secrecy: Secrecy::default(),
            root: None,
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

    /// Another prefix for the variables that name files: with `MOUNTED`, `MOUNTED_MESSAGE_FILE` names
    /// the file that holds `message`.
    ///
    /// ```
    /// use retune::{Retune, source::Env};
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     message: String,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let file = dir.path().join("message").display().to_string();
    /// std::fs::write(&file, "Hello World\n")?;
    /// let env = Env::from_iter("GREETER", [("MOUNTED_MESSAGE_FILE", &*file)]);
    /// let config = Config::loader().env(env.file_prefix("MOUNTED")).once()?;
    /// assert_eq!(config.message, "Hello World");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn file_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.names.file_prefix = Some(without_underscore(prefix));
        self
    }

    /// Takes no variable for the name of a file: each is a value. One that ends in `_FILE` where
    /// no field does is a warning.
    #[must_use]
    pub fn without_files(mut self) -> Self {
        self.names.files = false;
        self
    }

    /// Takes variables for nothing but names of files. One that would be a value is a warning.
    #[must_use]
    pub fn only_files(mut self) -> Self {
        self.names.values = false;
        self
    }

    /// Takes a variable that is set and empty for one that is not set, as some shells and manifests
    /// cannot unset one. By default an empty variable is an empty value.
    ///
    /// ```
    /// use retune::{Retune, source::Env};
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     #[retune(default = "Hello World")]
    ///     message: String,
    /// }
    ///
    /// # fn main() -> Result<(), retune::Error> {
    /// let env = || Env::from_iter("GREETER", [("GREETER_MESSAGE", "")]);
    /// assert_eq!(Config::loader().env(env()).once()?.message, "");
    /// let config = Config::loader().env(env().empty_is_unset()).once()?;
    /// assert_eq!(config.message, "Hello World");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn empty_is_unset(mut self) -> Self {
        self.empty_is_unset = true;
        self
    }

    /// The files that variables name may be missing, at the start and later: then they give nothing. By
    /// default such a file must be there, and one that is lost leaves the last good generation in place.
    #[must_use]
    pub fn optional_files(mut self) -> Self {
        self.optional_files = true;
        self
    }

    /// Redacts the values of all variables, and of the files that they name, wherever they would be shown.
    /// A file in a volume that the kubelet keeps in memory is
    /// [secret by itself](super::Mount#what-is-secret-by-itself); a variable is if its field says so.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secrecy = Secrecy::SECRET;
        self
    }

    /// Redacts nothing but what its type or its form says is secret, although the volume that a named file
    /// is of lies in memory (a tmpfs): a `projected` volume of ConfigMaps, or a test's directory below a `/tmp` that is one.
    #[must_use]
    pub fn not_secret(mut self) -> Self {
        self.secrecy = Secrecy::NOT_SECRET;
        self
    }

    pub(crate) fn names(&self) -> &VariableNames {
        &self.names
    }

    fn is_set(&self, value: &OsStr) -> bool {
        !(self.empty_is_unset && value.is_empty())
    }

    /// Reads the file that `X_FILE` names, for the value at `path`.
    fn indirect(
        &mut self,
        path: String,
        variable: &str,
        file: &OsStr,
        context: &mut Context<'_>,
        layer: &mut Layer,
    ) -> Option<Node> {
        let root = self.root.as_deref();
        let file = self.files.entry(variable.to_owned()).or_insert_with(|| {
            let mut file = Followed::new(file);
            root.into_iter().for_each(|root| file.rebase(root));
            file
        });
        let place = Place::EnvFile {
            variable: variable.to_owned(),
            file: file.path().to_owned(),
        };
        let problem = |message: &str| Problem::new(path.clone(), format!("{place}: {message}"));
        let problem = match file.read(context, layer) {
            Found::Content(snapshot) => match snapshot.file() {
                Some(bytes) => {
                    layer.mounted |= snapshot.data_dir().is_some();
                    layer.note_open(&snapshot, context, |_| place.clone());
                    let bytes = bytes.clone();
                    return Some(match self.secrecy.of(&snapshot) {
                        true => keys::secret(place, bytes),
                        false => keys::value(place, bytes),
                    });
                }
                None => problem("is a directory, not a file"),
            },
            Found::Missing if self.optional_files => return None,
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

    /// Reads the files that variables name, but for values that a variable gives as well.
    fn read_files<'v>(
        &mut self,
        named: Vec<(&'v str, &'v OsStr, &FlatValue)>,
        given: &BTreeMap<String, &str>,
        context: &mut Context<'_>,
        layer: &mut Layer,
    ) {
        layer.notes.rules.way = Some(Way::EnvFile);
        for (variable, file, found) in named {
            let path = found.dotted();
            if let Some(direct) = given.get(&path) {
                let note = format!("`{direct}` is set too and wins; the file is not read");
                let note = Problem::new(path, note).at(Origin::Env(variable.into()));
                let note = note.with_help("unset one of the two");
                layer.notes.warnings.push(note);
            } else if let Some(node) = self.indirect(path, variable, file, context, layer) {
                let direct = variable.strip_suffix(FILE).unwrap_or(variable);
                let prefix = self.names.prefix_of_files();
                place(context.flat, prefix, [(direct, node)], layer);
            }
        }
    }
}

/// Without the variables, as any of them may be a secret.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("prefix", &self.names.prefix)
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
        if self.names.prefix.is_empty() {
            "env".to_owned()
        } else {
            format!("env {}_*", self.names.prefix)
        }
    }

    fn kind(&self) -> Kind {
        Kind::Env
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let origin = Origin::Env(self.name().into());
        let mut layer = Layer::new(origin, Some(Way::Env), context);
        layer.secret = self.secrecy.is_said();
        if self.names.prefix.is_empty() && context.flat.is_open() {
            layer.failed = true;
            let problem = Problem::new("", "every variable of the environment would be taken");
            let help = "give those that are meant a prefix: `.env(\"APP\")` takes `APP_…`";
            layer.notes.problems.push(problem.with_help(help));
            return layer;
        }
        let variables = std::mem::take(&mut self.variables);
        let flat = context.flat;
        let mut given = BTreeMap::new();
        let (mut values, mut files) = (Vec::new(), Vec::new());
        for (variable, value) in variables.iter().filter(|(_, value)| self.is_set(value)) {
            let origin = Origin::Env(variable.as_str().into());
            if service::is_injected(variable, &variables) {
                let found = find(flat, &self.names.prefix, variable);
                layer
                    .notes
                    .passed_over
                    .extend(found.map(|found| PassedOver {
                        path: found.dotted(),
                        origin,
                        why: Ignored::Service,
                        secret: false,
                    }));
                continue;
            }
            match self.names.meaning(flat, variable) {
                Meaning::Value(path) => {
                    if let Some(text) = value.to_str() {
                        let mut node = Node::text(text, origin);
                        node.secret = layer.secret;
                        values.push((&**variable, node));
                    } else {
                        layer.failed = true;
                        let problem = Problem::new(&path, "its value is not UTF-8");
                        layer.notes.problems.push(problem.at(origin));
                    }
                    given.insert(path, variable.as_str());
                }
                Meaning::File(found) => files.push((&**variable, &**value, found)),
                Meaning::Withheld(found, way) => {
                    let secret = found.secret;
                    layer.notes.withhold(found.dotted(), way, &origin, secret);
                }
                Meaning::Unknown => {
                    let note = self.names.unknown(flat, variable);
                    layer.notes.warnings.extend(note);
                }
            }
        }
        place(flat, &self.names.prefix, values, &mut layer);
        self.read_files(files, &given, context, &mut layer);
        self.variables = variables;
        layer
    }

    fn rebase(&mut self, root: &Path) {
        self.root = Some(root.to_owned());
    }
}
