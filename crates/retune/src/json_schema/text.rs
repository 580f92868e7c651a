//! What one text may be, as JSON Schema says it.
//!
//! A document's reader makes numbers, bools and null of scalars that the program gets as they are
//! written: so each grammar is said for all types that may come of it. What is said may be wider than
//! what the program takes (the order of a duration's units), and never narrower.

use crate::grammar::{Floats, Grammar, Integers};
use crate::json::Json;

const WHOLE: &str = r"^\s*[+-]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)\s*$";
const WITH_FRACTION: &str = r"^\s*[-+._eE0-9]+\s*$";
const BOOL: &str = r"^\s*([tT][rR][uU][eE]|[yY][eE][sS]|[oO][nN]|1|[fF][aA][lL][sS][eE]|[nN][oO]|[oO][fF][fF]|0)\s*$";
const TIME: &str = r"^\s*(0|([0-9]+(\.[0-9]+)?\s*(ns|us|µs|μs|ms|s|m|h|d|w)\s*)+)\s*$";
const SIZE: &str = r"^\s*[0-9][0-9._]*\s*([kKmMgGtTpP]?[bB]|[kKmMgGtTpP]([iI][bB]?)?)?\s*$";
const IPV4: &str = r"^\s*[0-9.]+\s*$";
const IPV6: &str = r"^\s*[0-9a-fA-F:.]+\s*$";
const IPV4_AND_PORT: &str = r"^\s*[0-9.]+:[0-9]+\s*$";
const IPV6_AND_PORT: &str = r"^\s*\[[0-9a-fA-F:.%]+\]:[0-9]+\s*$";
const IP_AND_PORT: &str = r"^\s*([0-9.]+|\[[0-9a-fA-F:.%]+\]):[0-9]+\s*$";

/// Every type that a scalar of a document may have.
pub(super) fn scalar() -> Json {
    Json::map().with("type", ["string", "number", "boolean"])
}

/// A text of some form.
pub(super) fn matching(pattern: impl Into<Json>) -> Json {
    Json::map().with("type", "string").with("pattern", pattern)
}

pub(super) fn of(grammar: &Grammar) -> Json {
    match grammar {
        Grammar::Text
        | Grammar::FilePath
        | Grammar::NoNul
        | Grammar::RegexText
        | Grammar::LogDirectives
        | Grammar::Other(_) => scalar(),
        Grammar::Bool => Json::map()
            .with("type", ["boolean", "integer", "string"])
            .with("minimum", Json::number(0))
            .with("maximum", Json::number(1))
            .with("pattern", BOOL),
        Grammar::Char => Json::map()
            .with("type", ["string", "integer"])
            .with("minLength", Json::number(1))
            .with("maxLength", Json::number(1))
            .with("minimum", Json::number(0))
            .with("maximum", Json::number(9)),
        Grammar::Integer(integers) => of_integers(integers),
        Grammar::Float(floats) => of_floats(floats),
        // `0` needs no unit.
        Grammar::Time => Json::map()
            .with("type", ["string", "integer"])
            .with("pattern", TIME)
            .with("minimum", Json::number(0))
            .with("maximum", Json::number(0))
            .with("examples", ["30s", "1h30m"]),
        Grammar::Size => Json::map()
            .with("type", ["string", "number"])
            .with("pattern", SIZE)
            .with("minimum", Json::number(0))
            .with("examples", ["64MiB"]),
        Grammar::UrlText => example(":", ["https://example.org/path"]),
        Grammar::IpAndPort => example(IP_AND_PORT, ["127.0.0.1:8080", "[::1]:8080"]),
        Grammar::Ipv4AndPort => example(IPV4_AND_PORT, ["127.0.0.1:8080"]),
        Grammar::Ipv6AndPort => example(IPV6_AND_PORT, ["[::1]:8080"]),
        Grammar::Ip => example(IPV6, ["10.0.0.1", "::1"]),
        Grammar::Ipv4 => example(IPV4, ["10.0.0.1"]),
        Grammar::Ipv6 => example(IPV6, ["::1"]),
    }
}

/// A text that the program takes, as its type in JSON.
pub(super) fn typed(text: &str, grammar: &Grammar) -> Json {
    let typed = match grammar {
        Grammar::Bool => crate::values::bool_of(text).map(Json::Bool),
        Grammar::Integer(integers) => integers.parse(text).ok().map(Json::number),
        Grammar::Float(floats) => floats.parse(text).ok().map(Json::number),
        _ => None,
    };
    typed.unwrap_or_else(|| text.into())
}

fn example<const N: usize>(pattern: &str, examples: [&str; N]) -> Json {
    matching(pattern).with("examples", examples)
}

fn of_integers(integers: &Integers) -> Json {
    let schema = Json::map()
        .with("type", ["integer", "string"])
        .with("minimum", Json::number(integers.min))
        .with("maximum", Json::number(integers.max))
        .with("pattern", WHOLE);
    if integers.lacks_zero() {
        return schema.with("not", Json::map().with("const", Json::number(0)));
    }
    schema
}

fn of_floats(floats: &Floats) -> Json {
    let mut schema = Json::map().with("type", ["number", "string"]);
    if floats.min.is_finite() {
        schema.put("minimum", Json::number(floats.min));
    }
    if floats.max.is_finite() {
        let keyword = if floats.excludes_max {
            "exclusiveMaximum"
        } else {
            "maximum"
        };
        schema.put(keyword, Json::number(floats.max));
    }
    schema.with("pattern", WITH_FRACTION)
}
