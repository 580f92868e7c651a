//! What a program of `src/bin` has found out.

use std::fmt::Display;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::Series;

/// One table, with what it has to show and what was held to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Table {
    /// What it is about, in a few words.
    pub title: String,
    /// What was done and what the figures are, with their unit: one paragraph of Markdown.
    pub how: String,
    /// What each column holds. The first names the row.
    pub columns: Vec<String>,
    /// Cells as people read them, as many in each row as there are columns.
    pub rows: Vec<Vec<String>>,
    /// What the project holds itself to.
    pub checks: Vec<Check>,
    /// Crates it was compared with, whose versions are then shown, and other programs, with theirs.
    #[serde(default)]
    pub contenders: Vec<String>,
    /// What is drawn as a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
}

/// Something that the project holds itself to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    /// What is measured.
    pub what: String,
    /// What it was, with its unit.
    pub value: String,
    /// What it was to be, with its unit.
    pub limit: String,
    /// Whether it was.
    pub held: bool,
    /// Why it is not, or why the limit is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

// === impl Table ===

impl Table {
    /// Writes it to the standard output.
    ///
    /// # Errors
    ///
    /// When nobody reads that any more.
    pub fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, self)?;
        writeln!(out)
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Display>) {
        self.rows
            .push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }
}

// === impl Check ===

impl Check {
    /// Holds if `value` is no more than `limit`. The unit is what follows a number: ` ns`, or nothing
    /// for a ratio.
    pub fn at_most(what: impl Into<String>, value: f64, limit: f64, unit: &str) -> Self {
        Self {
            what: what.into(),
            value: format!("{value:.2}{unit}"),
            limit: format!("at most {limit}{unit}"),
            held: value <= limit,
            why: None,
        }
    }

    /// Says why it does not hold, or why the limit is what it is.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}
