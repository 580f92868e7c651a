//! Types around a value, and the same for values that the derive decodes by `from_str` or `serde`.

use std::sync::Arc;

use crate::decode::{Decoder, Value};
use crate::node::{Node, NodeValue};
use crate::schema::Shape;
use crate::secret::Secret;

/// A value that may be missing. A struct is there when any of its keys is.
impl<T: Value> Value for Option<T> {
    const SHAPE: Shape = Shape::Optional(&T::SHAPE);
    const WIPES: bool = T::WIPES;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        optional(node, decoder, T::decode)
    }

    fn wipe(&mut self) {
        self.iter_mut().for_each(T::wipe);
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

/// A value that is shown nowhere.
impl<T: Value> Value for Secret<T> {
    const SHAPE: Shape = Shape::Secret(&T::SHAPE);
    const WIPES: bool = T::WIPES;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let value = exposed(node, decoder, T::decode)?;
        if T::WIPES && node.is_own_file() {
            decoder.note_wiped();
        }
        Some(Self::wiped_by(value, T::wipe))
    }

    fn missing() -> Option<Self> {
        let value = T::missing()?;
        Some(Self::wiped_by(value, T::wipe))
    }

    fn wipe(&mut self) {
        Self::wipe(self);
    }
}

macro_rules! pointers {
    ($($ty:ident, $wipes:expr, $wipe:expr;)*) => {$(
        /// The value, on the heap.
        impl<T: Value> Value for $ty<T> {
            const SHAPE: Shape = T::SHAPE;
            const WIPES: bool = $wipes;

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                T::decode(node, decoder).map(Self::new)
            }

            fn missing() -> Option<Self> {
                T::missing().map(Self::new)
            }

            fn wipe(&mut self) {
                $wipe(self);
            }
        }
    )*};
}

pointers! {
    Box, T::WIPES, |value: &mut Self| T::wipe(value);
    // Others may hold it.
    Arc, false, |value: &mut Self| Self::get_mut(value).into_iter().for_each(T::wipe);
}

/// For the derive: `None` for null, else what `decode` makes of the node.
pub fn optional<T>(
    node: &Node,
    decoder: &mut Decoder,
    decode: impl FnOnce(&Node, &mut Decoder) -> Option<T>,
) -> Option<Option<T>> {
    match node.value {
        NodeValue::Null => Some(None),
        _ => decode(node, decoder).map(Some),
    }
}

/// For the derive: decodes as a secret, wherever the node came from, a type that says nothing of how to
/// wipe it.
pub fn secret<T>(
    node: &Node,
    decoder: &mut Decoder,
    decode: impl FnOnce(&Node, &mut Decoder) -> Option<T>,
) -> Option<Secret<T>> {
    exposed(node, decoder, decode).map(Secret::unwiped)
}

fn exposed<T>(
    node: &Node,
    decoder: &mut Decoder,
    decode: impl FnOnce(&Node, &mut Decoder) -> Option<T>,
) -> Option<T> {
    match node.secret {
        true => decode(node, decoder),
        false => decode(&node.clone().into_secret(), decoder),
    }
}

/// For the derive: whether what was decoded of a node in vain is to be wiped.
pub fn is_secret(node: &Node) -> bool {
    node.secret
}

/// For the derive: the one value of a variant.
pub fn content<T>(
    node: &Node,
    decoder: &mut Decoder,
    decode: impl FnOnce(&Node, &mut Decoder) -> Option<T>,
) -> Option<T> {
    decode(node, decoder)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, file, list, map};
    use super::*;

    #[test]
    fn null_is_none() {
        assert_eq!(decode::<Option<u8>>(Node::null()).unwrap(), None);
        assert_eq!(decode::<Option<u8>>(env("7")).unwrap(), Some(7));
        assert_eq!(*decode::<Box<u8>>(env("7")).unwrap(), 7);
        assert_eq!(*decode::<Arc<u8>>(env("7")).unwrap(), 7);
    }

    #[test]
    fn d2_a_secret_loses_one_final_newline_and_bytes_lose_none() {
        assert_eq!(
            decode::<Secret<String>>(file("s3cr3t\n")).unwrap().expose(),
            "s3cr3t"
        );
        let pem = "-----BEGIN KEY-----\nAA==\n-----END KEY-----\n";
        assert_eq!(
            decode::<Secret<Vec<u8>>>(file(pem)).unwrap().expose(),
            pem.as_bytes()
        );
    }

    #[test]
    fn h2_a_secret_that_does_not_parse_is_not_quoted() {
        let values: [fn(Node) -> Vec<crate::Problem>; 6] = [
            |node| decode::<Secret<u16>>(node).unwrap_err(),
            |node| decode::<Secret<char>>(node).unwrap_err(),
            |node| decode::<Option<Secret<std::time::Duration>>>(node).unwrap_err(),
            |node| decode::<Secret<Option<bool>>>(node).unwrap_err(),
            |node| decode::<Vec<Secret<f64>>>(list([node])).unwrap_err(),
            |node| {
                let node = map([("k", node)]);
                decode::<Secret<std::collections::BTreeMap<String, u8>>>(node).unwrap_err()
            },
        ];
        for problems in values {
            for node in [env("hunter2"), file("hunter2\n")] {
                let problems = problems(node);
                assert!(problems.iter().all(crate::Problem::is_secret));
                let shown = format!("{problems:?} {}", problems[0]);
                assert!(!shown.contains("hunter"), "{shown}");
                assert!(shown.contains("not what was expected"), "{shown}");
            }
        }
    }

    #[test]
    fn h2_a_secret_source_is_not_quoted_by_a_plain_type() {
        let problems = decode::<u16>(env("hunter2").into_secret()).unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "APP_X: not what was expected: a whole number, 0 to 65535"
        );
    }
}
