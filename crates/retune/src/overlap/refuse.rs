//! Refuses, at compile time, a `Rotating` that could not be followed from one generation to the next, or
//! that could not be told from the value in it.

use crate::collide::Message;
use crate::name;
use crate::rotating::{CURRENT, PREVIOUS};
use crate::schema::{Alias, Field, Schema, Shape, Variant};

/// Panics, in a constant and so at compile time, at a field that cannot be as it is written.
pub const fn refuse_lost_overlaps(schema: &'static Schema) {
    let mut i = 0;
    while i < schema.fields.len() {
        let field = &schema.fields[i];
        if let Some(wrong) = wrong(field) {
            let mut message = Message::new();
            message.add("`");
            message.add(field.name);
            message.add("` ");
            message.add(wrong);
            panic!("{}", message.text());
        }
        i += 1;
    }
}

const fn wrong(field: &Field) -> Option<&'static str> {
    let part = match &field.shape {
        Shape::Optional(Shape::Rotating(part)) | Shape::Rotating(part) => *part,
        shape => {
            return match shape.inner() {
                _ if field.overlap.is_some() => {
                    Some("has an `overlap`, which is for a `Rotating` or an `Option` of one")
                }
                _ if !has_rotating(shape) => None,
                Shape::Struct(_) if field.restart => {
                    Some("is `restart`, so that a `Rotating` in it would never change")
                }
                Shape::Struct(_) => None,
                _ => Some(
                    "holds a `Rotating` in what comes and goes: it is for fields, of nested structs as \
                     well, and for an `Option` of one",
                ),
            };
        }
    };
    if field.overlap.is_none() {
        return Some(
            "is a `Rotating`: say how long the value before is kept, `#[retune(overlap = \"10m\")]` or \
             `#[retune(overlap = \"until told\")]`",
        );
    }
    if field.restart {
        return Some("is `restart`, so that there would never be a value before it");
    }
    match part.inner() {
        _ if has_rotating(part) => Some("is a `Rotating` within a `Rotating`: one is enough"),
        _ if part.is_optional() => {
            Some("is a `Rotating` of an `Option`: write an `Option` of a `Rotating`")
        }
        Shape::Map(_) | Shape::Tree(_) => Some(
            "is a `Rotating` of a map, whose own keys may be `current` and `previous`: make the map a \
             field of a struct",
        ),
        Shape::Choice(variants) if any_variant_is_part(variants) => Some(
            "is a `Rotating`, which takes `current` and `previous` itself: give the variant that is \
             called so another name with `#[retune(rename = \"…\")]`",
        ),
        // Of a struct's fields, the check of names says so.
        _ => None,
    }
}

const fn any_variant_is_part(variants: &[Variant]) -> bool {
    let mut i = 0;
    while i < variants.len() {
        if is_part(variants[i].name) || any_is_part(variants[i].aliases) {
            return true;
        }
        i += 1;
    }
    false
}

const fn any_is_part(aliases: &[Alias]) -> bool {
    let mut i = 0;
    while i < aliases.len() {
        if is_part(aliases[i].name) {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_part(outside: &str) -> bool {
    let hash = name::hash(name::HASH_START, outside);
    hash == name::hash(name::HASH_START, CURRENT) || hash == name::hash(name::HASH_START, PREVIOUS)
}

pub(super) const fn has_rotating(shape: &Shape) -> bool {
    match shape {
        Shape::Rotating(_) => true,
        Shape::Optional(inner) | Shape::Secret(inner) | Shape::List(inner) | Shape::Map(inner) => {
            has_rotating(inner)
        }
        Shape::Struct(schema) => any_rotating(schema),
        Shape::Choice(variants) => {
            let mut i = 0;
            while i < variants.len() {
                if let Variant {
                    content: Some(content),
                    ..
                } = &variants[i]
                    && has_rotating(content)
                {
                    return true;
                }
                i += 1;
            }
            false
        }
        Shape::Text(_) | Shape::Bytes | Shape::Opaque(_) | Shape::Tree(_) => false,
    }
}

pub(crate) const fn any_rotating(schema: &Schema) -> bool {
    let mut i = 0;
    while i < schema.fields.len() {
        if has_rotating(&schema.fields[i].shape) {
            return true;
        }
        i += 1;
    }
    false
}
