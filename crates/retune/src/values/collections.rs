//! Lists, sets and maps.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use crate::decode::{Decoder, Value};
use crate::node::Node;
use crate::schema::Shape;

/// A list. Of `u8`: bytes, exactly as they are.
impl<T: Value> Value for Vec<T> {
    const SHAPE: Shape = T::LIST_SHAPE;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        T::decode_list(node, decoder)
    }
}

/// A list; what is given twice counts once.
impl<T: Value + Ord> Value for BTreeSet<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        Some(decoder.items(node, T::decode)?.into_iter().collect())
    }
}

/// A list; what is given twice counts once.
impl<T: Value + Eq + Hash, S: BuildHasher + Default> Value for HashSet<T, S> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        Some(decoder.items(node, T::decode)?.into_iter().collect())
    }
}

/// A map whose keys keep their case.
impl<T: Value> Value for BTreeMap<String, T> {
    const SHAPE: Shape = Shape::Map(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        Some(decoder.entries(node, T::decode)?.into_iter().collect())
    }
}

/// A map whose keys keep their case.
impl<T: Value, S: BuildHasher + Default> Value for HashMap<String, T, S> {
    const SHAPE: Shape = Shape::Map(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        Some(decoder.entries(node, T::decode)?.into_iter().collect())
    }
}
