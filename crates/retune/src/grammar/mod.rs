//! How a text is written: what a value's type takes, as far as that can be told without the type.

mod float;
mod integer;
mod range;

use std::borrow::Cow;

pub use float::Floats;
pub(crate) use integer::without_separators;
pub use integer::{Integer, Integers};
pub use range::{NumberRange, RangeEnd};

/// How a [`Shape::Text`](crate::shape::Shape::Text) is written.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Grammar {
    /// Any text.
    Text,
    /// `true` or `false`, or one of their other words.
    Bool,
    /// One character.
    Char,
    /// A whole number.
    Integer(Integers),
    /// A finite number.
    Float(Floats),
    /// Numbers with units of time.
    Time,
    /// A number of bytes, with or without a unit.
    Size,
    /// An IP address and a port.
    IpAndPort,
    /// An IPv4 address and a port.
    Ipv4AndPort,
    /// An IPv6 address and a port.
    Ipv6AndPort,
    /// An IP address.
    Ip,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A path.
    FilePath,
    /// Text that system calls take: without NUL bytes.
    NoNul,
    /// A URL with its scheme.
    UrlText,
    /// A regular expression.
    RegexText,
    /// Which events a log takes: levels, for all or by target.
    LogDirectives,
    /// Known to the program alone. Says what it must look like ("a valid `Regex`").
    Other(&'static str),
}

// === impl Grammar ===

impl Grammar {
    /// What to write, for help and reports.
    #[must_use]
    pub fn expects(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Text => "text",
            Self::Bool => "`true` or `false`",
            Self::Char => "one character",
            Self::Integer(integers) => return format!("a whole number, {integers}").into(),
            Self::Float(floats) => return floats.expects(),
            Self::Time => "a duration such as `30s` or `1h30m`",
            Self::Size => "a size such as `64MiB`",
            Self::IpAndPort => "an IP address and a port such as `127.0.0.1:8080` or `[::1]:8080`",
            Self::Ipv4AndPort => "an IPv4 address and a port such as `127.0.0.1:8080`",
            Self::Ipv6AndPort => "an IPv6 address and a port such as `[::1]:8080`",
            Self::Ip => "an IP address such as `10.0.0.1` or `::1`",
            Self::Ipv4 => "an IPv4 address such as `10.0.0.1`",
            Self::Ipv6 => "an IPv6 address such as `::1`",
            Self::FilePath => "a path",
            Self::NoNul => "text without NUL bytes",
            Self::UrlText => "a URL such as `https://example.org/path`",
            Self::RegexText => "a regular expression such as `^v[0-9]+$`",
            Self::LogDirectives => "a log filter such as `info` or `info,my_crate=debug`",
            Self::Other(expects) => expects,
        })
    }

    /// The part of it that a field's range leaves.
    #[must_use]
    pub(crate) const fn within(self, range: Option<NumberRange>) -> Self {
        match (self, range) {
            (Self::Integer(integers), Some(range)) => Self::Integer(integers.within(range)),
            (Self::Float(floats), Some(range)) => Self::Float(floats.within(range)),
            (grammar, _) => grammar,
        }
    }

    /// The limits of its numbers.
    #[cfg(feature = "clap")]
    pub(crate) fn limits(&self) -> Option<String> {
        match self {
            Self::Integer(integers) => Some(integers.to_string()),
            Self::Float(floats) => floats.limits(),
            _ => None,
        }
    }
}
