//! One value as YAML, JSON and TOML, and what comes of each.
#![allow(dead_code, unreachable_pub)]

use std::convert::Infallible;
use std::fmt::Write;

use retune::{Error, Problem, Retune, Serde, source};
use serde_json::{Map, Value};

use super::every_shape::Every;

/// A document in each format that says the same. `top` is a map; nowhere in it is `null`, which TOML has not.
pub fn three_ways(top: &Map<String, Value>) -> [(&'static str, String); 3] {
    let mut yaml = String::new();
    yaml_map(&mut yaml, top, 0);
    let mut toml = String::new();
    toml_table(&mut toml, top, "");
    let json = Value::Object(top.clone()).to_string();
    [("a.yaml", yaml), ("a.json", json), ("a.toml", toml)]
}

fn yaml_map(out: &mut String, map: &Map<String, Value>, depth: usize) {
    if map.is_empty() {
        indent(out, depth);
        out.push_str("{}\n");
    }
    for (key, value) in map {
        indent(out, depth);
        _ = write!(out, "{}:", yaml_text(key));
        yaml_below(out, value, depth + 1);
    }
}

/// What stands behind `key:` or `-`.
fn yaml_below(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            yaml_map(out, map, depth);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                indent(out, depth);
                out.push('-');
                yaml_below(out, item, depth + 1);
            }
        }
        Value::String(text) => _ = writeln!(out, " {}", yaml_text(text)),
        other => _ = writeln!(out, " {other}"),
    }
}

/// In the quotes that take it as it is, if there are such.
fn yaml_text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
    if text.chars().all(plain) {
        format!("'{text}'")
    } else {
        quoted(text)
    }
}

fn toml_table(out: &mut String, map: &Map<String, Value>, path: &str) {
    let (tables, values): (Vec<_>, Vec<_>) = map.iter().partition(|(_, value)| value.is_object());
    for (key, value) in values {
        _ = writeln!(out, "{} = {}", quoted(key), toml_value(value));
    }
    for (key, table) in tables {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", quoted(key));
        _ = writeln!(out, "[{path}]");
        if let Value::Object(map) = table {
            toml_table(out, map, &path);
        }
    }
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entries = map.iter();
            let entries =
                entries.map(|(key, value)| format!("{} = {}", quoted(key), toml_value(value)));
            let entries: Vec<_> = entries.collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// In double quotes, with escapes that all three know.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || !c.is_ascii() && !c.is_alphanumeric() => {
                _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Decodes each of the three into serde's own value, which must be the one that they say; and into a type with
/// every shape, where all three must give the same, be it a value or what is wrong.
pub fn decode_alike(top: &Map<String, Value>) -> Result<(), String> {
    if top.is_empty() {
        // An empty document of TOML is refused, as it may be one that was cut off.
        return Ok(());
    }
    let mut first = None;
    for (name, text) in three_ways(top) {
        let whole = load::<Serde<Value>>(name, &text).map(Serde::into_inner);
        match whole {
            Ok(value) if value == Value::Object(top.clone()) => {}
            other => return Err(format!("{name} is another value: {other:?}\n{text}")),
        }
        let every = match load::<Every>(name, &text) {
            Ok(every) => vec![format!("{every:?}")],
            Err(error) => {
                let problems = error.problems().iter();
                // Without places, and without the help: it may name keys in their order, and tables come
                // last in TOML.
                let told = |problem: &Problem| {
                    let message = problem.message().split(" test/").next();
                    format!("{}: {}", problem.path(), message.unwrap_or_default())
                };
                let mut told: Vec<_> = problems.map(told).collect();
                told.sort();
                told
            }
        };
        let first = first.get_or_insert_with(|| every.clone());
        // Which of two names for one field comes first, and counts, is another where tables come last.
        let twice = |told: &[String]| told.iter().any(|line| line.contains("given twice"));
        if *first != every && !(twice(first) && twice(&every)) {
            return Err(format!("{name}: {every:#?}, and YAML: {first:#?}\n{text}"));
        }
    }
    Ok(())
}

fn load<T: Retune>(name: &'static str, text: &str) -> Result<T, Error> {
    let text = text.to_owned();
    let source = source::from_fn("test", move || Ok::<_, Infallible>([(name, text.clone())]));
    T::loader().source(source).once()
}
