//! A value and the one before it: a map of the two, since binding has made one of what was given.

use crate::decode::{Decoder, Value};
use crate::node::{Node, NodeValue};
use crate::origin::Origin;
use crate::rotating::{CURRENT, PREVIOUS, Rotating};
use crate::schema::Shape;

/// What is there now, and what was before it.
impl<T: Value> Value for Rotating<T> {
    const SHAPE: Shape = Shape::Rotating(&T::SHAPE);
    const WIPES: bool = T::WIPES;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let missing = T::missing();
        let (mut current, mut previous) = both(node, decoder, &T::SHAPE, T::decode, missing);
        // Of a secret, what was decoded in vain is wiped.
        if node.secret && (current.is_none() || previous.is_none()) {
            let parts = current.iter_mut().chain(previous.iter_mut().flatten());
            parts.for_each(T::wipe);
        }
        Some(Self::with_previous(current?, previous?))
    }

    fn missing() -> Option<Self> {
        T::missing().map(Self::new)
    }

    fn wipe(&mut self) {
        self.iter_mut().for_each(T::wipe);
    }
}

/// For the derive: decodes the two by one way of decoding.
pub fn rotating<T>(
    node: &Node,
    decoder: &mut Decoder,
    shape: &Shape,
    decode: impl Fn(&Node, &mut Decoder) -> Option<T>,
    missing: Option<T>,
) -> Option<Rotating<T>> {
    let (current, previous) = both(node, decoder, shape, decode, missing);
    Some(Rotating::with_previous(current?, previous?))
}

/// What is current and what was before, which may be none.
fn both<T>(
    node: &Node,
    decoder: &mut Decoder,
    shape: &Shape,
    decode: impl Fn(&Node, &mut Decoder) -> Option<T>,
    missing: Option<T>,
) -> (Option<T>, Option<Option<T>>) {
    let NodeValue::Map(_) = node.value else {
        return (decode(node, decoder), Some(None));
    };
    let current = match (node.get(CURRENT), missing) {
        (Some(current), _) => decode(current, decoder),
        (None, Some(missing)) => Some(missing),
        (None, None) if matches!(shape, Shape::Struct(_)) => {
            decode(&Node::map(Vec::new(), Origin::Default), decoder)
        }
        (None, None) => decoder.no_current(node, shape),
    };
    let previous = match node.get(PREVIOUS) {
        None => Some(None),
        Some(previous) if matches!(previous.value, NodeValue::Null) => Some(None),
        Some(previous) => decoder.within(PREVIOUS, |decoder| {
            // What ran was good, and is not worth refusing something new.
            let again = matches!(previous.origin, Origin::Replaced(_));
            let value = decoder.replaced(again, |decoder| decode(previous, decoder));
            match value {
                None if again => Some(None),
                value => value.map(Some),
            }
        }),
    };
    (current, previous)
}
