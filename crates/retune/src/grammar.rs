//! How a text is written: what a value's type takes, as far as that can be told without the type.

use std::borrow::Cow;

use crate::values::{Floats, Integers};

/// How a [`Shape::Text`](crate::shape::Shape::Text) is written.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Grammar {
    /// Any text.
    String,
    /// `true` or `false`, or one of their other words.
    Bool,
    /// One character.
    Char,
    /// A whole number.
    Integer(Integers),
    /// A finite number.
    Float(Floats),
    /// Numbers with units of time.
    Duration,
    /// A number of bytes, with or without a unit.
    Size,
    /// An IP address and a port.
    SocketAddr,
    /// An IPv4 address and a port.
    SocketAddrV4,
    /// An IPv6 address and a port.
    SocketAddrV6,
    /// An IP address.
    IpAddr,
    /// An IPv4 address.
    Ipv4Addr,
    /// An IPv6 address.
    Ipv6Addr,
    /// A path.
    Path,
    /// Text that system calls take: without NUL bytes.
    OsString,
    /// A URL with its scheme.
    UrlText,
    /// A regular expression.
    RegexText,
    /// Known to the program alone. Says what it must look like ("a valid `Regex`").
    Other(&'static str),
}

// === impl Grammar ===

impl Grammar {
    /// What to write, for help and reports.
    #[must_use]
    pub fn expects(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::String => "text",
            Self::Bool => "`true` or `false`",
            Self::Char => "one character",
            Self::Integer(integers) => return Cow::Owned(integers.expects()),
            Self::Float(floats) => return floats.expects(),
            Self::Duration => "a duration such as `30s` or `1h30m`",
            Self::Size => "a size such as `64MiB`",
            Self::SocketAddr => "an IP address and a port such as `127.0.0.1:8080` or `[::1]:8080`",
            Self::SocketAddrV4 => "an IPv4 address and a port such as `127.0.0.1:8080`",
            Self::SocketAddrV6 => "an IPv6 address and a port such as `[::1]:8080`",
            Self::IpAddr => "an IP address such as `10.0.0.1` or `::1`",
            Self::Ipv4Addr => "an IPv4 address such as `10.0.0.1`",
            Self::Ipv6Addr => "an IPv6 address such as `::1`",
            Self::Path => "a path",
            Self::OsString => "text without NUL bytes",
            Self::UrlText => "a URL such as `https://example.org/path`",
            Self::RegexText => "a regular expression such as `^v[0-9]+$`",
            Self::Other(expects) => expects,
        })
    }
}
