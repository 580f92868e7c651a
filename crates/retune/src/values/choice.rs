//! Enums: one of some names, with or without content.

use std::borrow::Cow;

use crate::decode::Decoder;
use crate::name;
use crate::node::{Node, NodeValue};
use crate::schema::{Shape, Variant};

impl Decoder {
    /// Finds the variant that a node names and decodes its content. For the derive.
    ///
    /// A variant without content is written as its name, one with content as a map with the name as
    /// its one key. A struct variant whose fields may all be missing can be written as its name, too.
    #[doc(hidden)]
    pub fn choice<T>(
        &mut self,
        node: &Node,
        variants: &'static [Variant],
        decode: impl FnOnce(usize, &Node, &mut Self) -> Option<T>,
    ) -> Option<T> {
        let (name, content) = match &node.value {
            NodeValue::Map(entries) => match &entries[..] {
                [entry] => (Cow::Borrowed(&*entry.key), Some(&entry.node)),
                _ => {
                    let names: Vec<_> = entries.iter().map(|entry| &*entry.key).collect();
                    let help = if names.is_empty() || node.secret {
                        None
                    } else {
                        Some(format!(
                            "only one of them may be given: {}",
                            names.join(", ")
                        ))
                    };
                    self.mismatch(node, &Shape::Choice(variants).expects(), help);
                    return None;
                }
            },
            _ => (self.text(node, &Shape::Choice(variants).expects())?, None),
        };
        let index = variants
            .iter()
            .position(|variant| variant.answers_to(name.trim()));
        let Some((index, variant)) = index.and_then(|index| Some((index, variants.get(index)?)))
        else {
            return self.no_variant(node, &name, variants);
        };
        let empty = Node {
            value: NodeValue::Map(Vec::new()),
            ..node.clone()
        };
        let content = match (&variant.content, content) {
            (None, None) => node,
            (None, Some(content)) if is_empty(content) => content,
            (None, Some(content)) => {
                let message = format!("`{}` has no content", variant.name);
                self.problem(content, message, Some("write its name alone".to_owned()));
                return None;
            }
            (Some(_), Some(content)) => content,
            (Some(Shape::Struct(_)), None) => &empty,
            (Some(_), None) if node.secret => {
                self.mismatch(node, &Shape::Choice(variants).expects(), None);
                return None;
            }
            (Some(shape), None) => {
                let message = format!("`{}` needs {}", variant.name, shape.expects());
                self.problem(node, message, Some(format!("write `{}: …`", variant.name)));
                return None;
            }
        };
        if variant.content.is_none() {
            return decode(index, content, self);
        }
        self.within(variant.name, |decoder| decode(index, content, decoder))
    }

    fn no_variant<T>(
        &mut self,
        node: &Node,
        name: &str,
        variants: &'static [Variant],
    ) -> Option<T> {
        let expects = Shape::Choice(variants).expects();
        if node.secret {
            self.mismatch(node, &expects, None);
            return None;
        }
        let names = variants.iter().map(|variant| variant.name);
        let help = name::nearest(name, names).map(|nearest| format!("did you mean `{nearest}`?"));
        if matches!(node.value, NodeValue::Map(_)) {
            self.problem(node, format!("expected {expects}, found {name:?}"), help);
        } else {
            self.mismatch(node, &expects, help);
        }
        None
    }
}

fn is_empty(content: &Node) -> bool {
    match &content.value {
        NodeValue::Null => true,
        NodeValue::Text { text, .. } => text.is_empty(),
        NodeValue::File(bytes) => bytes.is_empty(),
        NodeValue::List(_) => false,
        NodeValue::Map(entries) => entries.is_empty(),
    }
}
