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
        rotating(node, decoder, &T::SHAPE, T::decode, T::missing())
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
    let NodeValue::Map(_) = node.value else {
        return decode(node, decoder).map(Rotating::new);
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
    Some(Rotating::with_previous(current?, previous?))
}
