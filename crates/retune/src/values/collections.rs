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
        Some(decoder.values::<T>(node)?.into_iter().collect())
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
        Some(decoder.values::<T>(node)?.into_iter().collect())
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
        Some(decoder.values_by_key::<T>(node)?.into_iter().collect())
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
        Some(decoder.values_by_key::<T>(node)?.into_iter().collect())
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
    fn h4_what_was_decoded_in_vain_is_wiped_where_it_is_secret() {
        use std::cell::Cell;

        use crate::rotating::Rotating;
        use crate::secret::Secret;

        thread_local!(static WIPED: Cell<u32> = const { Cell::new(0) });

        #[derive(PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        struct Part(u8);

        impl Value for Part {
            const SHAPE: Shape = u8::SHAPE;

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                u8::decode(node, decoder).map(Self)
            }

            fn wipe(&mut self) {
                WIPED.set(WIPED.get() + 1);
            }
        }

        fn wiped<T: Value>(node: Node) -> u32 {
            WIPED.set(0);
            assert!(decode::<T>(node).is_err());
            WIPED.get()
        }
        let items = || list([env("1"), env("x"), env("2")]);
        assert_eq!(wiped::<Secret<Vec<Part>>>(items()), 2);
        assert_eq!(wiped::<Secret<BTreeSet<Part>>>(items()), 2);
        assert_eq!(wiped::<Secret<HashSet<Part>>>(items()), 2);
        let entries = || map([("a", env("1")), ("b", env("x"))]);
        assert_eq!(wiped::<Secret<BTreeMap<String, Part>>>(entries()), 1);
        assert_eq!(wiped::<Secret<HashMap<String, Part>>>(entries()), 1);
        for [current, previous] in [["1", "x"], ["x", "1"]] {
            let pair = map([("current", env(current)), ("previous", env(previous))]);
            assert_eq!(wiped::<Secret<Rotating<Part>>>(pair), 1);
        }
        assert_eq!(wiped::<Vec<Part>>(items()), 0);
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
