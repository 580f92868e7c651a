//! What a program of `bench/src/bin` prints; the types are `retune-bench`'s, which is no part of this
//! workspace.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// A table with its circumstances.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) date: String,
    pub(super) machine: String,
    pub(super) table: Table,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) title: String,
    /// One paragraph.
    pub(super) how: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    pub(super) checks: Vec<Check>,
    #[serde(default)]
    pub(super) contenders: Vec<String>,
    #[serde(default)]
    pub(super) series: Option<Series>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) what: String,
    pub(super) value: String,
    pub(super) limit: String,
    pub(super) held: bool,
    #[serde(default)]
    pub(super) why: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Series {
    pub(super) title: String,
    pub(super) caption: String,
    pub(super) unit: String,
    pub(super) names: Vec<String>,
    pub(super) groups: Vec<Group>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) label: String,
    pub(super) ours: bool,
    pub(super) bars: Vec<Option<Bar>>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Bar {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

// === impl Table ===

impl Table {
    /// The rows, with columns as wide as what they hold.
    pub(super) fn markdown(&self) -> String {
        let cells = || self.rows.iter().chain([&self.columns]);
        let width = |column: usize| {
            let widths = cells().filter_map(|row| row.get(column));
            widths.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        row(&mut text, &self.columns, &widths);
        for (column, width) in widths.iter().enumerate() {
            // Numbers stand at the right.
            let (dashes, end) = match column {
                0 => (width + 2, ""),
                _ => (width + 1, ":"),
            };
            _ = write!(text, "|{}{end}", "-".repeat(dashes));
        }
        text.push_str("|\n");
        for cells in &self.rows {
            row(&mut text, cells, &widths);
        }
        text
    }
}

fn row(text: &mut String, cells: &[String], widths: &[usize]) {
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        _ = match column {
            0 => write!(text, "| {cell:<width$} "),
            _ => write!(text, "| {cell:>width$} "),
        };
    }
    text.push_str("|\n");
}

// === impl Check ===

impl Check {
    /// Holds if a ratio is no more than `limit`.
    pub(super) fn at_most(what: String, ratio: f64, limit: f64) -> Self {
        Self {
            what,
            value: format!("{ratio:.2}"),
            limit: format!("at most {limit}"),
            held: ratio <= limit,
            why: None,
        }
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let held = if self.held { "held" } else { "NOT held" };
        let why = self.why.as_ref().map(|why| format!(" ({why})"));
        let Self {
            what, value, limit, ..
        } = self;
        format!(
            "{held}: {what}: {value}, {limit}{}",
            why.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_they_hold() {
        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table = Table {
            columns: cells(["way", "µs"]),
            rows: vec![cells(["raw", "7"]), cells(["retune", "12.5"])],
            ..Table::default()
        };
        let expected = "\
            | way    |   µs |\n\
            |--------|-----:|\n\
            | raw    |    7 |\n\
            | retune | 12.5 |\n";
        assert_eq!(table.markdown(), expected);
    }
}
