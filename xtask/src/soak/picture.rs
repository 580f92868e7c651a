//! The record as a picture: a small chart for each thing that was counted, one below the other.

use std::fmt::Write;

use retune_soak::record::Sample;

use super::Record;
use crate::svg::{Style, WIDTH, text};

// In units of the picture.
const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 76.0;
const TOP: f64 = 116.0;
const ROW: f64 = 92.0;
/// Height of a chart in its row.
const CHART: f64 = 62.0;

const STYLE: Style = Style {
    light: ".one{stroke:#0969da}.one-text{fill:#0969da}.two{stroke:#bc4c00}.two-text{fill:#bc4c00}",
    dark: ".one{stroke:#4493f8}.one-text{fill:#4493f8}.two{stroke:#f0883e}.two-text{fill:#f0883e}",
    lines: ".line{fill:none;stroke-width:1.4;stroke-linejoin:round}.grid{stroke-width:1}",
};

/// A chart of one unit.
struct Chart<'a> {
    name: &'a str,
    unit: &'a str,
    lines: Vec<Series<'a>>,
}

/// A line in it, and what it was when all had settled.
struct Series<'a> {
    label: &'a str,
    points: Vec<(f64, f64)>,
    calms: Vec<(f64, f64)>,
}

/// Where a moment and a value lie.
struct Scale {
    seconds: f64,
    most: f64,
    bottom: f64,
}

/// As SVG.
pub(super) fn draw(conditions: &str, command: &str, record: &Record) -> String {
    let charts = charts(record);
    let seconds = record.samples.iter().chain(&record.calms);
    let seconds = seconds.map(|sample| sample.at).fold(1.0, f64::max);
    let bottom = TOP + ROW * charts.len() as f64;
    let height = bottom + 50.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"12\">\n\
         <title>A process under random edits and faults: what it holds over time</title>\n\
         <style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n"
    );
    let title = "class=\"text\" font-size=\"17\" font-weight=\"600\"";
    let minutes = record.begin.minutes;
    let headline =
        format!("{minutes} minutes of random edits, faults and readers: what stays flat");
    svg += &text(20.0, 32.0, title, &headline);
    svg += &text(20.0, 52.0, "class=\"dim\"", conditions);
    svg += &text(
        20.0,
        69.0,
        "class=\"dim\" font-family=\"ui-monospace, 'DejaVu Sans Mono', monospace\" font-size=\"11\"",
        command,
    );
    let legend = "Dots: when edits and faults had stopped and all had settled. Between them it is busy, and counts may rise.";
    svg += &text(20.0, 90.0, "class=\"dim\"", legend);
    for (index, chart) in charts.iter().enumerate() {
        let scale = Scale {
            seconds,
            most: nice(chart.most()),
            bottom: TOP + ROW * index as f64 + CHART + 12.0,
        };
        svg += &chart.draw(&scale);
    }
    svg + &times(seconds, bottom) + "</svg>\n"
}

fn charts(record: &Record) -> Vec<Chart<'static>> {
    let series = |label, value: &dyn Fn(&Sample) -> f64| Series {
        label,
        points: record.samples.iter().map(|s| (s.at, value(s))).collect(),
        calms: record.calms.iter().map(|s| (s.at, value(s))).collect(),
    };
    let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    let counted = |name, unit, value: &dyn Fn(&Sample) -> f64| Chart {
        name,
        unit,
        lines: vec![series("", value)],
    };
    vec![
        Chart {
            name: "Memory",
            unit: "MiB",
            lines: vec![
                series("allocated", &|s| mib(s.inside.heap)),
                series("resident", &|s| mib(s.process.rss)),
            ],
        },
        counted("Descriptors", "open", &|s| s.process.descriptors as f64),
        counted("Threads", "alive", &|s| s.process.threads as f64),
        counted("Inotify watches", "of the one instance", &|s| {
            s.process.watches as f64
        }),
        counted("Old generations", "held by somebody", &|s| {
            s.inside.held as f64
        }),
        Chart {
            name: "New generations",
            unit: "a second",
            lines: vec![Series {
                label: "",
                points: rate(&record.samples, |sample| sample.inside.generations),
                calms: Vec::new(),
            }],
        },
        Chart {
            name: "Lag, p99",
            unit: "s, publish → applied",
            lines: vec![Series {
                label: "",
                points: lags(&record.samples),
                calms: Vec::new(),
            }],
        },
    ]
}

/// Where something was applied.
fn lags(samples: &[Sample]) -> Vec<(f64, f64)> {
    let lag = |sample: &Sample| Some((sample.at, sample.inside.lag_p99?));
    samples.iter().filter_map(lag).collect()
}

/// How much more there is a second, over some seconds: a single one says little.
fn rate(samples: &[Sample], count: impl Fn(&Sample) -> u64) -> Vec<(f64, f64)> {
    const OVER: usize = 5;
    let pairs = samples.iter().zip(samples.iter().skip(OVER));
    pairs
        .map(|(before, after)| {
            let more = count(after).saturating_sub(count(before)) as f64;
            (after.at, more / (after.at - before.at).max(0.1))
        })
        .collect()
}

/// A round number that is no less.
fn nice(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(1e-9).log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= most * 1.02);
    step.unwrap_or(15.0) * power
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// The axis of all charts.
fn times(seconds: f64, bottom: f64) -> String {
    let scale = Scale {
        seconds,
        most: 1.0,
        bottom,
    };
    let steps = [
        5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
    ];
    let step = steps.into_iter().find(|step| seconds / step <= 8.0);
    let step = step.unwrap_or(seconds / 8.0);
    let mut svg = String::new();
    let mut at = 0.0;
    while at <= seconds {
        let label = match step {
            60.0.. => format!("{} min", number(at / 60.0)),
            _ => format!("{at:.0} s"),
        };
        let attributes = "class=\"dim\" text-anchor=\"middle\"";
        svg += &text(scale.x(at), bottom + 14.0, attributes, &label);
        at += step;
    }
    svg + &text(
        (LEFT + RIGHT) / 2.0,
        bottom + 34.0,
        "class=\"dim\" text-anchor=\"middle\"",
        "time since the start",
    )
}

// === impl Scale ===

impl Scale {
    fn x(&self, at: f64) -> f64 {
        LEFT + at / self.seconds * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - value / self.most * CHART
    }
}

// === impl Chart ===

impl Chart<'_> {
    fn most(&self) -> f64 {
        let points = self
            .lines
            .iter()
            .flat_map(|line| line.points.iter().chain(&line.calms));
        points.map(|(_, value)| *value).fold(0.1, f64::max)
    }

    fn draw(&self, scale: &Scale) -> String {
        let top = scale.y(scale.most);
        let name = "class=\"text\" font-weight=\"600\" font-size=\"13\"";
        let mut svg = text(20.0, top + 16.0, name, self.name);
        svg += &text(20.0, top + 32.0, "class=\"dim\"", self.unit);
        for value in [0.0, scale.most / 2.0, scale.most] {
            let y = scale.y(value);
            _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            );
            let attributes = "class=\"dim\" text-anchor=\"end\" font-size=\"11\"";
            svg += &text(LEFT - 8.0, y + 4.0, attributes, &number(value));
        }
        for (index, (line, class)) in self.lines.iter().zip(["one", "two"]).enumerate() {
            svg += &line.draw(scale, class);
            if !line.label.is_empty() {
                let y = top + 48.0 + 15.0 * index as f64;
                svg += &text(
                    20.0,
                    y,
                    &format!("class=\"{class}-text\""),
                    &format!("— {}", line.label),
                );
            }
        }
        svg
    }
}

// === impl Series ===

impl Series<'_> {
    /// From where to where the line goes in each column, which is as wide as the line itself: more points
    /// would not be seen.
    fn columns(&self, scale: &Scale) -> Vec<(f64, f64, f64)> {
        const WIDTH: f64 = 2.0;
        let mut columns: Vec<(f64, f64, f64)> = Vec::new();
        for (at, value) in &self.points {
            let x = (scale.x(*at) / WIDTH).floor() * WIDTH;
            let y = scale.y(*value);
            match columns.last_mut() {
                Some((last, low, high)) if *last == x => {
                    *low = low.max(y);
                    *high = high.min(y);
                }
                _ => columns.push((x, y, y)),
            }
        }
        columns
    }

    fn draw(&self, scale: &Scale, class: &str) -> String {
        let mut svg = format!("<path class=\"line {class}\" d=\"");
        for (index, (x, low, high)) in self.columns(scale).into_iter().enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            _ = write!(svg, "{letter}{x:.0} {low:.1}");
            if low != high {
                _ = write!(svg, "V{high:.1}");
            }
        }
        svg += "\"/>\n";
        for (at, value) in &self.calms {
            let (x, y) = (scale.x(*at), scale.y(*value));
            _ = writeln!(
                svg,
                "<circle class=\"{class}-text\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
            );
        }
        if let Some((_, value)) = self.calms.last() {
            let attributes = format!("class=\"{class}-text\"");
            let label = number((value * 10.0).round() / 10.0);
            svg += &text(RIGHT + 8.0, scale.y(*value) + 4.0, &attributes, &label);
        }
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_that_holds_all() {
        let ends = [0.4, 7.0, 46.0, 169.0, 980.0, 1000.0].map(nice);
        assert_eq!(ends, [0.5, 8.0, 50.0, 200.0, 1000.0, 1500.0]);
    }
}
