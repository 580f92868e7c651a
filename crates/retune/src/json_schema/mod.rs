//! A type's JSON Schema, draft 2020-12: for editors, and for checks without the program.
//!
//! It is about one document, and calls nothing wrong that the program takes: values may be quoted or
//! not, names written in any way, lists be one text. What other sources may give is not required. What
//! JSON Schema cannot say is in one keyword, `x-retune`.

mod choice;
mod names;
mod pair;
mod table;
mod text;

#[cfg(feature = "check")]
pub(crate) use self::table::VERSION;
use crate::grammar::NumberRange;
use crate::json::Json;
use crate::name;
use crate::schema::{Alias, Default, Field, Schema, Shape, Way};

/// The JSON Schema of a type, over several lines.
pub(crate) fn of(schema: &Schema) -> String {
    let mut root = Json::map()
        .with("$schema", "https://json-schema.org/draft/2020-12/schema")
        .with("title", schema.name);
    describe(&mut root, schema.docs);
    let top = At {
        pointer: "#",
        range: None,
        merged: true,
        secret: false,
    };
    root.put_all(object(schema, &top));
    root.put("x-retune", table::of(schema));
    root.pretty()
}

/// Where in the schema something stands, and by which rules.
struct At<'a> {
    /// Of the value's own schema: names that are written otherwise refer to it.
    pointer: &'a str,
    /// Of the field.
    range: Option<NumberRange>,
    /// Other sources add to it: nothing is required here, and `null` clears what they gave.
    merged: bool,
    /// It is part of a secret.
    secret: bool,
}

/// A map with the fields of a struct.
fn object(schema: &Schema, at: &At<'_>) -> Json {
    let &At {
        pointer,
        merged,
        secret,
        ..
    } = at;
    let mut properties = Json::map();
    let mut writings = Json::map();
    let mut required = Vec::new();
    for field in schema.fields {
        let name = name::kebab(field.outside);
        let place = names::pointer(&format!("{pointer}/properties"), &name);
        properties.put(
            name.clone(),
            property(
                field,
                &At {
                    pointer: &place,
                    range: field.range,
                    ..*at
                },
            ),
        );
        let all = put_aliases(&mut properties, &mut writings, &name, field.aliases, &place);
        if !merged && must_be_given(field) {
            // Of the writings that nobody uses, none may be called missing.
            let present = Json::map().with("pattern", all);
            let absent = Json::map().with("propertyNames", Json::map().with("not", present));
            let given = Json::map().with("required", [&*name]);
            let any = vec![given, Json::map().with("not", absent)];
            required.push(Json::map().with("anyOf", any));
        }
    }
    let others = match schema.rest {
        Some(rest) => {
            let at = At {
                pointer: &format!("{pointer}/additionalProperties"),
                range: None,
                merged,
                secret,
            };
            value(rest, &at, true)
        }
        None => odd("no field has this name: it is ignored"),
    };
    let mut object = Json::map()
        .with("type", "object")
        .with("properties", properties)
        .with("patternProperties", writings)
        .with("additionalProperties", others);
    if !required.is_empty() {
        object.put("allOf", required);
    }
    object
}

/// Adds the other names of what stands at `place`; the pattern of all its names.
fn put_aliases(
    properties: &mut Json,
    writings: &mut Json,
    name: &str,
    aliases: &[Alias],
    place: &str,
) -> String {
    for alias in aliases {
        let mut reference = Json::map().with("$ref", place);
        if alias.deprecated {
            reference.put_all(odd(&format!("deprecated: now called `{name}`")));
        }
        properties.put(name::kebab(alias.name), reference);
    }
    let all = std::iter::once(name).chain(aliases.iter().map(|alias| alias.name));
    let all = format!("^{}$", names::any_writing(all));
    writings.put(all.clone(), Json::map().with("$ref", place));
    all
}

/// Taken, but with a warning; the keyword that no draft knows is what editors show.
fn odd(message: &str) -> Json {
    Json::map()
        .with("deprecated", true)
        .with("deprecationMessage", message)
}

/// Whether a struct cannot do without a field.
fn must_be_given(field: &Field) -> bool {
    match field.shape {
        _ if field.default != Default::None || field.shape.is_optional() => false,
        Shape::Struct(schema) => schema.fields.iter().any(must_be_given),
        _ => true,
    }
}

fn property(field: &Field, at: &At<'_>) -> Json {
    let mut property = Json::map();
    let docs = match field.shape.current() {
        Shape::Struct(schema) if field.docs.is_empty() => schema.docs,
        _ => field.docs,
    };
    describe(&mut property, docs);
    if [Way::File, Way::Mount]
        .iter()
        .all(|way| field.not_from.contains(way))
    {
        property.put_all(odd("not taken from files and mounts: it is ignored"));
        return property;
    }
    let stands = field.default != Default::None || matches!(field.shape, Shape::Struct(_));
    property.put_all(value(&field.shape, at, at.merged && stands));
    if let Some(default) = default(field).filter(|_| !at.secret) {
        property.put("default", default);
    }
    property
}

/// The default, where it is known before the program runs, and no secret.
fn default(field: &Field) -> Option<Json> {
    let (shown, secret) = field.shown_default()?;
    match (field.default, field.shape.current()) {
        _ if secret => None,
        (Default::Text(_), Shape::Text(grammar)) => {
            Some(text::typed(&shown, &grammar.within(field.range)))
        }
        (Default::Text(_), _) => Some((&*shown).into()),
        (Default::Code("Default::default()"), Shape::List(_)) => Some(Json::List(Vec::new())),
        (Default::Code("Default::default()"), Shape::Map(_)) => Some(Json::map()),
        _ => None,
    }
}

fn describe(schema: &mut Json, docs: &str) {
    if !docs.is_empty() {
        schema.put("description", docs);
    }
}

/// The schema of a value, whatever it may be written as.
fn value(shape: &Shape, at: &At<'_>, nullable: bool) -> Json {
    let mut ways = ways(shape, at);
    if nullable || shape.is_optional() {
        match &mut ways[..] {
            [only] => or_null(only),
            _ => ways.push(Json::map().with("type", "null")),
        }
    }
    let mut schema = match <[Json; 1]>::try_from(ways) {
        Ok([only]) => only,
        Err(ways) => Json::map().with("anyOf", ways),
    };
    if shape.is_secret() {
        schema.put("writeOnly", true);
    }
    schema
}

fn or_null(schema: &mut Json) {
    match schema.get_mut("type") {
        Some(Json::List(types)) => types.push("null".into()),
        Some(one) => *one = Json::List(vec![one.clone(), "null".into()]),
        // It takes anything.
        None => {}
    }
}

/// The ways in which a value may be written. Where something lies within it, that is the first way.
fn ways(shape: &Shape, at: &At<'_>) -> Vec<Json> {
    match shape {
        Shape::Optional(inner) => ways(inner, at),
        Shape::Secret(inner) => {
            let merged = at.merged && matches!(inner.inner(), Shape::Struct(_));
            let secret = true;
            ways(
                inner,
                &At {
                    merged,
                    secret,
                    ..*at
                },
            )
        }
        Shape::Rotating(inner) => pair::of(inner, at),
        Shape::Text(grammar) => vec![text::of(&grammar.within(at.range))],
        Shape::Bytes => {
            let numbers = Json::map().with("type", "array").with("items", byte());
            vec![numbers, text::scalar()]
        }
        Shape::Choice(variants) => choice::ways(variants, at),
        Shape::List(item) => {
            let items = value(item, &at.below("anyOf/0/items", false).at(), false);
            let list = Json::map().with("type", "array").with("items", items);
            vec![list, text::scalar()]
        }
        Shape::Map(item) => {
            let cleared = at.merged && !item.is_optional();
            let below = at.below("anyOf/0/additionalProperties", at.merged);
            let items = value(item, &below.at(), cleared);
            let map = Json::map()
                .with("type", "object")
                .with("additionalProperties", items);
            vec![map, Json::map().with("type", "string")]
        }
        Shape::Struct(schema) => {
            let pointer = format!("{}/anyOf/0", at.pointer);
            let object = object(
                schema,
                &At {
                    pointer: &pointer,
                    ..*at
                },
            );
            vec![object, text::matching(r"^\s*\{")]
        }
        Shape::Opaque(_) | Shape::Tree(_) => vec![Json::map()],
    }
}

fn byte() -> Json {
    match <u8 as crate::Value>::SHAPE {
        Shape::Text(grammar) => text::of(&grammar),
        _ => Json::map(),
    }
}

// === impl At ===

/// A place further in, which owns its pointer.
struct Below {
    pointer: String,
    range: Option<NumberRange>,
    merged: bool,
    secret: bool,
}

impl At<'_> {
    fn below(&self, further: &str, merged: bool) -> Below {
        Below {
            pointer: format!("{}/{further}", self.pointer),
            range: self.range,
            merged,
            secret: self.secret,
        }
    }
}

impl Below {
    fn at(&self) -> At<'_> {
        At {
            pointer: &self.pointer,
            range: self.range,
            merged: self.merged,
            secret: self.secret,
        }
    }
}
