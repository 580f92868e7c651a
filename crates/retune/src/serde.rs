//! A type of serde's as a whole configuration.

use std::fmt;
use std::ops::Deref;

use serde::de::DeserializeOwned;

use crate::Retune;
use crate::decode::{Decoder, Value};
use crate::node::Node;
use crate::schema::{Schema, Shape};
use crate::values::deserialize;

/// A whole type by its own `Deserialize`, without the derive.
///
/// ```
/// use retune::{Retune, Serde, source::Env};
/// use serde::Deserialize;
///
/// #[derive(Debug, Deserialize)]
/// struct Config {
///     message: String,
///     db: Db,
/// }
///
/// #[derive(Debug, Deserialize)]
/// struct Db {
///     host: String,
///     #[serde(default)]
///     pool: Option<u32>,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let file = dir.path().join("app.yaml");
/// std::fs::write(&file, "message: Hello World\ndb:\n  host: localhost\n")?;
/// let config = Serde::<Config>::loader()
///     .file(file)
///     .env(Env::from_iter("APP", [("APP_DB__POOL", "8")]))
///     .watch()?;
///
/// let now = config.load();
/// assert_eq!(now.message, "Hello World");
/// assert_eq!((now.db.host.as_str(), now.db.pool), ("localhost", Some(8)));
/// # Ok(())
/// # }
/// ```
///
/// Sources are merged key by key, at every depth that is a map. What is missing, optional or a default
/// is the type's own affair; so is `null`. A name that a struct ignores is a warning with a suggestion,
/// and refused with [`strict`](crate::Loader::strict) or by the type's own `deny_unknown_fields`.
///
/// # Names
///
/// They are the type's own, and their case counts, as serde has it. A key of a mount is taken as it
/// is; `.` or `/` in it nests. A variable is what follows the prefix, and `__` in it nests:
/// `APP_DB__POOL` is `db.pool`. As case says nothing there, it means the key or field that has the
/// same letters (`APP_LOG_LEVEL` is also `logLevel`), or else its own name in lower case. There must
/// be a prefix. There are no flags.
///
/// # Text
///
/// Text from variables and mounted keys is what the type asks for: a number, a bool, a variant by its
/// name, `a, b` or brackets for a list, `a=1, b=2` or braces for a map. A type that takes anything
/// (`untagged`, `flatten`) gets text.
///
/// # What the derive does better
///
/// Serde stops at the first mistake, so that only that one is told, by its path and place (by that of
/// the whole for `untagged` and `flatten`, which look at a copy). There are no docs, defaults or names
/// of values to show before something gives them. Nothing is a secret but what comes from a source that
/// is marked so; a derived type has [`Secret`](crate::Secret) for single fields.
///
/// As a field of a derived type it is merged key by key too, where `#[retune(serde)]` takes the
/// highest source whole.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serde<T>(pub T);

const ANYTHING: &str = "what its type deserializes";

// === impl Serde ===

impl<T> Serde<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned> Value for Serde<T> {
    const SHAPE: Shape = Shape::Tree(ANYTHING);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        deserialize(node, decoder, None).map(Self)
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> Retune for Serde<T> {
    const SCHEMA: &'static Schema = &Schema::new("Serde", "", &[]).open(&Shape::Tree(ANYTHING));
}

impl<T> Deref for Serde<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// As the type itself.
impl<T: fmt::Debug> fmt::Debug for Serde<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
