//! A node as serde's data.

use std::borrow::Cow;
use std::iter::Enumerate;
use std::ptr;
use std::slice::Iter;

use serde::Deserialize as _;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::{Error, Ignored, Wants};
use crate::grammar::{Floats, Integer};
use crate::name;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::text;

pub(super) fn text_of(node: &Node) -> Option<Cow<'_, str>> {
    match &node.value {
        NodeValue::Text { text, .. } => Some(Cow::Borrowed(text)),
        NodeValue::File(bytes) => text::of_file(bytes).ok(),
        _ => None,
    }
}

/// A node that serde reads from.
#[derive(Clone, Copy)]
pub(super) struct Input<'n> {
    node: &'n Node,
    /// Its key in a struct of these fields.
    field: Option<(&'n Entry, &'static [&'static str])>,
    ignored: &'n Ignored,
}

// === impl Input ===

impl<'n> Input<'n> {
    pub(super) fn new(node: &'n Node, ignored: &'n Ignored) -> Self {
        Self {
            node,
            field: None,
            ignored,
        }
    }

    /// What lies below.
    fn below(self, node: &'n Node) -> Self {
        Self::new(node, self.ignored)
    }

    fn text(self) -> Option<Cow<'n, str>> {
        text_of(self.node)
    }

    /// Visits a text as a reader of documents would type it, where it stands plain in a document.
    fn guess<V: Visitor<'n>>(self, text: &str, visitor: V) -> Result<V::Value, Error<'n>> {
        let is_plain = matches!(self.node.value, NodeValue::Text { quoted: false, .. });
        if !is_plain || !matches!(self.node.origin, Origin::Text(_)) {
            return visitor.visit_str(text);
        }
        let digits = text.trim_start_matches('-');
        let starts_like_number = digits.starts_with(|c: char| c.is_ascii_digit());
        let is_padded = digits.len() > 1 && digits.starts_with('0') && !digits.contains('.');
        match text {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ if !starts_like_number || is_padded => visitor.visit_str(text),
            _ => {
                if let Ok(number) = text.parse::<u64>() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = text.parse::<i64>() {
                    visitor.visit_i64(number)
                } else {
                    match text.parse::<f64>() {
                        Ok(number) if number.is_finite() => visitor.visit_f64(number),
                        _ => visitor.visit_str(text),
                    }
                }
            }
        }
    }

    fn any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        match &self.node.value {
            NodeValue::Null => visitor.visit_unit(),
            NodeValue::Text { text, .. } => self.guess(text, visitor),
            NodeValue::File(bytes) => match text::of_file(bytes) {
                Ok(text) => visitor.visit_str(&text),
                Err(_) => visitor.visit_bytes(bytes),
            },
            NodeValue::List(items) => visitor.visit_seq(Items {
                input: self,
                items: items.iter().enumerate(),
            }),
            NodeValue::Map(entries) => visitor.visit_map(Entries {
                input: self,
                entries: entries.iter(),
                fields: &[],
                value: None,
            }),
        }
    }

    /// Visits what is there, where a list or map is wanted.
    fn wanted<V: Visitor<'n>>(self, wants: Wants, visitor: V) -> Result<V::Value, Error<'n>> {
        let is_text = self.text().is_some();
        self.deserialize_any(visitor).map_err(|mut error| {
            if is_text {
                error.wants = wants;
            }
            error
        })
    }
}

/// Numbers and bools, when they are asked for.
macro_rules! scalars {
    ($($method:ident $visit:ident $parse:expr;)*) => {$(
        fn $method<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
            let Some(text) = self.text() else { return self.deserialize_any(visitor) };
            let parse: fn(&str) -> Option<_> = $parse;
            let result = match parse(&text) {
                Some(value) => visitor.$visit(value),
                None => Err(Error::invalid_type(Unexpected::Str(&text), &visitor)),
            };
            result.map_err(|error: Error<'n>| error.on(self.node))
        }
    )*};
}

fn integer<T: TryFrom<u128> + TryFrom<i128>>(text: &str) -> Option<T> {
    Integer::parse(text).ok()?.fit().ok()
}

impl<'n> Deserializer<'n> for Input<'n> {
    type Error = Error<'n>;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        self.any(visitor).map_err(|error| error.on(self.node))
    }

    scalars! {
        deserialize_bool visit_bool super::super::bool::parse;
        deserialize_i8 visit_i8 integer;
        deserialize_i16 visit_i16 integer;
        deserialize_i32 visit_i32 integer;
        deserialize_i64 visit_i64 integer;
        deserialize_i128 visit_i128 integer;
        deserialize_u8 visit_u8 integer;
        deserialize_u16 visit_u16 integer;
        deserialize_u32 visit_u32 integer;
        deserialize_u64 visit_u64 integer;
        deserialize_u128 visit_u128 integer;
        deserialize_f32 visit_f64 |text| Floats::all(false).parse(text).ok();
        deserialize_f64 visit_f64 |text| Floats::all(false).parse(text).ok();
    }

    fn deserialize_str<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        match self.text() {
            Some(text) => visitor
                .visit_str(&text)
                .map_err(|error: Error<'n>| error.on(self.node)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        let bytes = match &self.node.value {
            NodeValue::Text { text, .. } => text.as_bytes(),
            NodeValue::File(bytes) => bytes,
            _ => return self.deserialize_any(visitor),
        };
        visitor
            .visit_bytes(bytes)
            .map_err(|error: Error<'n>| error.on(self.node))
    }

    fn deserialize_byte_buf<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        match self.node.value {
            NodeValue::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error<'n>> {
        visitor
            .visit_newtype_struct(self)
            .map_err(|error: Error<'n>| error.on(self.node))
    }

    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error<'n>> {
        let (name, content) = match &self.node.value {
            NodeValue::Map(entries) => match &entries[..] {
                [entry] => (Cow::Borrowed(&*entry.key), Some(&entry.node)),
                _ => return self.deserialize_any(visitor),
            },
            _ => match self.text() {
                Some(text) => (text, None),
                None => return self.deserialize_any(visitor),
            },
        };
        visitor
            .visit_enum(Choice {
                input: self,
                name,
                content,
            })
            .map_err(|error| error.on(self.node))
    }

    fn deserialize_seq<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        self.wanted(Wants::List, visitor)
    }

    fn deserialize_tuple<V: Visitor<'n>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error<'n>> {
        self.wanted(Wants::List, visitor)
    }

    fn deserialize_map<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        self.wanted(Wants::Map, visitor)
    }

    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error<'n>> {
        let NodeValue::Map(entries) = &self.node.value else {
            return self.wanted(Wants::Map, visitor);
        };
        visitor
            .visit_map(Entries {
                input: self,
                entries: entries.iter(),
                fields,
                value: None,
            })
            .map_err(|error| error.on(self.node))
    }

    forward_to_deserialize_any! {
        <V: Visitor<'n>>
        unit unit_struct tuple_struct identifier
    }

    fn deserialize_ignored_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error<'n>> {
        if let Some((entry, fields)) = self.field {
            let meant = name::nearest(&entry.key, fields.iter().copied());
            self.ignored
                .borrow_mut()
                .insert(ptr::from_ref(entry), meant);
        }
        visitor.visit_unit()
    }
}

/// The items of a list.
struct Items<'n> {
    input: Input<'n>,
    items: Enumerate<Iter<'n, Node>>,
}

impl<'n> SeqAccess<'n> for Items<'n> {
    type Error = Error<'n>;

    fn next_element_seed<T: DeserializeSeed<'n>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error<'n>> {
        let Some((i, node)) = self.items.next() else {
            return Ok(None);
        };
        let item = seed.deserialize(self.input.below(node));
        item.map(Some)
            .map_err(|error| error.on(node).below(format!("[{i}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a map.
struct Entries<'n> {
    input: Input<'n>,
    entries: Iter<'n, Entry>,
    /// Names of the struct that is made of them; none where it is something else.
    fields: &'static [&'static str],
    value: Option<&'n Entry>,
}

impl<'n> Entries<'n> {
    /// The key as the type knows it: in a variable, case and underscores say nothing.
    fn key(&self, entry: &'n Entry) -> &'n str {
        let is_variable = matches!(entry.key_origin, Origin::Env(_));
        let same = |field: &&&str| name::same(field, &entry.key);
        match self.fields.iter().find(same) {
            Some(field) if is_variable && !self.fields.contains(&&*entry.key) => field,
            _ => &entry.key,
        }
    }
}

impl<'n> MapAccess<'n> for Entries<'n> {
    type Error = Error<'n>;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error<'n>> {
        self.value = self.entries.next();
        let Some(entry) = self.value else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(self.key(entry)))
            .map(Some)
            .map_err(|mut error: Error<'n>| {
                error.key = Some(&entry.key_origin);
                error.on(&entry.node).below(entry.key.to_string())
            })
    }

    fn next_value_seed<V: DeserializeSeed<'n>>(&mut self, seed: V) -> Result<V::Value, Error<'n>> {
        let Some(entry) = self.value.take() else {
            return Err(Error::custom("a value was asked for before its key"));
        };
        let value = seed.deserialize(Input {
            field: (!self.fields.is_empty()).then_some((entry, self.fields)),
            ..self.input.below(&entry.node)
        });
        value.map_err(|error| error.on(&entry.node).below(entry.key.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A variant by its name, with its content if it has any.
struct Choice<'n> {
    input: Input<'n>,
    name: Cow<'n, str>,
    content: Option<&'n Node>,
}

impl<'n> EnumAccess<'n> for Choice<'n> {
    type Error = Error<'n>;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'n>>(self, seed: V) -> Result<(V::Value, Self), Error<'n>> {
        let variant = seed.deserialize(StrDeserializer::new(&self.name))?;
        Ok((variant, self))
    }
}

impl<'n> Choice<'n> {
    fn content<T>(
        self,
        read: impl FnOnce(Input<'n>) -> Result<T, Error<'n>>,
    ) -> Result<T, Error<'n>> {
        let Some(node) = self.content else {
            return Err(Error::custom(format!("`{}` needs content", self.name)));
        };
        read(self.input.below(node)).map_err(|error| error.on(node).below(self.name.into_owned()))
    }
}

impl<'n> VariantAccess<'n> for Choice<'n> {
    type Error = Error<'n>;

    fn unit_variant(self) -> Result<(), Error<'n>> {
        match self.content {
            None => Ok(()),
            Some(_) => self.content(<()>::deserialize),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'n>>(self, seed: T) -> Result<T::Value, Error<'n>> {
        self.content(|input| seed.deserialize(input))
    }

    fn tuple_variant<V: Visitor<'n>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error<'n>> {
        self.content(|input| input.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'n>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error<'n>> {
        self.content(|input| input.deserialize_struct("", fields, visitor))
    }
}
