//! Several keys, each with an id.

use std::collections::BTreeMap;
use std::fmt;
use std::iter;

use crate::decode::{Decoder, Value};
use crate::error::Error;
use crate::live::{Gate, View};
use crate::node::{Node, NodeValue};
use crate::schema::{Field, Schema, Shape};
use crate::secret::{REDACTED, Secret};

/// Several keys, each with an id (the `kid` of a token), of which the newest is that of the greatest id.
///
/// As a field `jwt: KeySet` it is given by a Secret whose keys are files of their own,
///
/// ```text
/// jwt.keys.2026-11-03   …
/// jwt.keys.2026-11-21   …
/// jwt.active            2026-11-03     (may be left out)
/// ```
///
/// or by a document:
///
/// ```yaml
/// jwt:
///   active: 2026-11-03
///   keys: {2026-11-03: …, 2026-11-21: …}
/// ```
///
/// An id is taken as it is written, with its case, dashes, dots and underscores (but a file whose name ends
/// in `.yaml`, `.json`, `.toml` or `.env` is a document). Ids are ordered as texts: dates, or ULIDs, are in
/// the order in which they were made; `9` comes after `10`. Ids are shown, keys are not.
///
/// There is at least one key, no key is empty, and `active` is the id of one of them; anything else is
/// refused. `T` is what a key is: text, or `Vec<u8>` for bytes.
///
/// Who checks signatures looks up the key by the id that it was given; who signs does it by a
/// [`Signer`](crate::Signer), which waits for the others.
///
/// ```
/// use retune::{KeySet, Retune};
///
/// #[derive(Debug, Retune)]
/// struct Config {
///     jwt: KeySet,
/// }
///
/// # fn main() -> Result<(), retune::Error> {
/// # let volume = tempfile::tempdir().unwrap();
/// # std::fs::write(volume.path().join("jwt.keys.2026-11-21"), "hunter2").unwrap();
/// let config = Config::loader().mount(volume.path()).watch()?;
/// config.with(|c| {
///     assert!(c.jwt.get("2026-11-21").is_some());
///     assert!(c.jwt.get("2026-11-03").is_none());
///     assert_eq!(format!("{:?}", c.jwt), r#"KeySet { ids: ["2026-11-21"], active: None }"#);
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeySet<T = String> {
    /// Apart from the others, so that there is one.
    oldest: (String, Secret<T>),
    newer: BTreeMap<String, Secret<T>>,
    active: Option<String>,
}

// === impl KeySet ===

impl<T> KeySet<T> {
    /// A set of these keys, as a configuration gives it.
    ///
    /// # Errors
    ///
    /// When there is no key, or none with the id `active`.
    pub fn new(
        keys: impl IntoIterator<Item = (String, Secret<T>)>,
        active: Option<&str>,
    ) -> Result<Self, Error> {
        let keys = keys.into_iter().collect();
        Self::of(keys, active.map(str::to_owned)).map_err(Error::message)
    }

    fn of(mut keys: BTreeMap<String, Secret<T>>, active: Option<String>) -> Result<Self, String> {
        if let Some(active) = active.as_ref().filter(|active| !keys.contains_key(*active)) {
            return Err(unknown(active, keys.keys()));
        }
        Ok(Self {
            oldest: keys.pop_first().ok_or(NO_KEY)?,
            newer: keys,
            active,
        })
    }

    /// The key with this id.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&Secret<T>> {
        match self.oldest.0 == kid {
            true => Some(&self.oldest.1),
            false => self.newer.get(kid),
        }
    }

    /// All ids, from the oldest to the newest.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = &str> {
        iter::once(&self.oldest.0)
            .chain(self.newer.keys())
            .map(String::as_str)
    }

    /// The id of the key that is to sign, where the configuration says so.
    #[must_use]
    pub fn active(&self) -> Option<&str> {
        self.active.as_deref()
    }

    /// The key that has been there for longest.
    pub(super) fn oldest(&self) -> (&str, &Secret<T>) {
        (&self.oldest.0, &self.oldest.1)
    }
}

const NO_KEY: &str = "there is no key";

fn unknown<'a>(active: &str, ids: impl Iterator<Item = &'a String>) -> String {
    let ids: Vec<_> = ids.map(|kid| format!("`{kid}`")).collect();
    match ids.is_empty() {
        true => format!("no key has the id `{active}`"),
        false => format!("no key has the id `{active}`; there are {}", ids.join(", ")),
    }
}

impl<T: Value> KeySet<T> {
    const ACTIVE: &'static Field = &Field::new(
        "active",
        "Id of the key that signs. If not given: the newest that all who check signatures have.",
        <Option<String> as Value>::SHAPE,
    );
    const KEYS: &'static Field = &Field::new(
        "keys",
        "The keys by their ids.",
        Shape::Map(&Shape::Secret(&T::SHAPE)),
    );
    const FIELDS: &'static [Field] = &[*Self::ACTIVE, *Self::KEYS];
    const SCHEMA: &'static Schema =
        &Schema::new("KeySet", "Keys that have ids.", Self::FIELDS).checked();
}

impl<T: Value> Value for KeySet<T> {
    const SHAPE: Shape = Shape::Struct(Self::SCHEMA);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.structure(node, Self::SCHEMA)?;
        let active = decoder.field(node, Self::ACTIVE, Value::decode, || Some(None));
        let keys = decoder.field(node, Self::KEYS, keys::<T>, || None);
        let (active, keys): (Option<String>, _) = (active?, keys?);
        match Self::of(keys, active) {
            Ok(set) => Some(set),
            Err(reason) => {
                let to_blame = node.get(Self::ACTIVE.name).unwrap_or(node);
                let help = "give that key, or leave `active` out".to_owned();
                decoder.within(Self::ACTIVE.name, |decoder| {
                    decoder.problem(to_blame, reason, Some(help));
                });
                None
            }
        }
    }
}

fn keys<T: Value>(node: &Node, decoder: &mut Decoder) -> Option<BTreeMap<String, Secret<T>>> {
    let keys = decoder.entries(node, |key, decoder| {
        if is_empty(key) {
            let help = "give it a key, or remove it".to_owned();
            decoder.problem(key, "an empty key".to_owned(), Some(help));
            return None;
        }
        Value::decode(key, decoder)
    })?;
    if keys.iter().any(|(kid, _)| kid.is_empty()) {
        let help = "name it `keys.ID`".to_owned();
        decoder.problem(node, "a key without an id".to_owned(), Some(help));
        return None;
    }
    if keys.is_empty() {
        let help = "name each key `keys.ID`".to_owned();
        decoder.problem(node, NO_KEY.to_owned(), Some(help));
        return None;
    }
    Some(keys.into_iter().collect())
}

fn is_empty(key: &Node) -> bool {
    match &key.value {
        NodeValue::Text { text, .. } => text.is_empty(),
        NodeValue::File(bytes) => bytes.is_empty(),
        _ => false,
    }
}

impl<T> PartialEq for KeySet<T>
where
    Secret<T>: PartialEq,
{
    fn eq(&self, other: &Self) -> bool {
        self.oldest == other.oldest && self.newer == other.newer && self.active == other.active
    }
}

impl<T> Eq for KeySet<T> where Secret<T>: Eq {}

/// The ids alone.
impl<T> fmt::Debug for KeySet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("ids", &self.ids().collect::<Vec<_>>())
            .field("active", &self.active)
            .finish()
    }
}

/// Keys as `[redacted]`.
impl<T> serde::Serialize for KeySet<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let keys: BTreeMap<_, _> = self.ids().map(|kid| (kid, REDACTED)).collect();
        let mut fields = serializer.serialize_struct("KeySet", 2)?;
        fields.serialize_field("active", &self.active)?;
        fields.serialize_field("keys", &keys)?;
        fields.end()
    }
}

// === impl View ===

impl<T: Send + Sync + 'static, K: 'static> View<T, KeySet<K>>
where
    Secret<K>: PartialEq,
{
    /// Refuses an update that puts another key under an id that is there already.
    ///
    /// An id is all that a token says of its key. While one process has the old key under that id and
    /// another has the new one, nobody can tell whose fault a bad signature is; and who
    /// [asks](crate::Signer) whether all have that id is told that they do. So a new key has a new id, and
    /// a key that is to go is removed with its id.
    ///
    /// A process that starts has no older key to compare with, and takes what is there.
    #[track_caller]
    #[must_use = "dropping the gate removes it; `detach()` keeps it"]
    pub fn refuse_reused_ids(&self) -> Gate {
        self.gate(|old, new| {
            let reused = new.ids().filter(|kid| {
                let (old, new) = (old.get(kid), new.get(kid));
                old.is_some() && old != new
            });
            let reused: Vec<_> = reused.map(|kid| format!("`{kid}`")).collect();
            match reused.is_empty() {
                true => Ok(()),
                false => Err(format!(
                    "another key under the same id: {}; give the new key an id of its own, and remove the old \
                     one with its id",
                    reused.join(", ")
                )),
            }
        })
    }
}
