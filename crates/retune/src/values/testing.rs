//! Decoding without a loader, for the tests of values and of the derive.

use retune_mount::Content;

use crate::bind;
use crate::decode::{Decoder, Value};
use crate::node::{Entry, Node, NodeValue};
use crate::origin::{Origin, Place, Span, Text};
use crate::problem::Problem;
use crate::schema::Field;

/// A value as a variable gives it.
pub(crate) fn env(text: &str) -> Node {
    Node::text(text, Origin::Env("APP_X".into()))
}

/// A value as a key of a mount gives it.
pub(crate) fn file(content: impl AsRef<[u8]>) -> Node {
    let content = content.as_ref();
    let place = Place::Key {
        mount: "/etc/app".into(),
        key: "x".into(),
    };
    let text = Text::new(place, String::from_utf8_lossy(content).into_owned());
    Node::new(
        NodeValue::File(Content::from(content)),
        Origin::Text(Span::whole(&text)),
    )
}

/// A scalar in a document.
pub(crate) fn scalar(text: &str, quoted: bool) -> Node {
    let source = Text::new(Place::File("app.yaml".into()), text);
    let origin = Origin::Text(Span::whole(&source));
    Node::new(
        NodeValue::Text {
            text: text.into(),
            quoted,
        },
        origin,
    )
}

pub(crate) fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    let entries = entries.map(|(key, node)| Entry {
        key: key.into(),
        key_origin: node.origin.clone(),
        hidden: false,
        node,
    });
    Node::map(entries.into(), Origin::Default)
}

pub(crate) fn list<const N: usize>(items: [Node; N]) -> Node {
    Node::new(NodeValue::List(items.into()), Origin::Default)
}

/// Binds and decodes; the problems when there are any.
pub(crate) fn decode<T: Value>(node: Node) -> Result<T, Vec<Problem>> {
    let mut decoder = Decoder::default();
    let field = Field::new("", "", T::SHAPE);
    let value = T::decode(&bind::default(node, &field), &mut decoder);
    let (problems, _) = decoder.into_notes();
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        Some(_) => panic!("a value was given beside problems: {problems:?}"),
        None if problems.is_empty() => panic!("no value, and no problem told"),
        None => Err(problems),
    }
}

/// The one problem of a value that is refused, as people see it.
pub(crate) fn refusal<T: Value>(node: Node) -> String {
    match decode::<T>(node) {
        Ok(_) => panic!("accepted"),
        Err(problems) => {
            assert_eq!(problems.len(), 1, "{problems:?}");
            problems[0].to_string()
        }
    }
}
