//! What a place holds: everything in it follows from one number, so that a reader can tell what is torn.

use crate::shape::{Form, Format, Place};

/// Of a storm's edit, or of a calm; what a place holds follows from it and the place's name.
pub(crate) type Serial = u64;

/// The values of a place, as a reader finds them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) serial: Serial,
    /// The same once more.
    pub(crate) twin: Serial,
    pub(crate) text: &'a str,
    /// A key that comes and goes.
    pub(crate) extra: Option<&'a str>,
    /// Of secrets.
    pub(crate) key: Option<&'a str>,
}

/// What makes an update one that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A number that is none.
    NoNumber,
    /// A value is missing that has to be there.
    Missing,
    /// A document that cannot be parsed; where there is none, as [`NoNumber`](Self::NoNumber).
    Broken,
}

/// Kinds of sizes, of which one is big.
const SIZES: u64 = 24;
const BIG: usize = 96 * 1024;

/// What all places hold in a calm: to the byte as much as in any other calm.
pub(crate) fn of_calm(number: u64) -> Serial {
    (1_000_000 + number) * SIZES * 3
}

pub(crate) fn text(id: &str, serial: Serial) -> String {
    let length = match serial % SIZES {
        23 => BIG,
        class => 64 + 24 * class as usize,
    };
    let mut text = format!("{id}.{serial}.").repeat(length / 6 + 1);
    text.truncate(length);
    // What ends in a dot or a digit is text to every format, as it begins with a letter.
    text
}

fn extra(id: &str, serial: Serial) -> Option<String> {
    (serial / SIZES)
        .is_multiple_of(3)
        .then(|| format!("x{id}.{serial}"))
}

fn key(id: &str, serial: Serial) -> String {
    format!("key-{id}-{serial}")
}

// === impl Found ===

impl Found<'_> {
    /// Its serial, if all of it is of the same.
    pub(crate) fn whole(&self, id: &str) -> Result<Serial, String> {
        let serial = self.serial;
        let key = |found: &str| found == key(id, serial);
        let whole = self.twin == serial
            && self.text == text(id, serial)
            && self.extra == extra(id, serial).as_deref()
            && self.key.is_none_or(key);
        if whole {
            return Ok(serial);
        }
        let start: String = self.text.chars().take(40).collect();
        Err(format!(
            "{id}: serial {serial}, twin {}, {} bytes of text {start:?}, extra {:?}, key {:?}",
            self.twin,
            self.text.len(),
            self.extra,
            self.key
        ))
    }
}

/// The fields with their texts.
fn fields(place: &Place, serial: Serial, flaw: Option<Flaw>) -> Vec<(&'static str, String)> {
    let number = match flaw {
        Some(Flaw::NoNumber | Flaw::Broken) => "many".to_owned(),
        _ => serial.to_string(),
    };
    let mut fields = vec![("serial", number), ("twin", serial.to_string())];
    if flaw != Some(Flaw::Missing) {
        fields.push(("text", text(&place.id, serial)));
    }
    fields.extend(extra(&place.id, serial).map(|extra| ("extra", extra)));
    if place.secret {
        fields.push(("key", key(&place.id, serial)));
    }
    fields
}

/// A volume's keys with their contents, or a file's content, its name being empty.
pub(crate) fn keys(place: &Place, serial: Serial, flaw: Option<Flaw>) -> Vec<(String, String)> {
    let fields = fields(place, serial, flaw);
    let broken = flaw == Some(Flaw::Broken);
    let document = |format: Format, path: &[&str]| {
        let mut text = document(format, path, &fields);
        if broken {
            text.push_str("\n}: [\n");
        }
        text
    };
    match place.form {
        Form::Document(format) => vec![(
            format!("part.{}", format.ending()),
            document(format, &["parts", &place.field]),
        )],
        Form::File(format) => vec![(String::new(), document(format, &[&place.field]))],
        Form::Keys => fields
            .iter()
            .map(|(name, value)| (format!("{}.{name}", place.field), value.clone()))
            .collect(),
        Form::Variables => fields
            .iter()
            .map(|(name, value)| (variable(&place.id, name), value.clone()))
            .collect(),
    }
}

/// The name of a place's variable.
pub(crate) fn variable(id: &str, field: &str) -> String {
    format!("{id}_{field}").to_uppercase()
}

fn document(format: Format, path: &[&str], fields: &[(&'static str, String)]) -> String {
    let quoted = |name: &str, value: &str| match name {
        "serial" | "twin" if value != "many" => value.to_owned(),
        _ => format!("\"{value}\""),
    };
    match format {
        Format::Yaml => {
            let heads = path.iter().enumerate();
            let mut text: String = heads
                .map(|(depth, name)| format!("{}{name}:\n", "  ".repeat(depth)))
                .collect();
            let indent = "  ".repeat(path.len());
            for (name, value) in fields {
                text += &format!("{indent}{name}: {value}\n");
            }
            text
        }
        Format::Json => {
            let heads: String = path.iter().map(|name| format!("{{\"{name}\": ")).collect();
            let values: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("\"{name}\": {}", quoted(name, value)))
                .collect();
            format!(
                "{heads}{{{}}}{}\n",
                values.join(", "),
                "}".repeat(path.len())
            )
        }
        Format::Toml => {
            let mut text = format!("[{}]\n", path.join("."));
            for (name, value) in fields {
                text += &format!("{name} = {}\n", quoted(name, value));
            }
            text
        }
        Format::Env => {
            let prefix = path.join("_").to_uppercase();
            let line = |(name, value): &(&str, String)| {
                format!("SOAK_{prefix}_{}={value}\n", name.to_uppercase())
            };
            fields.iter().map(line).collect()
        }
    }
}
