//! What must hold of every generation: values that were published together are seen together.
//!
//! A test writes the number of its edit into the values: `r17:` before a text (`r17/20:` if the map
//! that it stands in has 20 keys), or 17 where the value is a number. All values of a map are one
//! group, and so are the fields that `--together` names. Values without a number do not count.

use std::collections::BTreeMap;
use std::fmt;

use crate::config::Field;

/// Names of fields whose values are always published together.
pub(crate) type Group = Vec<String>;

/// Values of different edits in one generation. It tells names and numbers alone, as the values may
/// be secrets.
#[derive(Debug, PartialEq)]
pub(crate) enum Torn {
    /// Two values of one group are of different edits.
    Mixed {
        group: String,
        one: (String, u64),
        other: (String, u64),
    },
    /// A map has not as many keys as its values say.
    Keys {
        group: String,
        expected: usize,
        found: usize,
    },
}

/// The number of the edit that a value is of, and how many keys its map then has.
#[derive(Clone, Copy)]
struct Revision {
    number: u64,
    keys: Option<usize>,
}

/// Looks at every group of one generation.
pub(crate) fn check(fields: &[(&str, Field<'_>)], together: &[Group]) -> Result<(), Torn> {
    for (name, field) in fields {
        if let Field::Map(map) | Field::Bulk(map) = field {
            let values = map
                .iter()
                .map(|(key, value)| (key.as_str(), Revision::of(value)));
            same(name, values)?;
            let said = map.values().find_map(|value| Revision::of(value)?.keys);
            if let Some(expected) = said.filter(|keys| *keys != map.len()) {
                return Err(Torn::Keys {
                    group: (*name).to_owned(),
                    expected,
                    found: map.len(),
                });
            }
        }
    }
    for group in together {
        let members = fields
            .iter()
            .filter(|(name, _)| group.iter().any(|member| member == name));
        same(
            &group.join(","),
            members.map(|(name, field)| (*name, field.revision())),
        )?;
    }
    Ok(())
}

/// The edit that each field is of, as far as it tells.
pub(crate) fn revisions(fields: &[(&'static str, Field<'_>)]) -> BTreeMap<&'static str, u64> {
    let told = |(name, field): &(&'static str, Field<'_>)| Some((*name, field.revision()?.number));
    fields.iter().filter_map(told).collect()
}

fn same<'a>(
    group: &str,
    values: impl Iterator<Item = (&'a str, Option<Revision>)>,
) -> Result<(), Torn> {
    let mut told = values.filter_map(|(name, revision)| Some((name, revision?.number)));
    let Some(first) = told.next() else {
        return Ok(());
    };
    match told.find(|(_, number)| *number != first.1) {
        None => Ok(()),
        Some(other) => Err(Torn::Mixed {
            group: group.to_owned(),
            one: (first.0.to_owned(), first.1),
            other: (other.0.to_owned(), other.1),
        }),
    }
}

// === impl Torn ===

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mixed { group, one, other } => write!(
                f,
                "`{group}`: `{}` is of edit {}, `{}` of edit {}",
                one.0, one.1, other.0, other.1
            ),
            Self::Keys {
                group,
                expected,
                found,
            } => write!(f, "`{group}`: has {found} keys, its values say {expected}"),
        }
    }
}

// === impl Revision ===

impl Revision {
    fn of(text: &str) -> Option<Self> {
        let (head, _) = text.strip_prefix('r')?.split_once(':')?;
        let (number, keys) = match head.split_once('/') {
            Some((number, keys)) => (number, Some(keys.parse().ok()?)),
            None => (head, None),
        };
        let number = number.parse().ok()?;
        Some(Self { number, keys })
    }
}

// === impl Field ===

impl Field<'_> {
    fn revision(self) -> Option<Revision> {
        match self {
            Self::Number(number) => Some(Revision { number, keys: None }),
            Self::Text(text) | Self::Secret(text) => Revision::of(text),
            Self::Bytes(bytes) => Revision::of(std::str::from_utf8(bytes).ok()?),
            Self::Map(map) | Self::Bulk(map) => map.values().find_map(|v| Revision::of(v)),
            Self::Absent | Self::Flag(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use retune::Retune;
    use retune_mount::Publisher;

    use super::*;
    use crate::config::{Config, Probed};

    /// What the check says of a volume with these keys.
    fn look(keys: &[(&str, &str)], together: &[&str]) -> Result<(), String> {
        let tmp = tempfile::tempdir().unwrap();
        let publisher = Publisher::open(tmp.path()).unwrap();
        publisher.publish(keys.iter().copied()).unwrap();
        let config = Config::loader().mount(tmp.path()).strict().once().unwrap();
        let together: Vec<Group> = together
            .iter()
            .map(|group| group.split(',').map(str::to_owned).collect())
            .collect();
        check(&config.fields(), &together).map_err(|torn| torn.to_string())
    }

    #[test]
    fn a_map_of_one_edit_is_whole_and_one_of_two_is_torn() {
        look(
            &[("one.a", "r3:x"), ("one.b", "r3:y"), ("two.a", "r4:x")],
            &[],
        )
        .unwrap();
        look(&[("one.a", "r3:x"), ("one.b", "no number")], &[]).unwrap();
        let torn = look(&[("one.a", "r3:x"), ("one.b", "r4:y")], &[]).unwrap_err();
        assert_eq!(torn, "`one`: `a` is of edit 3, `b` of edit 4");
        let torn = look(&[("bulk.a", "r3:x"), ("bulk.b", "r4:y")], &[]).unwrap_err();
        assert_eq!(torn, "`bulk`: `a` is of edit 3, `b` of edit 4");
    }

    #[test]
    fn a_map_that_lacks_a_key_is_torn() {
        look(&[("items.a", "r3/2:x"), ("items.b", "r3/2:y")], &[]).unwrap();
        let torn = look(&[("items.a", "r3/2:x")], &[]).unwrap_err();
        assert_eq!(torn, "`items`: has 1 keys, its values say 2");
    }

    #[test]
    fn fields_of_one_volume_are_torn_only_where_they_are_said_to_belong_together() {
        let keys = [
            ("message", "r3:hello"),
            ("token", "r3:secret"),
            ("revision", "4"),
            ("left", "3"),
            ("one.a", "r4:x"),
            ("blob", "r4:x"),
        ];
        look(&keys, &[]).unwrap();
        look(&keys, &["message,token,left", "one,revision,blob"]).unwrap();
        // What is absent does not count.
        look(&keys, &["message,right,password"]).unwrap();
        let torn = look(&keys, &["token,revision"]).unwrap_err();
        assert_eq!(
            torn,
            "`token,revision`: `revision` is of edit 4, `token` of edit 3"
        );
        assert!(!torn.contains("secret"));
    }
}
