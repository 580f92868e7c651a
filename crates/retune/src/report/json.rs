//! Problems and origins for programs.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::explain::Given;
use crate::origin::{Origin, Place, Span};
use crate::problem::Problem;

/// An origin as it may be told: of a secret without its column, which says how long what stands
/// before it is.
struct Told<'a> {
    origin: &'a Origin,
    secret: bool,
}

/// `path`, `message`, `help` (or null), `origin` (or null).
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let origin = self.origin().map(|origin| Told {
            origin,
            secret: self.is_secret(),
        });
        let mut fields = serializer.serialize_struct("Problem", 4)?;
        fields.serialize_field("path", self.path())?;
        fields.serialize_field("message", self.message())?;
        fields.serialize_field("help", &self.help())?;
        fields.serialize_field("origin", &origin)?;
        fields.end()
    }
}

/// `kind` (`file`, `mount`, `object`, `variable-file`, `variable`, `flag`, `code`, `default`, `replaced`), `text` (its usual
/// short form), and the parts that the kind has: `file`, `mount` and `key`, `object` and `key` (and the manifest as `file`), `variable`,
/// `flag`, `line` and `column`.
impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Told {
            origin: self,
            secret: false,
        }
        .serialize(serializer)
    }
}

/// `value`, `origin`, `secret`, and `ignored` where it is.
impl Serialize for Given {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (origin, secret) = (&self.origin, self.secret);
        let mut fields = serializer.serialize_struct("Given", 4)?;
        fields.serialize_field("value", &self.value)?;
        fields.serialize_field("origin", &Told { origin, secret })?;
        fields.serialize_field("secret", &secret)?;
        match &self.ignored {
            Some(why) => fields.serialize_field("ignored", why)?,
            None => fields.skip_field("ignored")?,
        }
        fields.end()
    }
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.origin {
            Origin::Text(span) => self.text(&mut map, span)?,
            other => {
                map.serialize_entry("text", &other.told(self.secret))?;
                match other {
                    Origin::Env(variable) => {
                        map.serialize_entry("kind", "variable")?;
                        map.serialize_entry("variable", &**variable)?;
                    }
                    Origin::Flag(flag) => {
                        map.serialize_entry("kind", "flag")?;
                        map.serialize_entry("flag", &**flag)?;
                    }
                    Origin::Code(location) => {
                        map.serialize_entry("kind", "code")?;
                        map.serialize_entry("file", location.file())?;
                        map.serialize_entry("line", &location.line())?;
                        map.serialize_entry("column", &location.column())?;
                    }
                    Origin::Replaced(_) => map.serialize_entry("kind", "replaced")?,
                    Origin::Default | Origin::Text(_) => map.serialize_entry("kind", "default")?,
                }
            }
        }
        map.end()
    }
}

impl Told<'_> {
    fn text<M: SerializeMap>(&self, map: &mut M, span: &Span) -> Result<(), M::Error> {
        match span.place() {
            Place::File(file) => {
                map.serialize_entry("kind", "file")?;
                map.serialize_entry("file", &file.to_string_lossy())?;
            }
            Place::Key { mount, key } => {
                map.serialize_entry("kind", "mount")?;
                map.serialize_entry("mount", &mount.to_string_lossy())?;
                map.serialize_entry("key", &key.to_string_lossy())?;
            }
            Place::Source { name, key } => {
                map.serialize_entry("kind", "closure")?;
                map.serialize_entry("source", name)?;
                map.serialize_entry("key", &key.to_string_lossy())?;
            }
            Place::Object {
                object,
                key,
                manifest,
            } => {
                map.serialize_entry("kind", "object")?;
                map.serialize_entry("object", object)?;
                map.serialize_entry("key", &key.to_string_lossy())?;
                if let Some(at) = manifest {
                    map.serialize_entry("file", &at.file.to_string_lossy())?;
                }
            }
            Place::EnvFile { variable, file } => {
                map.serialize_entry("kind", "variable-file")?;
                map.serialize_entry("variable", variable)?;
                map.serialize_entry("file", &file.to_string_lossy())?;
            }
        }
        map.serialize_entry("line", &span.line())?;
        if self.secret {
            return map.serialize_entry("text", &format!("{}:{}", span.file(), span.line()));
        }
        map.serialize_entry("column", &span.column())?;
        map.serialize_entry("text", &span.to_string())
    }
}
