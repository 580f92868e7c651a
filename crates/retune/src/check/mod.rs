//! Checks values without the program that they are for: before a manifest is applied.
//!
//! What the program is like comes from its [JSON Schema](crate::Retune::json_schema). The values are
//! read, merged and decoded as the program does it, so that what is said is what it would say; but for
//! what is code of the program, which is [named](Verdict::unchecked).
//!
//! ```
//! use retune::Retune;
//! use retune::check::{Check, Volume};
//!
//! #[derive(Debug, Retune)]
//! struct Config {
//!     #[retune(default = 8080)]
//!     port: u16,
//!     token: String,
//! }
//!
//! # fn main() -> Result<(), retune::Error> {
//! let verdict = Check::new("schema.json", &Config::json_schema())?
//!     .given("token")?
//!     .volume(Volume::new("ConfigMap/greeter").key("port", "http"))
//!     .run();
//! assert!(!verdict.is_good());
//! assert_eq!(verdict.problems()[0].path(), "port");
//! # Ok(())
//! # }
//! ```

mod decode;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use retune_mount::{Content, Limits};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use self::decode::ByShape;
use crate::bind;
use crate::error::Error;
use crate::flat::Flat;
use crate::format::Format;
use crate::origin::{InManifest, Place};
use crate::pipeline::{Options, Pipeline};
use crate::problem::Problem;
use crate::report;
use crate::schema::Schema;
use crate::source::{Object, Sealed, VariableNames};

/// Values to be checked, and what they are for.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `run`"]
pub struct Check {
    schema: &'static Schema,
    formats: Vec<Format>,
    strict: bool,
    env_prefix: Option<String>,
    revision: Option<PathBuf>,
    separator: char,
    given: Vec<String>,
    volumes: Vec<Volume>,
}

/// The keys of one volume, as a ConfigMap or Secret gives them.
#[derive(Clone, Debug)]
#[must_use = "it is checked as part of a `Check`"]
pub struct Volume {
    title: String,
    keys: BTreeMap<PathBuf, (Content, Option<InManifest>)>,
    secret: bool,
}

/// What the program would say.
#[derive(Debug)]
pub struct Verdict {
    strict: bool,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    unchecked: Vec<Unchecked>,
}

/// A value that was taken unseen, since only the program can tell.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Unchecked {
    /// The value, as a path through the fields; empty for all of them together.
    pub path: String,
    /// Why it was not checked.
    pub why: String,
}

// === impl Check ===

impl Check {
    /// For a program with this [JSON Schema](crate::Retune::json_schema), whose file reports call
    /// `name`. It stays in memory until the process ends, as the tables of the derive do: for many checks
    /// make one, and clone it.
    ///
    /// # Errors
    ///
    /// It is no JSON Schema that `json_schema` made, or that of another version.
    pub fn new(name: impl Into<PathBuf>, schema: &str) -> Result<Self, Error> {
        let (schema, formats) = table::read(Place::File(name.into()), schema)
            .map_err(|problems| Error::new("the schema cannot be used", problems))?;
        Ok(Self {
            schema,
            formats,
            strict: true,
            env_prefix: None,
            revision: None,
            separator: ',',
            given: Vec::new(),
            volumes: Vec::new(),
        })
    }

    /// What is merely odd is a warning, as in a program without [`strict`](crate::Loader::strict).
    pub fn lenient(mut self) -> Self {
        self.strict = false;
        self
    }

    /// The prefix of the variables that the program reads, for reports to name them.
    pub fn env_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.env_prefix = Some(prefix.into());
        self
    }

    /// The key that the program names by [`Mount::revision`](crate::source::Mount::revision): it is no
    /// configuration. Whether the volumes agree on it is not checked.
    pub fn revision(mut self, key: impl Into<PathBuf>) -> Self {
        self.revision = Some(key.into());
        self
    }

    /// What stands between the items of a text, where the program chose
    /// [another](crate::Loader::separator) than `,`.
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Something else gives this value, by any writing of its path: the environment, a flag, a file.
    ///
    /// # Errors
    ///
    /// No field has this name.
    pub fn given(mut self, name: &str) -> Result<Self, Error> {
        let flat = Flat::new(self.schema);
        if !flat.takes(name) {
            let mut problem = bind::unknown(name.to_owned(), flat.nearest(name).as_deref());
            problem.message = "unknown: no field has this name".to_owned();
            return Err(Error::new("nothing was checked", vec![problem]));
        }
        self.given.push(flat.canonical(name));
        Ok(self)
    }

    /// Adds a volume, above those that were added before.
    pub fn volume(mut self, volume: Volume) -> Self {
        self.volumes.push(volume);
        self
    }

    /// Says what the program would say.
    #[must_use]
    pub fn run(self) -> Verdict {
        let formats = self.formats;
        let objects = self.volumes.into_iter().map(|volume| {
            let object = Object {
                title: volume.title,
                keys: volume.keys,
                secret: volume.secret,
                revision: self.revision.clone(),
                formats: formats.clone(),
            };
            Box::new(object) as Box<dyn Sealed + Send>
        });
        let options = Options {
            limits: Limits::default(),
            strict: self.strict,
            poll: Default::default(),
            variables: self.env_prefix.as_deref().map(VariableNames::with_prefix),
            inherited: Default::default(),
            separator: self.separator,
            warn_world_readable: false,
            root: None,
        };
        let mut pipeline = Pipeline::new(self.schema, objects.collect(), options);
        let mut seen = pipeline.observe(None, |_| {});
        let by_shape = ByShape::default();
        pipeline.check(&mut seen, |node, decoder| {
            by_shape.structure(node, decoder, self.schema)
        });
        let flat = Flat::new(self.schema);
        let mut problems = seen.problems;
        let is_given = |path: &str| {
            let covers = |given: &String| {
                let below = path.strip_prefix(&**given);
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            self.given.iter().any(covers)
        };
        problems.retain(|problem| !problem.missing || !is_given(problem.path()));
        for problem in problems.iter_mut().filter(|problem| problem.missing) {
            let Some(value) = flat.at(&problem.path) else {
                continue;
            };
            let help = problem.help.take().unwrap_or_default();
            let name = value.kebab();
            problem.help = Some(format!(
                "{help}; if something else gives it, say so with `--given {name}`"
            ));
        }
        Verdict {
            strict: self.strict,
            problems,
            warnings: seen.warnings,
            unchecked: by_shape.into_unchecked(),
        }
    }
}

// === impl Volume ===

impl Volume {
    /// A volume without keys, which reports call `title` (`ConfigMap/greeter`).
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            keys: BTreeMap::new(),
            secret: false,
        }
    }

    /// Its values are shown nowhere.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Adds a key.
    pub fn key(mut self, key: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.keys
            .insert(key.into(), (Content::new(content.into()), None));
        self
    }

    /// Adds a key whose content stands in a manifest line by line, for reports to name the place.
    pub fn key_in(
        mut self,
        key: impl Into<PathBuf>,
        content: impl Into<Vec<u8>>,
        place: InManifest,
    ) -> Self {
        self.keys
            .insert(key.into(), (Content::new(content.into()), Some(place)));
        self
    }
}

// === impl Verdict ===

impl Verdict {
    /// Whether the program would take the values, as far as can be told.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// Why the program would refuse the values.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What the program would log, and take.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What was not checked, since only the program can.
    #[must_use]
    pub fn unchecked(&self) -> &[Unchecked] {
        &self.unchecked
    }

    /// The problems and warnings for people, with the lines in question; empty if there are none.
    #[must_use]
    pub fn report(&self, color: bool) -> String {
        match (&self.problems[..], &self.warnings[..]) {
            ([], []) => String::new(),
            ([], warnings) => report::warnings(warnings, color),
            (problems, warnings) => {
                let title = match self.strict {
                    true => "a strict program would refuse this",
                    false => "the program would refuse this",
                };
                report::render(title, problems, warnings, color)
            }
        }
    }
}

/// `ok`, `problems`, `warnings`, `unchecked`.
impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Verdict", 4)?;
        fields.serialize_field("ok", &self.is_good())?;
        fields.serialize_field("problems", &self.problems)?;
        fields.serialize_field("warnings", &self.warnings)?;
        fields.serialize_field("unchecked", &self.unchecked)?;
        fields.end()
    }
}
