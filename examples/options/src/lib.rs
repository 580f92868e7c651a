//! What both programs have in common: where a service is, and a table of where values come from.
#![forbid(unsafe_code)]

use std::fmt;
use std::str::FromStr;

use retune::Explanation;

/// Where a service is: a name or an address, and a port. It is no URL: as one, `service-1:8080` is
/// the path `8080` in a scheme that is called `service-1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name, or an address, that of IPv6 in brackets.
    pub host: String,
    /// Any port but 0.
    pub port: u16,
}

// === impl HostPort ===

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            return Err("leave the scheme out, it is no URL");
        }
        let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
        let port = port.parse().ok().filter(|port| *port > 0);
        let is_address = host.starts_with('[') && host.ends_with(']');
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if host.is_empty() || !is_address && !host.chars().all(is_name) {
            return Err("the host is no name, nor an address");
        }
        let (host, port) = (
            host.to_owned(),
            port.ok_or("the port is none of 1 to 65535")?,
        );
        Ok(Self { host, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A line for each value: its name, what holds, and where that was written.
#[must_use]
pub fn table(values: &[Explanation]) -> String {
    let row = |value: &Explanation| {
        let (held, origin) = match &value.winner {
            Some(winner) => (winner.value.clone(), winner.origin.to_string()),
            None => ("none".to_owned(), String::new()),
        };
        [value.path.clone(), held, origin]
    };
    let rows: Vec<_> = values.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let [name, held] = [width(0), width(1)].map(Option::unwrap_or_default);
    let line =
        |[path, value, origin]: &[String; 3]| format!("{path:name$}  {value:held$}  {origin}");
    let lines: Vec<_> = rows.iter().map(line).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_are_told_apart_and_no_url_is_taken_for_them() {
        for text in [
            "service-1:8080",
            "10.0.0.7:1",
            "[::1]:65535",
            "db.svc_1.local:5432",
        ] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "service-1",
            ":80",
            "a:0",
            "a:65536",
            "a:b",
            "::1:80",
            "http://a:80",
            "a/b:80",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }
}
