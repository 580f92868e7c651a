//! A table's figures as a picture: a group of bars for each contender, all on one logarithmic axis.

use std::fmt::Write;

use super::table::{Bar, Group, Series};
use crate::svg::{Style, WIDTH, text};

// In units of the picture.
const LEFT: f64 = 210.0;
const RIGHT: f64 = WIDTH - 70.0;
const TOP: f64 = 118.0;
const BAR: f64 = 13.0;
const GAP: f64 = 12.0;

const STYLE: Style = Style {
    light: ".whisker{stroke:#1f2328}.ours{fill:#0969da}.theirs{fill:#818b98}",
    dark: ".whisker{stroke:#f0f6fc}.ours{fill:#4493f8}.theirs{fill:#656c76}",
    lines: ".whisker{stroke-width:1.2;stroke-opacity:.7}.grid{stroke-width:1}",
};

/// A logarithmic axis, from a step of 1, 2 or 5 to another.
struct Axis {
    low: f64,
    high: f64,
}

/// As SVG.
pub(super) fn draw(series: &Series, conditions: &str) -> String {
    let axis = Axis::of(series);
    let group = BAR * series.names.len() as f64 + GAP;
    let bottom = TOP + group * series.groups.len() as f64;
    let height = bottom + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n",
        crate::svg::escape(&series.title),
    );
    let title = "class=\"text\" font-size=\"17\" font-weight=\"600\"";
    svg += &text(20.0, 32.0, title, &series.title);
    svg += &text(
        20.0,
        52.0,
        "class=\"dim\"",
        &format!("{}, logarithmic: {}", series.unit, series.caption),
    );
    svg += &text(20.0, 70.0, "class=\"dim\" font-size=\"11\"", conditions);
    svg += &legend(series);
    svg += &axis.draw(bottom, &series.unit);
    for (index, contender) in series.groups.iter().enumerate() {
        svg += &draw_group(&axis, TOP + group * index as f64 + GAP / 2.0, contender);
    }
    svg + "</svg>\n"
}

/// Which bar of a group is which.
fn legend(series: &Series) -> String {
    let mut svg = String::new();
    let mut x = 20.0;
    for (index, name) in series.names.iter().enumerate() {
        let y = 96.0;
        for (offset, class) in [(0.0, "ours"), (13.0, "theirs")] {
            svg += &rect(x + offset, y - 10.0, 11.0, 11.0, class, shade(index));
        }
        svg += &text(x + 30.0, y, "class=\"text\"", name);
        x += 52.0 + 7.5 * name.chars().count() as f64;
    }
    svg
}

fn draw_group(axis: &Axis, top: f64, group: &Group) -> String {
    let middle = top + BAR * group.bars.len() as f64 / 2.0 + 4.5;
    let weight = if group.ours {
        " font-weight=\"600\""
    } else {
        ""
    };
    let attributes = format!("class=\"text\" text-anchor=\"end\"{weight}");
    let mut svg = text(LEFT - 10.0, middle, &attributes, &group.label);
    let class = if group.ours { "ours" } else { "theirs" };
    for (index, bar) in group.bars.iter().enumerate() {
        let Some(Bar { value, low, high }) = *bar else {
            continue;
        };
        let y = top + BAR * index as f64;
        let x = axis.x(value);
        svg += &rect(LEFT, y + 1.0, x - LEFT, BAR - 2.0, class, shade(index));
        let (x1, x2, y) = (axis.x(low), axis.x(high), y + BAR / 2.0);
        _ = writeln!(
            svg,
            "<line class=\"whisker\" x1=\"{x1:.1}\" x2=\"{x2:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
        );
        let attributes = "class=\"text\" font-size=\"10.5\"";
        svg += &text(x.max(x2) + 5.0, y + 3.8, attributes, &number(value));
    }
    svg
}

fn rect(x: f64, y: f64, width: f64, height: f64, class: &str, opacity: f64) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" \
         fill-opacity=\"{opacity}\"/>\n",
        width.max(1.0)
    )
}

/// The later bars of a group are paler.
fn shade(index: usize) -> f64 {
    [1.0, 0.72, 0.48].get(index).copied().unwrap_or(0.3)
}

/// Three digits, or so.
fn number(value: f64) -> String {
    match value.abs() {
        v if v < 10.0 => format!("{value:.2}"),
        v if v < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

// === impl Axis ===

impl Axis {
    /// One that holds all bars, and shows something of the shortest.
    fn of(series: &Series) -> Self {
        let bars = series
            .groups
            .iter()
            .flat_map(|group| group.bars.iter().flatten());
        let ends = bars.flat_map(|bar| [bar.value, bar.low, bar.high]);
        let ends = ends.filter(|end| end.is_finite() && *end > 0.0);
        let (least, most) = ends.fold((f64::MAX, f64::MIN), |(least, most), end| {
            (least.min(end), most.max(end))
        });
        if least > most {
            return Self {
                low: 1.0,
                high: 10.0,
            };
        }
        let steps = steps(
            least.log10().floor() as i32 - 1,
            most.log10().ceil() as i32 + 1,
        );
        let low = steps.iter().rev().find(|step| **step < least * 0.7);
        let high = steps.iter().find(|step| **step >= most);
        Self {
            low: low.copied().unwrap_or(least),
            high: high.copied().unwrap_or(most),
        }
    }

    fn x(&self, value: f64) -> f64 {
        let part = (value.max(self.low) / self.low).log10() / (self.high / self.low).log10();
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// A line and a number for each step.
    fn draw(&self, bottom: f64, unit: &str) -> String {
        let mut svg = String::new();
        let steps = steps(
            self.low.log10().floor() as i32,
            self.high.log10().ceil() as i32,
        );
        let few = self.high / self.low > 2000.0;
        for step in steps {
            let decade = (step.log10() - step.log10().round()).abs() < 1e-9;
            if step < self.low * 0.999 || step > self.high * 1.001 || few && !decade {
                continue;
            }
            let x = self.x(step);
            _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>"
            );
            let attributes = "class=\"dim\" text-anchor=\"middle\" font-size=\"12\"";
            let shown = format!("{} {unit}", (step * 1e6).round() / 1e6);
            svg += &text(x, bottom + 20.0, attributes, &shown);
        }
        svg
    }
}

/// 1, 2 and 5 times each power of ten.
fn steps(first: i32, last: i32) -> Vec<f64> {
    let powers = (first..=last).map(|power| 10_f64.powi(power));
    powers
        .flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * power))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_holds_every_bar() {
        let bar = |value| {
            Some(Bar {
                value,
                low: value * 0.9,
                high: value * 1.5,
            })
        };
        let series = Series {
            title: "a < b".into(),
            caption: "c".into(),
            unit: "ns".into(),
            names: vec!["1".into(), "2".into()],
            groups: vec![Group {
                label: "x".into(),
                ours: true,
                bars: vec![bar(0.5), None, bar(110.0)],
            }],
        };
        let axis = Axis::of(&series);
        assert_eq!((axis.low, axis.high), (0.2, 200.0));
        assert_eq!((axis.x(0.2), axis.x(200.0)), (LEFT, RIGHT));
        let decade = axis.x(10.0) - axis.x(1.0);
        assert!((axis.x(100.0) - axis.x(10.0) - decade).abs() < 1e-9);
        assert!(draw(&series, "").contains("<title>a &lt; b</title>"));
    }
}
