//! The configurations that the probe can run with.

use std::collections::BTreeMap;

use retune::{Retune, Secret, Token};
use retune_testbed::fingerprint;
use serde_json::{Value, json};

/// A configuration with something of each kind.
#[derive(Debug, Retune)]
pub(crate) struct Config {
    pub(crate) message: Option<String>,
    /// Falls to its default when nothing gives it.
    #[retune(default = "hello")]
    pub(crate) greeting: String,
    /// The test's number of an edit.
    pub(crate) revision: Option<u64>,
    pub(crate) left: Option<u64>,
    pub(crate) right: Option<u64>,
    /// Would be set by the variables of a Service that is called like the prefix.
    pub(crate) port: Option<u16>,
    pub(crate) log_level: Option<Level>,
    pub(crate) feature_flags: Flags,
    /// What the downward API writes.
    pub(crate) labels: Option<String>,
    pub(crate) annotations: Option<String>,
    pub(crate) token: Option<Token>,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) blob: Option<Vec<u8>>,
    /// Any number of keys: `items.a`, `one.k01`.
    #[retune(default)]
    pub(crate) items: BTreeMap<String, String>,
    #[retune(default)]
    pub(crate) one: BTreeMap<String, String>,
    #[retune(default)]
    pub(crate) two: BTreeMap<String, String>,
    #[retune(default)]
    pub(crate) three: BTreeMap<String, String>,
    /// Too much to show.
    #[retune(default)]
    pub(crate) bulk: BTreeMap<String, String>,
}

#[derive(Debug, Retune)]
pub(crate) struct Flags {
    #[retune(default = false)]
    pub(crate) new_ui: bool,
}

#[derive(Clone, Copy, Debug, Retune)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// A configuration that cannot do without a message.
#[derive(Debug, Retune)]
pub(crate) struct Required {
    pub(crate) message: String,
    pub(crate) revision: Option<u64>,
    #[retune(default)]
    pub(crate) items: BTreeMap<String, String>,
}

/// One value, as the probe looks at it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<'a> {
    Absent,
    Flag(bool),
    Number(u64),
    Text(&'a str),
    Secret(&'a str),
    Bytes(&'a [u8]),
    Map(&'a BTreeMap<String, String>),
    Bulk(&'a BTreeMap<String, String>),
}

/// A configuration that can be looked at value by value.
pub(crate) trait Probed: Retune {
    /// Its values by name.
    fn fields(&self) -> Vec<(&'static str, Field<'_>)>;
}

// === impl Config ===

impl Probed for Config {
    fn fields(&self) -> Vec<(&'static str, Field<'_>)> {
        vec![
            ("message", self.message.as_deref().into()),
            ("greeting", Field::Text(&self.greeting)),
            ("revision", self.revision.into()),
            ("left", self.left.into()),
            ("right", self.right.into()),
            ("port", self.port.map(u64::from).into()),
            ("log_level", self.log_level.map(Level::name).into()),
            (
                "feature_flags.new_ui",
                Field::Flag(self.feature_flags.new_ui),
            ),
            ("labels", self.labels.as_deref().into()),
            ("annotations", self.annotations.as_deref().into()),
            (
                "token",
                self.token
                    .as_ref()
                    .map_or(Field::Absent, |token| Field::Secret(token.expose())),
            ),
            ("password", self.password.as_ref().into()),
            (
                "blob",
                self.blob.as_deref().map_or(Field::Absent, Field::Bytes),
            ),
            ("items", Field::Map(&self.items)),
            ("one", Field::Map(&self.one)),
            ("two", Field::Map(&self.two)),
            ("three", Field::Map(&self.three)),
            ("bulk", Field::Bulk(&self.bulk)),
        ]
    }
}

// === impl Required ===

impl Probed for Required {
    fn fields(&self) -> Vec<(&'static str, Field<'_>)> {
        vec![
            ("message", Field::Text(&self.message)),
            ("revision", self.revision.into()),
            ("items", Field::Map(&self.items)),
        ]
    }
}

// === impl Level ===

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

// === impl Field ===

impl Field<'_> {
    /// As `/values` shows it: of secrets and of what is large a fingerprint alone.
    pub(crate) fn shown(self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::Flag(flag) => flag.into(),
            Self::Number(number) => number.into(),
            Self::Text(text) => text.into(),
            Self::Secret(text) => json!({ "fingerprint": fingerprint::of(text.as_bytes()) }),
            Self::Bytes(bytes) => json!({
                "bytes": bytes.len(),
                "fingerprint": fingerprint::of(bytes),
            }),
            Self::Map(map) => json!(map),
            Self::Bulk(map) => {
                let all: String = map.iter().map(|(k, v)| format!("{k}\0{v}\0")).collect();
                json!({
                    "keys": map.len(),
                    "bytes": map.values().map(String::len).sum::<usize>(),
                    "fingerprint": fingerprint::of(all.as_bytes()),
                })
            }
        }
    }
}

impl From<Option<u64>> for Field<'_> {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::Absent, Self::Number)
    }
}

impl<'a> From<Option<&'a str>> for Field<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }
}

impl<'a> From<Option<&'a Secret<String>>> for Field<'a> {
    fn from(secret: Option<&'a Secret<String>>) -> Self {
        secret.map_or(Self::Absent, |secret| Self::Secret(secret.expose()))
    }
}
