//! Types around a value, and the same for values that the derive decodes by `from_str` or `serde`.

use std::sync::Arc;

use crate::decode::{Decoder, Value};
use crate::node::{Node, NodeValue};
use crate::schema::Shape;
use crate::secret::Secret;

/// A value that may be missing. A struct is there when any of its keys is.
impl<T: Value> Value for Option<T> {
    const SHAPE: Shape = Shape::Optional(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        optional(node, decoder, T::decode)
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

/// A value that is shown nowhere.
impl<T: Value> Value for Secret<T> {
    const SHAPE: Shape = Shape::Secret(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        secret(node, decoder, T::decode)
    }

    fn missing() -> Option<Self> {
        T::missing().map(Self::new)
    }
}

macro_rules! pointers {
    ($($ty:ident),*) => {$(
        /// The value, on the heap.
        impl<T: Value> Value for $ty<T> {
            const SHAPE: Shape = T::SHAPE;

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                T::decode(node, decoder).map(Self::new)
            }

            fn missing() -> Option<Self> {
                T::missing().map(Self::new)
            }
        }
    )*};
}

pointers!(Box, Arc);

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

/// For the derive: decodes as a secret, wherever the node came from.
pub fn secret<T>(
    node: &Node,
    decoder: &mut Decoder,
    decode: impl FnOnce(&Node, &mut Decoder) -> Option<T>,
) -> Option<Secret<T>> {
    let value = if node.secret {
        decode(node, decoder)
    } else {
        decode(&node.clone().into_secret(), decoder)
    };
    value.map(Secret::new)
}

/// For the derive: the one value of a variant.
pub fn content<T>(
    node: &Node,
    decoder: &mut Decoder,
    decode: impl FnOnce(&Node, &mut Decoder) -> Option<T>,
) -> Option<T> {
    decode(node, decoder)
}
