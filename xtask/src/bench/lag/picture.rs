//! The results as a picture: a row for each setting, a dot for each sample, all on one axis.

use std::fmt::Write;

use retune_testbed::lag::{Moment, Run};

use super::{HOPS, TOTAL, WITHIN, time};
use crate::svg::{Style, WIDTH, text};

// In units of the picture.
const LEFT: f64 = 130.0;
const RIGHT: f64 = WIDTH - 30.0;
const TOP: f64 = 120.0;
const ROW: f64 = 92.0;
/// Height of the dots of a row.
const BAND: f64 = 26.0;

const STYLE: Style = Style {
    light: ".total{stroke:#bc4c00}.within{stroke:#0969da}.total-text{fill:#bc4c00}.within-text{fill:#0969da}",
    dark: ".total{stroke:#f0883e}.within{stroke:#4493f8}.total-text{fill:#f0883e}.within-text{fill:#4493f8}",
    lines: ".dots{stroke-width:3.4;stroke-linecap:round;stroke-opacity:.55;fill:none}.median{stroke-width:2.5}.grid{stroke-width:1}",
};

/// A logarithmic axis of whole decades.
struct Axis {
    /// Of a second, as powers of ten.
    first: i32,
    last: i32,
}

/// As SVG.
pub(super) fn draw(conditions: &str, runs: &[Run]) -> String {
    let axis = Axis::of(runs);
    let bottom = TOP + ROW * runs.len() as f64;
    let height = bottom + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\">\n\
         <title>Lag of an edit, from the write to the API server until it is applied in pods</title>\n\
         <style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n"
    );
    let title = "class=\"text\" font-size=\"17\" font-weight=\"600\"";
    svg += &text(
        20.0,
        32.0,
        title,
        "How long an edit takes to be applied, pod by pod",
    );
    svg += &text(20.0, 52.0, "class=\"dim\"", conditions);
    let legend = "● published → applied: noticed, swapped and applied by the program in the pod";
    svg += &text(20.0, 76.0, "class=\"within-text\"", legend);
    let legend =
        "● API write → applied, the whole way: the kubelet's hop until published, then the blue";
    svg += &text(20.0, 94.0, "class=\"total-text\"", legend);
    svg += &axis.draw(bottom);
    for (index, run) in runs.iter().enumerate() {
        svg += &row(&axis, TOP + ROW * index as f64, run);
    }
    svg + "</svg>\n"
}

fn row(axis: &Axis, top: f64, run: &Run) -> String {
    let middle = top + 48.0;
    let label = "class=\"text\" font-weight=\"600\"";
    let mut svg = text(
        20.0,
        middle - 2.0,
        label,
        &format!("sync {} s", run.plan.setting.sync),
    );
    if run.plan.setting.nudged {
        svg += &text(20.0, middle + 14.0, "class=\"dim\"", "pods annotated");
    }
    for ((from, to), class) in [(WITHIN, "within"), (TOTAL, "total")] {
        svg += &strip(axis, middle, class, run, from, to);
    }
    let median = |(from, to, hop): (Moment, Moment, &str)| {
        let median = run.quantiles(from, to).map(|quantiles| time(quantiles.p50));
        format!("{hop} {}", median.unwrap_or_default())
    };
    let medians = HOPS.map(median).join("  →  ");
    let medians = format!("medians: written  →  {medians}");
    svg + &text(
        LEFT,
        middle + 32.0,
        "class=\"dim\" font-size=\"12\"",
        &medians,
    )
}

/// A dot for each sample, and the median.
fn strip(axis: &Axis, middle: f64, class: &str, run: &Run, from: Moment, to: Moment) -> String {
    let mut svg = format!("<path class=\"dots {class}\" d=\"");
    for (index, sample) in run.samples.iter().enumerate() {
        // Apart from each other, in an order that looks like none.
        let apart = (index as f64 * 0.618_034).fract() - 0.5;
        let x = axis.x(sample.seconds(from, to));
        _ = write!(svg, "M{x:.1} {:.1}h0", middle + apart * BAND);
    }
    svg += "\"/>\n";
    if let Some(quantiles) = run.quantiles(from, to) {
        let x = axis.x(quantiles.p50);
        let (y1, y2) = (middle - BAND / 2.0 - 4.0, middle + BAND / 2.0 + 4.0);
        _ = writeln!(
            svg,
            "<line class=\"median {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y1}\" y2=\"{y2}\"/>"
        );
        let attributes = format!("class=\"{class}-text\" text-anchor=\"middle\"");
        svg += &text(x, y1 - 4.0, &attributes, &time(quantiles.p50));
    }
    svg
}

// === impl Axis ===

impl Axis {
    /// One that holds all times.
    fn of(runs: &[Run]) -> Self {
        let samples = || runs.iter().flat_map(|run| &run.samples);
        let power = |seconds: f64| seconds.max(1e-5).log10();
        let times = |(from, to)| samples().map(move |sample| power(sample.seconds(from, to)));
        Self {
            first: times(WITHIN).fold(-3.0, f64::min).floor() as i32,
            last: times(TOTAL).fold(0.0, f64::max).ceil() as i32,
        }
    }

    fn x(&self, seconds: f64) -> f64 {
        let decades = f64::from(self.last - self.first);
        let power = seconds.max(1e-9).log10() - f64::from(self.first);
        LEFT + (power / decades).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// A line and a number for each decade.
    fn draw(&self, bottom: f64) -> String {
        let mut svg = String::new();
        for power in self.first..=self.last {
            let seconds = 10_f64.powi(power);
            let x = self.x(seconds);
            _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>"
            );
            let number = match power {
                ..-3 => format!("{:.0} µs", seconds * 1e6),
                -3..0 => format!("{:.0} ms", seconds * 1e3),
                _ => format!("{seconds:.0} s"),
            };
            let attributes = "class=\"dim\" text-anchor=\"middle\"";
            svg += &text(x, bottom + 20.0, attributes, &number);
        }
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decade_is_as_wide_as_any_other() {
        let axis = Axis { first: -3, last: 1 };
        assert_eq!(axis.x(0.001), LEFT);
        assert_eq!(axis.x(10.0), RIGHT);
        assert!((axis.x(0.1) - (LEFT + RIGHT) / 2.0).abs() < 1e-9);
        // What is out of it is at its ends.
        assert_eq!(axis.x(-1.0), LEFT);
        assert_eq!(axis.x(1e6), RIGHT);
    }
}
