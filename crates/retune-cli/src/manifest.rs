//! ConfigMaps and Secrets as they are written in manifests.
//!
//! No message of this file quotes a value: the manifest may hold a Secret.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value};

use crate::failure::{Failure, Result};

/// The keys of one object with their bytes.
pub(crate) type Keys = BTreeMap<String, Vec<u8>>;

/// A ConfigMap or Secret.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    fields: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ConfigMap,
    Secret,
}

/// The text of a manifest, `-` being the standard input, and how to call it.
pub(crate) fn read_text(filename: &Path) -> Result<(String, String)> {
    let (text, place) = if filename == Path::new("-") {
        (io::read_to_string(io::stdin()), "standard input".to_owned())
    } else {
        (fs::read_to_string(filename), filename.display().to_string())
    };
    Ok((text.map_err(Failure::at(&place))?, place))
}

/// The ConfigMaps and Secrets of a YAML or JSON text, those in lists too; other kinds are left out.
pub(crate) fn objects(text: &str) -> Result<Vec<Object>> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // The default quotes the number that it refuses.
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Failure::new(format!("not valid YAML: {}", told(text, &error))))?;
    let mut found = Vec::new();
    for document in documents {
        collect(document, &mut found)?;
    }
    Ok(found)
}

/// A parser's error; where there may be a Secret, without the column, which tells how long what stands
/// before it is.
fn told(text: &str, error: &serde_saphyr::Error) -> String {
    let told = error.to_string();
    match told.find(", column ") {
        Some(column) if text.contains("Secret") => told[..column].to_owned(),
        _ => told,
    }
}

/// Picks the one object, or the one that is called `name` or `kind/name`.
pub(crate) fn pick(mut objects: Vec<Object>, name: Option<&str>) -> Result<Object> {
    chosen(&objects, name).map(|at| objects.swap_remove(at))
}

/// Which of them that is.
pub(crate) fn chosen<'o>(
    objects: impl IntoIterator<Item = &'o Object>,
    name: Option<&str>,
) -> Result<usize> {
    let objects: Vec<_> = objects.into_iter().collect();
    let all: Vec<_> = objects.iter().map(|object| object.title()).collect();
    let all = all.join(", ");
    let mut chosen = objects.iter().enumerate().filter(|(_, object)| {
        name.is_none_or(|name| name == object.name || name.eq_ignore_ascii_case(&object.title()))
    });
    match (chosen.next(), chosen.next()) {
        (Some((at, _)), None) => Ok(at),
        (None, _) if all.is_empty() => Err(Failure::new("holds neither a ConfigMap nor a Secret")),
        (None, _) => {
            let name = name.unwrap_or_default();
            Err(Failure::new(format!(
                "holds no object called {name}, but {all}"
            )))
        }
        (Some(_), Some(_)) => Err(Failure::new(format!(
            "holds several objects ({all}): name one with --name"
        ))),
    }
}

fn collect(document: Value, found: &mut Vec<Object>) -> Result {
    let Value::Object(mut fields) = document else {
        return Err(Failure::new(
            "expected an object with `kind`, found something else",
        ));
    };
    let kind = match fields.get("kind").and_then(Value::as_str) {
        Some("ConfigMap") => Kind::ConfigMap,
        Some("Secret") => Kind::Secret,
        Some(list) if list.ends_with("List") => {
            if let Some(Value::Array(items)) = fields.remove("items") {
                items
                    .into_iter()
                    .try_for_each(|item| collect(item, found))?;
            }
            return Ok(());
        }
        Some(_) => return Ok(()),
        None => return Err(Failure::new("an object has no `kind`")),
    };
    let name = fields
        .get("metadata")
        .and_then(|metadata| metadata.get("name"));
    let name = name
        .and_then(Value::as_str)
        .unwrap_or("(without a name)")
        .to_owned();
    found.push(Object { kind, name, fields });
    Ok(())
}

// === impl Object ===

impl Object {
    /// `ConfigMap/greeter`.
    pub(crate) fn title(&self) -> String {
        format!("{:?}/{}", self.kind, self.name)
    }

    /// What a volume of this object holds.
    pub(crate) fn keys(&self) -> Result<Keys> {
        let known: &[&str] = match self.kind {
            Kind::ConfigMap => &["data", "binaryData"],
            Kind::Secret => &["data", "stringData"],
        };
        let wrong = ["data", "binaryData", "stringData"]
            .into_iter()
            .find(|field| {
                !known.contains(field)
                    && self
                        .fields
                        .get(*field)
                        .is_some_and(|value| !value.is_null())
            });
        if let Some(field) = wrong {
            let known = known.join(" and ");
            let title = self.title();
            return Err(Failure::new(format!(
                "{title} has `{field}`; expected {known}"
            )));
        }
        let (mut keys, above) = match self.kind {
            Kind::ConfigMap => (
                self.section("data", text)?,
                self.section("binaryData", decoded)?,
            ),
            Kind::Secret => (
                self.section("data", decoded)?,
                self.section("stringData", text)?,
            ),
        };
        for (key, bytes) in above {
            if keys.insert(key.clone(), bytes).is_some() && self.kind == Kind::ConfigMap {
                let title = self.title();
                let message = format!("{title}: the key `{key}` is in data and in binaryData");
                return Err(Failure::new(message));
            }
        }
        Ok(keys)
    }

    /// One map of keys, each value read by `read`, which says what is wrong with it.
    fn section(
        &self,
        field: &str,
        read: fn(&str) -> std::result::Result<Vec<u8>, &'static str>,
    ) -> Result<Keys> {
        let title = self.title();
        let entries = match self.fields.get(field) {
            None | Some(Value::Null) => return Ok(Keys::new()),
            Some(Value::Object(entries)) => entries,
            Some(_) => {
                return Err(Failure::new(format!(
                    "{title}: {field} is not a map of keys"
                )));
            }
        };
        let mut keys = Keys::new();
        for (key, value) in entries {
            let place = format!("{title}: {field}.{key}");
            check_key(key).map_err(Failure::at(&place))?;
            let bytes = match value {
                Value::String(value) => read(value),
                Value::Null => Ok(Vec::new()),
                Value::Bool(_) => Err("a boolean where text is expected: put it in quotes"),
                Value::Number(_) => Err("a number where text is expected: put it in quotes"),
                Value::Array(_) | Value::Object(_) => {
                    Err("a list or map where text is expected: make it a block (`key: |`)")
                }
            };
            keys.insert(key.clone(), bytes.map_err(Failure::at(place))?);
        }
        Ok(keys)
    }
}

fn text(value: &str) -> std::result::Result<Vec<u8>, &'static str> {
    Ok(value.into())
}

fn decoded(value: &str) -> std::result::Result<Vec<u8>, &'static str> {
    let packed: String = value
        .chars()
        .filter(|c| !matches!(c, '\n' | '\r'))
        .collect();
    BASE64_STANDARD
        .decode(packed)
        .map_err(|_| "not base64 (a Secret takes plain text in stringData)")
}

/// What Kubernetes asks of the keys of ConfigMaps and Secrets.
pub(crate) fn check_key(key: &str) -> std::result::Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.is_empty() || !key.chars().all(allowed) {
        Err("a key is made of letters, digits, `-`, `_` and `.`")
    } else if key.len() > 253 {
        Err("a key has at most 253 characters")
    } else if key == "." || key.starts_with("..") {
        Err("a key is not `.` and does not begin with `..`")
    } else {
        Ok(())
    }
}
