//! `x-retune`: the table that the derive emits, whole, so that a check can be made without the program.

use crate::grammar::{Grammar, NumberRange, RangeEnd};
use crate::json::Json;
use crate::schema::{Alias, Default, Field, Schema, Shape, Variant, Way};

/// Raised when an older reader would misunderstand what is written now.
pub(crate) const VERSION: u32 = 1;

pub(super) fn of(schema: &Schema) -> Json {
    Json::map()
        .with("version", Json::number(VERSION))
        .with("formats", formats())
        .with("struct", structure(schema, false))
}

/// The formats of documents that this program reads.
fn formats() -> Vec<Json> {
    let formats = crate::format::Format::ALL.into_iter();
    let read = formats.filter(|format| format.is_read());
    read.map(|format| format.name().into()).collect()
}

/// `secret` if it is part of one.
fn structure(schema: &Schema, secret: bool) -> Json {
    // By its parts, so that a new one is not forgotten.
    let Schema {
        name,
        docs: _,
        fields,
        rest,
        checked,
    } = *schema;
    let mut table = Json::map().with("name", name);
    if checked {
        table.put("checked", true);
    }
    if let Some(rest) = rest {
        table.put("rest", shape(rest, secret));
    }
    let fields = fields.iter().map(|field| self::field(field, secret));
    table.with("fields", fields.collect::<Vec<_>>())
}

fn field(field: &Field, secret: bool) -> Json {
    let Field {
        name,
        outside,
        aliases,
        docs: _,
        shape,
        default,
        env,
        raw,
        restart: _,
        overlap: _,
        separator,
        not_from,
        // Of flags a check knows nothing.
        allow_flag: _,
        range,
        checked,
    } = *field;
    let mut table = Json::map().with("name", name);
    if outside != name {
        table.put("outside", outside);
    }
    put_aliases(&mut table, aliases);
    match default {
        Default::None => {}
        Default::Text(text) => {
            // Not with a secret, nor with a password in a URL.
            let shown = field.shown_default().filter(|_| !secret);
            let is_shown = shown.is_some_and(|(shown, secret)| !secret && shown == text);
            let known = if is_shown { "text" } else { "code" };
            let text = if is_shown { text } else { "" };
            table.put("default", Json::map().with(known, text));
        }
        // Such a default is never read: it may as well be a secret.
        Default::Code(_) => table.put("default", Json::map().with("code", "")),
    }
    if let Some(variable) = env {
        table.put("env", variable);
    }
    if raw {
        table.put("raw", true);
    }
    if let Some(separator) = separator {
        table.put("separator", separator.to_string());
    }
    if !not_from.is_empty() {
        let ways: Vec<_> = not_from.iter().map(|way| self::way(*way).into()).collect();
        table.put("not-from", ways);
    }
    if let Some(range) = &range {
        table.put("range", self::range(range));
    }
    if checked {
        table.put("checked", true);
    }
    table.with("shape", self::shape(&shape, secret))
}

fn way(way: Way) -> &'static str {
    match way {
        Way::File => "file",
        Way::Mount => "mount",
        Way::Closure => "closure",
        Way::Env => "env",
        Way::EnvFile => "env-file",
        Way::Flags => "flags",
    }
}

fn put_aliases(table: &mut Json, aliases: &[Alias]) {
    if !aliases.is_empty() {
        let alias = |alias: &Alias| {
            let table = Json::map().with("name", alias.name);
            match alias.deprecated {
                true => table.with("deprecated", true),
                false => table,
            }
        };
        table.put("aliases", aliases.iter().map(alias).collect::<Vec<_>>());
    }
}

fn range(range: &NumberRange) -> Json {
    let mut table = Json::map();
    for (name, end) in [("min", range.min), ("max", range.max)] {
        let Some(end) = end else { continue };
        let end = match end {
            RangeEnd::Integer(integer) => Json::map().with("integer", integer.to_string()),
            RangeEnd::Float(float) => Json::map().with("float", float.to_string()),
        };
        table.put(name, end);
    }
    if range.excludes_max {
        table.put("excludes-max", true);
    }
    table
}

fn shape(shape: &Shape, secret: bool) -> Json {
    let table = Json::map();
    match shape {
        Shape::Text(grammar) => table.with("text", self::grammar(grammar)),
        Shape::Bytes => "bytes".into(),
        Shape::Choice(variants) => {
            let variants: Vec<_> = variants.iter().map(|v| variant(v, secret)).collect();
            table.with("choice", variants)
        }
        Shape::List(item) => table.with("list", self::shape(item, secret)),
        Shape::Map(value) => table.with("map", self::shape(value, secret)),
        Shape::Struct(schema) => table.with("struct", structure(schema, secret)),
        Shape::Optional(inner) => table.with("optional", self::shape(inner, secret)),
        Shape::Secret(inner) => table.with("secret", self::shape(inner, true)),
        Shape::Rotating(inner) => table.with("rotating", self::shape(inner, secret)),
        Shape::Opaque(expects) => table.with("opaque", *expects),
        Shape::Tree(expects) => table.with("tree", *expects),
    }
}

fn variant(variant: &Variant, secret: bool) -> Json {
    let mut table = Json::map().with("name", variant.name);
    put_aliases(&mut table, variant.aliases);
    if let Some(content) = &variant.content {
        table.put("content", shape(content, secret));
    }
    table
}

fn grammar(grammar: &Grammar) -> Json {
    let name = match grammar {
        Grammar::Text => "text",
        Grammar::Bool => "bool",
        Grammar::Char => "char",
        Grammar::Integer(integers) => {
            let mut table = Json::map()
                .with("min", integers.min.to_string())
                .with("max", integers.max.to_string());
            if integers.non_zero {
                table.put("non-zero", true);
            }
            return Json::map().with("integer", table);
        }
        // Ranges are the field's.
        Grammar::Float(floats) if floats.single => "float32",
        Grammar::Float(_) => "float64",
        Grammar::Time => "time",
        Grammar::Size => "size",
        Grammar::IpAndPort => "ip-and-port",
        Grammar::Ipv4AndPort => "ipv4-and-port",
        Grammar::Ipv6AndPort => "ipv6-and-port",
        Grammar::Ip => "ip",
        Grammar::Ipv4 => "ipv4",
        Grammar::Ipv6 => "ipv6",
        Grammar::FilePath => "file-path",
        Grammar::NoNul => "no-nul",
        Grammar::UrlText => "url",
        Grammar::RegexText => "regex",
        Grammar::LogDirectives => "log-directives",
        Grammar::Other(expects) => return Json::map().with("other", *expects),
    };
    name.into()
}
