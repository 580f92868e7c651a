//! What the names of variables mean to a schema.

use super::Layer;
use crate::bind;
use crate::flat::{Flat, FlatValue};
use crate::name;
use crate::node::Node;
use crate::problem::{IGNORED, Problem};
use crate::schema::Way;

/// Which variables a source reads.
#[derive(Clone, Debug)]
pub(crate) struct VariableNames {
    pub(super) prefix: String,
    /// Of those that name files, where it is another.
    pub(super) file_prefix: Option<String>,
    /// Variables that are values.
    pub(super) values: bool,
    /// Variables that name files.
    pub(super) files: bool,
}

/// What a variable is to a schema.
pub(super) enum Meaning<'f> {
    /// The value at this path.
    Value(String),
    /// It names the file that holds the value.
    File(&'f FlatValue),
    Withheld(&'f FlatValue, Way),
    Unknown,
}

/// How the name of a variable ends that names a file.
pub(super) const FILE: &str = "_FILE";

// === impl VariableNames ===

impl VariableNames {
    /// Those with a prefix, and those that name files.
    #[cfg(feature = "check")]
    pub(crate) fn with_prefix(prefix: &str) -> Self {
        Self {
            prefix: without_underscore(prefix),
            file_prefix: None,
            values: true,
            files: true,
        }
    }

    /// The prefix of variables that are values.
    #[cfg(feature = "clap")]
    pub(crate) fn prefix(&self) -> Option<&str> {
        self.values.then_some(&*self.prefix)
    }

    pub(super) fn prefix_of_files(&self) -> &str {
        self.file_prefix.as_deref().unwrap_or(&self.prefix)
    }

    pub(super) fn meaning<'f>(&self, flat: &'f Flat, variable: &str) -> Meaning<'f> {
        let value = find(flat, &self.prefix, variable);
        let direct = variable.strip_suffix(FILE);
        let file = direct.and_then(|direct| find(flat, self.prefix_of_files(), direct));
        match (value, file) {
            (Some(found), _) if self.values && found.takes(Way::Env) => {
                Meaning::Value(found.dotted())
            }
            (_, Some(found)) if self.files && found.takes(Way::EnvFile) => Meaning::File(found),
            (Some(found), _) => Meaning::Withheld(found, Way::Env),
            (None, Some(found)) => Meaning::Withheld(found, Way::EnvFile),
            (None, None) => match stem(&self.prefix, variable) {
                Some(stem) if self.values && flat.is_open() => {
                    Meaning::Value(flat.of_variable(stem).into_owned())
                }
                _ => Meaning::Unknown,
            },
        }
    }

    /// The note on a variable with the prefix that no field answers to.
    pub(super) fn unknown(&self, flat: &Flat, variable: &str) -> Option<Problem> {
        // What a variable of this kind may have been meant for; `None` if it is none of them.
        let meant = |prefix: &str, name: &str, ending: &str| {
            let stem = stem(prefix, name).filter(|_| !prefix.is_empty())?;
            let nearest = flat.nearest(stem).map(|nearest| name::screaming(&nearest));
            Some(nearest.map(|nearest| format!("{prefix}_{nearest}{ending}")))
        };
        let value = self.values.then(|| meant(&self.prefix, variable, ""));
        let file = self.files.then(|| {
            let name = variable.strip_suffix(FILE)?;
            meant(self.prefix_of_files(), name, FILE)
        });
        let meant = match (value.flatten(), file.flatten()) {
            (None, None) => return None,
            (value, file) => value.flatten().or(file.flatten()),
        };
        let mut note = bind::unknown(variable.to_owned(), None);
        note.help = meant.map(|name| format!("did you mean `{name}`?"));
        Some(note)
    }

    /// How a value is given by a variable, for people.
    pub(crate) fn way(&self, value: &FlatValue) -> Option<String> {
        if self.values && value.takes(Way::Env) {
            return Some(format!("as the variable {}", value.variable(&self.prefix)));
        }
        let file = || value.variable(self.prefix_of_files());
        (self.files && value.takes(Way::EnvFile))
            .then(|| format!("in a file that the variable {}{FILE} names", file()))
    }
}

pub(super) fn without_underscore(prefix: impl Into<String>) -> String {
    let prefix = prefix.into();
    prefix.trim_end_matches('_').to_owned()
}

/// What follows the prefix.
pub(super) fn stem<'n>(prefix: &str, variable: &'n str) -> Option<&'n str> {
    if prefix.is_empty() {
        return Some(variable);
    }
    variable.strip_prefix(prefix)?.strip_prefix('_')
}

/// The value that a variable, named without `_FILE`, sets.
pub(super) fn find<'f>(flat: &'f Flat, prefix: &str, variable: &str) -> Option<&'f FlatValue> {
    let by_prefix = || stem(prefix, variable).and_then(|stem| flat.find(stem));
    flat.by_variable(variable).or_else(by_prefix)
}

/// Adds the values of variables to a layer, those by the prefix together: there may be thousands.
pub(super) fn place<'n>(
    flat: &Flat,
    prefix: &str,
    variables: impl IntoIterator<Item = (&'n str, Node)>,
    layer: &mut Layer,
) {
    let Layer { root, notes, .. } = layer;
    let mut named = Vec::new();
    for (variable, node) in variables {
        match (flat.by_variable(variable), stem(prefix, variable)) {
            (Some(found), _) => found.place(root, node, notes),
            (None, Some(stem)) => named.push((flat.of_variable(stem), node)),
            (None, None) => {}
        }
    }
    let named = named.iter().map(|(name, node)| (&**name, node.clone()));
    flat.place(root, named, notes);
}

/// The note on a name in a `.env` document that no field answers to; `stem` follows the prefix.
pub(super) fn unknown_in_document(flat: &Flat, prefix: &str, name: &str, stem: &str) -> Problem {
    let mut note = bind::unknown(name.to_owned(), None);
    let direct = stem.strip_suffix(FILE);
    if direct.is_some_and(|direct| flat.takes(direct)) {
        note.message = format!("names no file here, as a variable does: {IGNORED}");
        note.help = Some("set it in the environment, or name the file to the program".to_owned());
        return note;
    }
    let known = flat.nearest(stem).map(|name| name::screaming(&name));
    note.help = known.map(|name| match prefix {
        "" => format!("did you mean `{name}`?"),
        prefix => format!("did you mean `{prefix}_{name}`?"),
    });
    note
}
