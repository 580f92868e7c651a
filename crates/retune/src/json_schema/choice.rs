//! One of some variants: by its name, or as a map with its name as the one key.

use super::{At, describe, names, put_aliases, text, value};
use crate::json::Json;
use crate::name;
use crate::schema::Variant;

pub(super) fn ways(variants: &[Variant], at: &At<'_>) -> Vec<Json> {
    let all = || {
        variants.iter().flat_map(|variant| {
            std::iter::once(variant.name).chain(variant.aliases.iter().map(|alias| alias.name))
        })
    };
    let any_writing = names::any_writing(all());
    let has_content = variants.iter().any(|variant| variant.content.is_some());
    let mut ways = Vec::new();
    if has_content {
        ways.push(with_content(variants, at));
    }
    ways.extend(by_name(variants));
    let pattern = match has_content {
        true => format!(r"^\s*({any_writing}\s*$|\{{)"),
        false => format!(r"^\s*{any_writing}\s*$"),
    };
    ways.push(text::matching(pattern));
    // What a document's reader may make of such a name.
    let is = |names: &[&str]| all().any(|name| names.iter().any(|word| name::same(name, word)));
    if is(&["true", "false", "yes", "no", "on", "off", "y", "n"]) {
        ways.push(Json::map().with("type", "boolean"));
    }
    let is_number = |name: &str| name::normal(name).starts_with(|c: char| c.is_ascii_digit());
    if all().any(is_number) || is(&["inf", "nan"]) {
        ways.push(Json::map().with("type", "number"));
    }
    if !has_content {
        ways.push(one_entry(
            Json::map().with("additionalProperties", nothing()),
        ));
    }
    ways
}

fn by_name(variants: &[Variant]) -> Vec<Json> {
    if variants.iter().all(|variant| variant.docs.is_empty()) {
        let names: Vec<_> = variants.iter().map(|variant| variant.name.into()).collect();
        return vec![Json::map().with("enum", names)];
    }
    let described = |variant: &Variant| {
        let mut name = Json::map().with("const", variant.name);
        describe(&mut name, variant.docs);
        name
    };
    variants.iter().map(described).collect()
}

fn with_content(variants: &[Variant], at: &At<'_>) -> Json {
    let mut properties = Json::map();
    let mut writings = Json::map();
    for variant in variants {
        let pointer = names::pointer(&format!("{}/anyOf/0/properties", at.pointer), variant.name);
        let mut property = Json::map();
        describe(&mut property, variant.docs);
        property.put_all(match &variant.content {
            Some(shape) => {
                let at = At {
                    pointer: &pointer,
                    range: None,
                    merged: false,
                    secret: at.secret,
                };
                value(shape, &at, false)
            }
            None => nothing(),
        });
        let (name, aliases) = (variant.name, variant.aliases);
        properties.put(name, property);
        put_aliases(&mut properties, &mut writings, name, aliases, &pointer);
    }
    let map = Json::map()
        .with("properties", properties)
        .with("patternProperties", writings)
        .with("additionalProperties", false);
    one_entry(map)
}

/// What stands behind the name of a variant without content.
fn nothing() -> Json {
    Json::map().with("enum", vec![Json::Null, "".into(), Json::map()])
}

fn one_entry(map: Json) -> Json {
    let mut object = Json::map()
        .with("type", "object")
        .with("minProperties", Json::number(1))
        .with("maxProperties", Json::number(1));
    object.put_all(map);
    object
}
