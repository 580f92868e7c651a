//! What is drawn as a picture: a group of bars for each contender.

use serde::{Deserialize, Serialize};

/// Bars, on one logarithmic axis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Series {
    /// What the picture shows.
    pub title: String,
    /// What the bars and their whiskers are.
    pub caption: String,
    /// What follows a number, such as `ns`.
    pub unit: String,
    /// What the bars of a group stand for, such as `1 thread`.
    pub names: Vec<String>,
    /// The contenders.
    pub groups: Vec<Group>,
}

/// A contender.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub label: String,
    /// Whether it is retune's own.
    pub ours: bool,
    /// One for each of [`Series::names`]; none where it was not measured.
    pub bars: Vec<Option<Bar>>,
}

/// A figure, and what lies around it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Bar {
    /// The figure itself.
    pub value: f64,
    /// Where the whisker begins.
    pub low: f64,
    /// Where the whisker ends.
    pub high: f64,
}
