//! Values by their own `Deserialize`: a node as serde's data.
//!
//! A scalar is what the type asks for: text that reads as a number is a number when one is asked for.
//! A type that takes anything (`untagged`, `flatten`) gets a plain scalar of a document as a document's
//! reader would type it, and text from everywhere else.

mod error;
mod input;

use std::ptr;

use serde::de::DeserializeOwned;

use self::error::{Ignored, Wants, tell, warn};
use self::input::{Input, text_of};
use crate::bind;
use crate::decode::Decoder;
use crate::format;
use crate::node::{Node, NodeValue};

/// For the derive: decodes by `Deserialize`. `expects` is for the report.
pub fn by_serde<T: DeserializeOwned>(
    node: &Node,
    decoder: &mut Decoder,
    expects: &str,
) -> Option<T> {
    deserialize(node, decoder, Some(expects))
}

/// Decodes by `Deserialize`.
pub(crate) fn deserialize<T: DeserializeOwned>(
    node: &Node,
    decoder: &mut Decoder,
    expects: Option<&str>,
) -> Option<T> {
    // A text that is refused is offered once more, as what its brackets hold: a type that takes text
    // takes it in brackets, too.
    let mut node = node.clone();
    loop {
        let ignored = Ignored::default();
        let error = match T::deserialize(Input::new(&node, &ignored)) {
            Ok(value) => {
                warn(decoder, &node, &ignored.borrow());
                return Some(value);
            }
            Err(error) => error,
        };
        // A type of lists of itself would take text apart for ever.
        let within = error.path.len() < format::DEEPEST;
        let refused = error.node.filter(|_| within).and_then(|refused| {
            let parsed = in_brackets(refused, error.wants)?;
            Some((ptr::from_ref(refused), parsed))
        });
        let Some((at, parsed)) = refused else {
            warn(decoder, &node, &ignored.borrow());
            tell(decoder, &node, error, expects);
            return None;
        };
        put(&mut node, at, &mut Some(parsed));
    }
}

/// Puts a node in the place of the one below `node` that lies `at`.
fn put(node: &mut Node, at: *const Node, new: &mut Option<Node>) {
    if ptr::from_ref(node) == at {
        *node = new.take().unwrap_or_else(Node::null);
        return;
    }
    match &mut node.value {
        NodeValue::List(items) => items.iter_mut().for_each(|item| put(item, at, new)),
        NodeValue::Map(entries) => {
            let nodes = entries.iter_mut().map(|entry| &mut entry.node);
            nodes.for_each(|node| put(node, at, new));
        }
        NodeValue::Null | NodeValue::Text { .. } | NodeValue::File(_) => {}
    }
}

/// The list or map that a variable, a flag or a key gives as text: in brackets, or without them where
/// just that is wanted.
fn in_brackets(node: &Node, wants: Wants) -> Option<Node> {
    let text = text_of(node)?;
    if !text.trim_start().starts_with(['[', '{']) {
        let value = match wants {
            Wants::List => NodeValue::List(bind::split(node, ',')?),
            Wants::Map => NodeValue::Map(bind::pairs(node, ',')?),
            Wants::Other => return None,
        };
        return Some(Node {
            value,
            origin: node.origin.clone(),
            secret: node.secret,
        });
    }
    let parsed = format::flow(&text, &node.origin).ok()?;
    Some(if node.secret {
        parsed.into_secret()
    } else {
        parsed
    })
}
