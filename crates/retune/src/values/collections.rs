//! Lists, sets and maps.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use zeroize::Zeroize;

use crate::decode::{Decoder, Value};
use crate::node::Node;
use crate::schema::Shape;

/// A list. Of `u8`: bytes, exactly as they are.
impl<T: Value> Value for Vec<T> {
    const SHAPE: Shape = T::LIST_SHAPE;
    const WIPES: bool = T::LIST_WIPES;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        T::decode_list(node, decoder)
    }

    fn wipe(&mut self) {
        T::wipe_list(self);
    }
}

/// A list; what is given twice counts once.
impl<T: Value + Ord> Value for BTreeSet<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        Some(decoder.items(node, T::decode)?.into_iter().collect())
    }

    fn wipe(&mut self) {
        for mut item in std::mem::take(self) {
            item.wipe();
        }
    }
}

/// A list; what is given twice counts once.
impl<T: Value + Eq + Hash, S: BuildHasher + Default> Value for HashSet<T, S> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        Some(decoder.items(node, T::decode)?.into_iter().collect())
    }

    fn wipe(&mut self) {
        for mut item in self.drain() {
            item.wipe();
        }
    }
}

/// A map whose keys keep their case.
impl<T: Value> Value for BTreeMap<String, T> {
    const SHAPE: Shape = Shape::Map(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        Some(decoder.entries(node, T::decode)?.into_iter().collect())
    }

    fn wipe(&mut self) {
        self.values_mut().for_each(T::wipe);
        for (mut key, _) in std::mem::take(self) {
            key.zeroize();
        }
    }
}

/// A map whose keys keep their case.
impl<T: Value, S: BuildHasher + Default> Value for HashMap<String, T, S> {
    const SHAPE: Shape = Shape::Map(&T::SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        Some(decoder.entries(node, T::decode)?.into_iter().collect())
    }

    fn wipe(&mut self) {
        self.values_mut().for_each(T::wipe);
        for (mut key, _) in self.drain() {
            key.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, file, list, map, refusal};
    use super::*;

    #[test]
    fn d9_lists_from_documents() {
        assert_eq!(
            decode::<Vec<u16>>(list([env("1"), env("2")])).unwrap(),
            [1, 2]
        );
        assert_eq!(decode::<Vec<u16>>(list([])).unwrap(), [0_u16; 0]);
        let nested = list([list([env("1")]), list([])]);
        assert_eq!(decode::<Vec<Vec<u16>>>(nested).unwrap(), [vec![1], vec![]]);
        let set: BTreeSet<u8> = decode(list([env("2"), env("1"), env("2")])).unwrap();
        assert_eq!(set, BTreeSet::from([1, 2]));
        assert_eq!(
            decode::<HashSet<u8>>(list([env("2")])).unwrap(),
            HashSet::from([2])
        );
    }

    #[test]
    fn d9_lists_from_text() {
        assert_eq!(decode::<Vec<String>>(env("a, b,")).unwrap(), ["a", "b"]);
        assert_eq!(decode::<Vec<String>>(env("")).unwrap(), [""; 0]);
        assert_eq!(decode::<Vec<u16>>(file("1\n2\n")).unwrap(), [1, 2]);
    }

    #[test]
    fn d9_every_wrong_item_is_told_with_its_place() {
        let problems = decode::<Vec<u16>>(list([env("x"), env("2"), env("y")])).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path()).collect();
        assert_eq!(paths, ["[0]", "[2]"]);
        assert!(refusal::<Vec<u16>>(map([])).contains("expected a list, found a map"));
    }

    #[test]
    fn d15_keys_of_maps_keep_their_case() {
        let users: BTreeMap<String, u8> =
            decode(map([("Bob", env("21")), ("bob", env("3"))])).unwrap();
        assert_eq!(
            users,
            BTreeMap::from([("Bob".into(), 21), ("bob".into(), 3)])
        );
        let users: HashMap<String, u8> = decode(map([("Bob", env("21"))])).unwrap();
        assert_eq!(users["Bob"], 21);
        let problems = decode::<BTreeMap<String, u8>>(map([("Bob", env("x"))])).unwrap_err();
        assert_eq!(problems[0].path(), "Bob");
    }
}
