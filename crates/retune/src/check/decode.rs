//! Decoding by a schema, where there is no type: the same grammars, and the same problems.

use std::cell::RefCell;

use super::Unchecked;
use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::{Node, NodeValue};
use crate::path::key_segment;
use crate::schema::{Default, Field, Schema, Shape};
use crate::values::{ByteSize, log, optional, rotating, secret};

/// Decodes to nothing, and notes what it had to take unseen.
#[derive(Debug, std::default::Default)]
pub(super) struct ByShape {
    unchecked: RefCell<Vec<Unchecked>>,
}

// === impl ByShape ===

impl ByShape {
    pub(super) fn into_unchecked(self) -> Vec<Unchecked> {
        self.unchecked.into_inner()
    }

    fn note(&self, path: &str, why: impl Into<String>) {
        let path = path.to_owned();
        let why = why.into();
        let mut unchecked = self.unchecked.borrow_mut();
        unchecked.push(Unchecked { path, why });
    }

    fn value(&self, node: &Node, decoder: &mut Decoder, shape: &'static Shape) -> Option<()> {
        match shape {
            Shape::Text(grammar) => self.text(node, decoder, grammar),
            Shape::Bytes => seen(Vec::<u8>::decode(node, decoder)),
            Shape::Choice(variants) => decoder.choice(node, variants, |index, node, decoder| {
                let content = variants.get(index)?.content.as_ref();
                content.map_or(Some(()), |shape| self.value(node, decoder, shape))
            }),
            Shape::List(item) => {
                seen(decoder.items(node, |node, decoder| self.value(node, decoder, item)))
            }
            Shape::Map(value) => {
                seen(decoder.entries(node, |node, decoder| self.value(node, decoder, value)))
            }
            Shape::Struct(schema) => self.structure(node, decoder, schema),
            Shape::Optional(inner) => seen(optional(node, decoder, |node, decoder| {
                self.value(node, decoder, inner)
            })),
            Shape::Secret(inner) => seen(secret(node, decoder, |node, decoder| {
                self.value(node, decoder, inner)
            })),
            Shape::Rotating(inner) => {
                let value = |node: &Node, decoder: &mut Decoder| self.value(node, decoder, inner);
                seen(rotating(node, decoder, inner, value, None))
            }
            Shape::Opaque(expects) | Shape::Tree(expects) => {
                self.note(decoder.path(), format!("only the program reads {expects}"));
                Some(())
            }
        }
    }

    fn text(&self, node: &Node, decoder: &mut Decoder, grammar: &Grammar) -> Option<()> {
        use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
        match grammar {
            Grammar::Text => seen(String::decode(node, decoder)),
            Grammar::Bool => seen(bool::decode(node, decoder)),
            Grammar::Char => seen(char::decode(node, decoder)),
            Grammar::Integer(integers) => seen(decoder.integer(node, *integers)),
            Grammar::Float(floats) => seen(decoder.float(node, *floats)),
            Grammar::Time => seen(std::time::Duration::decode(node, decoder)),
            Grammar::Size => seen(ByteSize::decode(node, decoder)),
            Grammar::IpAndPort => seen(SocketAddr::decode(node, decoder)),
            Grammar::Ipv4AndPort => seen(SocketAddrV4::decode(node, decoder)),
            Grammar::Ipv6AndPort => seen(SocketAddrV6::decode(node, decoder)),
            Grammar::Ip => seen(IpAddr::decode(node, decoder)),
            Grammar::Ipv4 => seen(Ipv4Addr::decode(node, decoder)),
            Grammar::Ipv6 => seen(Ipv6Addr::decode(node, decoder)),
            Grammar::FilePath => seen(std::path::PathBuf::decode(node, decoder)),
            Grammar::NoNul => seen(std::ffi::OsString::decode(node, decoder)),
            Grammar::LogDirectives => seen(log::decode(node, decoder)),
            #[cfg(feature = "url")]
            Grammar::UrlText => seen(url::Url::decode(node, decoder)),
            #[cfg(feature = "regex")]
            Grammar::RegexText => seen(regex::Regex::decode(node, decoder)),
            #[allow(unreachable_patterns)]
            Grammar::UrlText | Grammar::RegexText | Grammar::Other(_) => {
                let expects = grammar.expects();
                decoder.text(node, &expects)?;
                self.note(decoder.path(), format!("only the program reads {expects}"));
                Some(())
            }
        }
    }

    pub(super) fn structure(
        &self,
        node: &Node,
        decoder: &mut Decoder,
        schema: &'static Schema,
    ) -> Option<()> {
        decoder.structure(node, schema)?;
        let mut all = Some(());
        for field in schema.fields {
            if self.field(node, decoder, field).is_none() {
                all = None;
            }
        }
        let is_field = |key: &str| schema.fields.iter().any(|field| field.name == key);
        for entry in node.entries() {
            let Some(rest) = schema.rest.filter(|_| !is_field(&entry.key)) else {
                continue;
            };
            let taken = decoder.within(key_segment(&entry.key, node.secret), |decoder| {
                self.value(&entry.node, decoder, rest)
            });
            if taken.is_none() {
                all = None;
            }
        }
        if schema.checked {
            self.note(decoder.path(), "the program checks it as a whole");
        }
        all
    }

    fn field(&self, node: &Node, decoder: &mut Decoder, field: &'static Field) -> Option<()> {
        let missing = || match field.default {
            // What the program says itself it will take.
            Default::Code(_) => Some(()),
            Default::None | Default::Text(_) => field.shape.is_optional().then_some(()),
        };
        let decode = |node: &Node, decoder: &mut Decoder| {
            self.value(node, decoder, &field.shape)?;
            let is_none = matches!(node.value, NodeValue::Null);
            if field.checked && !is_none {
                self.note(decoder.path(), "the program checks it by code of its own");
            }
            Some(())
        };
        decoder.field(node, field, decode, missing)
    }
}

fn seen<T>(value: Option<T>) -> Option<()> {
    value.map(|_| ())
}
