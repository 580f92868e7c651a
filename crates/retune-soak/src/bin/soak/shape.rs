//! Which configurations there are, and which volumes and files each of them follows.

use std::path::{Path, PathBuf};

/// A type of configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Many documents, merged into one map.
    Documents,
    /// Many volumes as one environment.
    Environment,
    /// A struct with a part for each of four volumes, one value a key.
    Typed,
    /// The same, without any event: its paths lead through `/proc`.
    Polled,
    /// Secrets that rotate, in memory.
    Secrets,
    /// Plain files.
    Files,
}

/// How a place holds its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A volume with one document.
    Document(Format),
    /// A volume with one value a key: `alpha.serial`.
    Keys,
    /// A volume with one variable a key: `V007_SERIAL`.
    Variables,
    /// A plain file.
    File(Format),
}

/// Of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Json,
    Toml,
    Env,
}

/// What one configuration follows at one path.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Unlike any other's.
    pub(crate) id: String,
    /// The field of the configuration that it gives.
    pub(crate) field: String,
    pub(crate) form: Form,
    pub(crate) path: PathBuf,
    pub(crate) secret: bool,
}

/// One configuration with its places.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) kind: Kind,
    pub(crate) places: Vec<Place>,
}

/// The fields of structs with a part for each place.
pub(crate) const FIELDS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// Where places lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roots<'a> {
    pub(crate) disk: &'a Path,
    pub(crate) memory: &'a Path,
}

/// The configurations that share so many volumes, at least [`LEAST`].
pub(crate) fn lives(volumes: usize, roots: Roots<'_>) -> Vec<Life> {
    let volumes = volumes.max(LEAST);
    let few = (volumes / 25).max(1);
    let mut kinds = Vec::new();
    kinds.extend([(Kind::Typed, 4)].repeat(few));
    kinds.extend([(Kind::Secrets, 2)].repeat(few));
    kinds.push((Kind::Polled, 4));
    kinds.push((Kind::Environment, volumes / 4));
    let used: usize = kinds.iter().map(|(_, count)| count).sum();
    let left = volumes.saturating_sub(used);
    kinds.push((Kind::Documents, left * 2 / 3));
    kinds.push((Kind::Documents, left - left * 2 / 3));
    // Not volumes, but files beside them.
    kinds.extend([(Kind::Files, 3)].repeat(few.min(3)));
    let mut next = 0;
    let life = |(kind, count): (Kind, usize)| {
        let places = (0..count).map(|index| {
            next += 1;
            place(kind, index, next, roots)
        });
        Life {
            kind,
            places: places.collect(),
        }
    };
    kinds.into_iter().map(life).collect()
}

/// Fewer volumes are not divided among all kinds.
pub(crate) const LEAST: usize = 24;

fn place(kind: Kind, index: usize, number: usize, roots: Roots<'_>) -> Place {
    let id = format!("v{number:03}");
    let form = match (kind, index % 3) {
        (Kind::Documents, 0) => Form::Document(Format::Yaml),
        (Kind::Documents, 1) => Form::Document(Format::Json),
        (Kind::Documents, _) => Form::Document(Format::Toml),
        (Kind::Files, 0) => Form::File(Format::Yaml),
        (Kind::Files, 1) => Form::File(Format::Toml),
        (Kind::Files, _) => Form::File(Format::Env),
        (Kind::Environment, _) => Form::Variables,
        (Kind::Typed | Kind::Polled | Kind::Secrets, _) => Form::Keys,
    };
    let root = if kind == Kind::Secrets {
        roots.memory
    } else {
        roots.disk
    };
    let path = match form {
        // A folder of their own, as editors leave other files beside them.
        Form::File(format) => root.join("files").join(format!("{id}.{}", format.ending())),
        _ => root.join(&id),
    };
    let field = FIELDS.get(index).copied().unwrap_or(&id).to_owned();
    Place {
        field: if kind == Kind::Documents {
            id.clone()
        } else {
            field
        },
        id,
        form,
        path,
        secret: kind == Kind::Secrets,
    }
}

// === impl Format ===

impl Format {
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Env => "env",
        }
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.form, Form::File(_))
    }
}
