//! JSON to be written: in the order in which it was put together, and easy to read.

use std::fmt::{self, Write as _};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// As it is to be written: numbers may be wider than any type of ours.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

/// What fits in so many columns is one line.
const WIDTH: usize = 90;

// === impl Json ===

impl Json {
    pub(crate) const fn map() -> Self {
        Self::Map(Vec::new())
    }

    pub(crate) fn number(number: impl fmt::Display) -> Self {
        Self::Number(number.to_string())
    }

    /// With one more entry, for maps.
    #[must_use]
    pub(crate) fn with(mut self, key: impl Into<String>, value: impl Into<Self>) -> Self {
        self.put(key, value);
        self
    }

    /// Adds an entry to a map.
    pub(crate) fn put(&mut self, key: impl Into<String>, value: impl Into<Self>) {
        if let Self::Map(entries) = self {
            entries.push((key.into(), value.into()));
        }
    }

    /// Adds another map's entries to a map.
    pub(crate) fn put_all(&mut self, other: Self) {
        if let (Self::Map(entries), Self::Map(more)) = (self, other) {
            entries.extend(more);
        }
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let entry = entries.iter_mut().find(|(name, _)| name == key);
        entry.map(|(_, value)| value)
    }

    /// Over several lines, with a final newline.
    pub(crate) fn pretty(&self) -> String {
        let mut out = String::new();
        self.write_at(0, 0, &mut out);
        out.push('\n');
        out
    }

    /// `used` columns of the line are taken already.
    fn write_at(&self, depth: usize, used: usize, out: &mut String) {
        let line = self.to_string();
        let (open, close) = match self {
            Self::List(items) if !items.is_empty() => ('[', ']'),
            Self::Map(entries) if !entries.is_empty() => ('{', '}'),
            _ => return out.push_str(&line),
        };
        if depth > 0 && used + line.chars().count() <= WIDTH {
            return out.push_str(&line);
        }
        let indentation = "  ".repeat(depth + 1);
        let mut separator = "";
        let mut item = |key: Option<&str>, value: &Self, out: &mut String| {
            out.push_str(separator);
            separator = ",";
            out.push('\n');
            out.push_str(&indentation);
            let key = key.map(|key| format!("{}: ", Self::Text(key.to_owned())));
            let key = key.unwrap_or_default();
            out.push_str(&key);
            value.write_at(depth + 1, indentation.len() + key.chars().count(), out);
        };
        out.push(open);
        match self {
            Self::List(items) => items.iter().for_each(|value| item(None, value, out)),
            Self::Map(entries) => entries
                .iter()
                .for_each(|(key, value)| item(Some(key), value, out)),
            _ => {}
        }
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
        out.push(close);
    }
}

/// In one line.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => f.write_str(number),
            Self::Text(text) => quoted(text, f),
            Self::List(items) => {
                f.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    write!(f, "{item}")?;
                }
                f.write_char(']')
            }
            Self::Map(entries) => {
                f.write_char('{')?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    quoted(key, f)?;
                    write!(f, ": {value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<const N: usize> From<[&str; N]> for Json {
    fn from(texts: [&str; N]) -> Self {
        Self::List(texts.into_iter().map(Self::from).collect())
    }
}

impl From<Vec<Self>> for Json {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}
