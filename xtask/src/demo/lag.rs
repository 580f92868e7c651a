//! How long a change took to reach each process.

use serde_json::Value;

use super::screen::{Screen, Style};

/// Columns of the longest bar.
const COLUMNS: f64 = 38.0;

/// Milliseconds from the publish of one generation until ...
pub(super) struct Lag {
    pub(super) process: String,
    noticed: f64,
    swapped: f64,
    pub(super) applied: f64,
}

// === impl Lag ===

impl Lag {
    /// As the status tells it; `None` until every subscriber has returned.
    pub(super) fn of(process: &str, status: &Value) -> Option<Self> {
        let times = &status["times"];
        let at = |name: &str| Some(millis(times[name].as_str()?));
        let published = at("published")?;
        // Around midnight the day ends between two of them.
        let since =
            |name: &str| Some((at(name)? - published + DAY / 2.0).rem_euclid(DAY) - DAY / 2.0);
        Some(Self {
            process: process.to_owned(),
            noticed: since("noticed")?,
            swapped: since("swapped")?,
            applied: since("applied")?,
        })
    }
}

const DAY: f64 = 86_400_000.0;

/// The time of day of `2026-11-21T02:15:10.042173Z`.
pub(super) fn millis(time: &str) -> f64 {
    let time = time.split_once('T').map_or(time, |(_, time)| time);
    let parts = time.trim_end_matches('Z').split(':');
    parts.fold(0.0, |sum, part| {
        sum * 60.0 + part.parse::<f64>().unwrap_or_default()
    }) * 1000.0
}

/// Draws one bar a process, all on one scale.
pub(super) fn draw(screen: &mut Screen, lags: &[Lag]) {
    let longest = lags.iter().map(|lag| lag.applied).fold(0.0, f64::max);
    let column = |millis: f64| (millis.max(0.0) / longest.max(1e-3) * COLUMNS).round() as usize;
    for lag in lags {
        let (noticed, swapped, applied) = (
            column(lag.noticed),
            column(lag.swapped),
            column(lag.applied),
        );
        let bar = "░".repeat(noticed)
            + &"▒".repeat(swapped.saturating_sub(noticed))
            + &"█".repeat(applied.saturating_sub(swapped));
        let blank = " ".repeat((COLUMNS as usize).saturating_sub(bar.chars().count()));
        let line = Screen::below()
            .and(Style::Name, format!("{:<9} ", lag.process))
            .and(Style::Good, bar)
            .and(Style::Plain, blank)
            .and(
                Style::Plain,
                format!(
                    " {:>5.2} → {:>5.2} → {:>5.2} ms",
                    lag.noticed, lag.swapped, lag.applied
                ),
            );
        screen.print(line);
    }
    let legend = "░ published → noticed   ▒ noticed → readers see it   █ → every subscriber has it";
    screen.print(Screen::below().and(Style::Dim, format!("{:<10}{legend}", "")));
}
