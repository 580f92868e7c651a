//! The values of a round, in the two shapes that volumes have them in.

use std::collections::HashMap;
use std::fmt::Write;

use retune::{Retune, Serde};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How a volume holds its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A file each.
    Keys,
    /// One YAML file.
    Document,
}

/// The file of [`Shape::Document`].
pub(crate) const DOCUMENT: &str = "config.yaml";

/// What values are decoded to.
pub(crate) trait Values: 'static {
    /// By retune.
    type Ours: Retune;
    /// By the peers.
    type Theirs: DeserializeOwned + Send + Sync + 'static;

    fn first_of_ours(values: &Self::Ours) -> &str;
    fn first_of_theirs(values: &Self::Theirs) -> &str;
}

macro_rules! values {
    ($name:ident: $($field:ident)*) => {
        #[derive(Debug, Retune, Deserialize)]
        pub(crate) struct $name {
            $(
                #[allow(dead_code, reason = "it is there to be decoded")]
                $field: String,
            )*
        }

        impl Values for $name {
            type Ours = Self;
            type Theirs = Self;

            fn first_of_ours(values: &Self) -> &str {
                &values.k00
            }

            fn first_of_theirs(values: &Self) -> &str {
                &values.k00
            }
        }
    };
}

values!(One: k00);
values!(Twenty: k00 k01 k02 k03 k04 k05 k06 k07 k08 k09 k10 k11 k12 k13 k14 k15 k16 k17 k18 k19);

/// As many as there are; nobody writes a thousand fields down.
#[derive(Debug)]
pub(crate) enum Any {}

type Map = HashMap<String, String>;

/// Which round a value is of.
pub(crate) fn round_of(value: &str) -> u32 {
    let number = value.rsplit(' ').next();
    number
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or(u32::MAX)
}

// === impl Shape ===

impl Shape {
    /// The files of a volume of so many values.
    pub(crate) fn files(self, count: usize, round: u32) -> Vec<(String, String)> {
        let key = |i| format!("k{i:02}");
        let value = |i| format!("value {i} of round {round}");
        match self {
            Self::Keys => (0..count).map(|i| (key(i), value(i))).collect(),
            Self::Document => {
                let mut text = String::new();
                for i in 0..count {
                    _ = writeln!(text, "{}: {}", key(i), value(i));
                }
                vec![(DOCUMENT.to_owned(), text)]
            }
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Keys => "a file each",
            Self::Document => "one YAML file",
        }
    }
}

// === impl Any ===

impl Values for Any {
    type Ours = Serde<Map>;
    type Theirs = Map;

    fn first_of_ours(values: &Serde<Map>) -> &str {
        values.get("k00").map_or("", String::as_str)
    }

    fn first_of_theirs(values: &Map) -> &str {
        values.get("k00").map_or("", String::as_str)
    }
}
