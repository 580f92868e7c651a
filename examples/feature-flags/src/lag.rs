//! How long the last changes took, as a picture.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use retune::status::HistoryEntry;

use crate::html::{Text, ms, utc};

/// How many changes are shown.
const MOST: usize = 8;

/// What each hop ends with, and its class.
const HOPS: [&str; 3] = ["noticed", "swapped", "applied"];

/// How much of the width the axis has. What is left is for hops that nobody knows the length of.
const AXIS: f64 = 88.0;

/// How wide such a hop is.
const UNKNOWN: f64 = 4.0;

/// Where the first bar begins, and how high each is with its texts.
const TOP: usize = 36;
const ROW: usize = 62;

/// One change.
pub(crate) struct Bar {
    generation: u64,
    what: String,
    seen: SystemTime,
    /// How long it took until it was noticed, from then until readers saw it, and from then until the
    /// last subscriber had returned. `None` where nobody knows, or not yet.
    hops: [Option<Duration>; 3],
}

/// The last changes, the newest first. The start is none.
pub(crate) fn last_changes<'h>(
    history: impl DoubleEndedIterator<Item = &'h HistoryEntry>,
) -> Vec<Bar> {
    let changes = history.rev().filter(|entry| entry.generation > 1);
    changes.take(MOST).map(Bar::of).collect()
}

/// The picture, as a page holds it: a bar for each change, with an axis that all of them share. Places
/// and lengths are parts of the width, so that texts keep their size.
pub(crate) fn picture(bars: &[Bar]) -> String {
    let longest = bars.iter().map(Bar::known).max().unwrap_or_default();
    let (end, step) = axis(longest.as_secs_f64() * 1000.0);
    let bottom = TOP + ROW * bars.len();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lag\" width=\"100%\" height=\"{}\" \
         font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\">\n\
         <title>How long the last changes took, hop by hop</title>\n<style>{}</style>\n",
        height(bars),
        include_str!("lag.css"),
    );
    legend(&mut svg);
    let steps = (end / step).round();
    for tick in 0..=steps as u32 {
        let at = f64::from(tick) * step;
        let (x, anchor) = (at / end * AXIS, if tick == 0 { "start" } else { "middle" });
        let unit = if f64::from(tick) == steps { " ms" } else { "" };
        _ = write!(
            svg,
            "<line class=\"lag-grid\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"{TOP}\" y2=\"{bottom}\" \
             stroke-dasharray=\"22 {}\" stroke-dashoffset=\"-16\"/>\n\
             <text class=\"lag-dim\" x=\"{x:.2}%\" y=\"{}\" text-anchor=\"{anchor}\">{}{unit}</text>\n",
            // Behind the bars, and not behind the texts between them.
            ROW - 22,
            bottom + 12,
            // No more digits than the step has.
            (at * 1000.0).round() / 1000.0,
        );
    }
    for (row, bar) in bars.iter().enumerate() {
        bar.draw(&mut svg, TOP + ROW * row, end);
    }
    svg + "</svg>\n"
}

/// The picture as a file of its own, on a ground of its own.
pub(crate) fn picture_alone(bars: &[Bar]) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"{}\">\n\
         <rect class=\"lag-ground\" width=\"100%\" height=\"100%\" rx=\"8\"/>\n\
         <svg x=\"20\" width=\"600\">\n{}</svg>\n</svg>\n",
        height(bars),
        picture(bars),
    )
}

fn height(bars: &[Bar]) -> usize {
    TOP + ROW * bars.len() + 24
}

/// What the colours mean.
fn legend(svg: &mut String) {
    svg.push_str("<text class=\"lag-text\" y=\"22\">");
    for hop in HOPS {
        _ = write!(svg, "<tspan class=\"lag-{hop}\">■</tspan> {hop}\u{2003}");
    }
    svg.push_str("</text>\n");
}

/// The end of an axis that has room for so much, and its step: round numbers.
fn axis(longest: f64) -> (f64, f64) {
    // Shorter than this, and there is nothing to see.
    let longest = longest.max(0.1);
    let magnitude = 10_f64.powf(longest.log10().floor());
    let rounds = [(1.0, 0.2), (2.0, 0.5), (5.0, 1.0), (10.0, 2.0)];
    let round = rounds
        .into_iter()
        .find(|(end, _)| end * magnitude >= longest);
    let (end, step) = round.unwrap_or((10.0, 2.0));
    (end * magnitude, step * magnitude)
}

// === impl Bar ===

impl Bar {
    fn of(entry: &HistoryEntry) -> Self {
        let times = &entry.times;
        // A clock that was set back meanwhile makes a hop unknown.
        let hop = |from: Option<SystemTime>, to: Option<SystemTime>| to?.duration_since(from?).ok();
        Self {
            generation: entry.generation,
            what: what(entry),
            seen: times.swapped,
            hops: [
                hop(times.published, Some(times.noticed)),
                hop(Some(times.noticed), Some(times.swapped)),
                hop(Some(times.swapped), times.applied),
            ],
        }
    }

    /// From the publish to the last subscriber's return.
    fn total(&self) -> Option<Duration> {
        self.hops.iter().copied().sum()
    }

    /// The hops that are known.
    fn known(&self) -> Duration {
        self.hops.iter().flatten().sum()
    }

    /// Draws it below `top`, on an axis that ends at so many milliseconds.
    fn draw(&self, svg: &mut String, top: usize, end: f64) {
        _ = write!(
            svg,
            "<g class=\"lag-bar\" data-generation=\"{generation}\" transform=\"translate(0 {top})\">\n\
             <text class=\"lag-text\" y=\"15\" font-size=\"12\">{generation} · {what}</text>\n\
             <text class=\"lag-text lag-total\" x=\"100%\" y=\"15\" text-anchor=\"end\">{total}</text>\n",
            generation = self.generation,
            what = Text(&self.what),
            total = shown(self.total()),
        );
        let (mut x, mut figures) = (0.0, String::new());
        for (name, hop) in HOPS.iter().zip(self.hops) {
            let width = hop.map_or(UNKNOWN, |hop| hop.as_secs_f64() * 1000.0 / end * AXIS);
            let class = if hop.is_some() { name } else { "unknown" };
            let told = shown(hop);
            _ = writeln!(
                svg,
                "<rect class=\"lag-{class}\" x=\"{x:.3}%\" y=\"21\" width=\"{width:.3}%\" height=\"12\">\
                 <title>{name} after: {told}</title></rect>",
            );
            let figure = hop.map_or("?".to_owned(), ms);
            _ = write!(
                figures,
                "<tspan class=\"lag-{name}\">■</tspan> {figure}\u{2003}"
            );
            x += width;
        }
        _ = write!(
            svg,
            "<text class=\"lag-dim\" y=\"47\" font-size=\"12\">{figures}</text>\n\
             <text class=\"lag-dim\" x=\"100%\" y=\"47\" text-anchor=\"end\" font-size=\"12\">{}</text>\n</g>\n",
            utc(self.seen),
        );
    }
}

fn shown(time: Option<Duration>) -> String {
    time.map_or("unknown".to_owned(), |time| format!("{} ms", ms(time)))
}

/// What was changed, in a few words.
fn what(entry: &HistoryEntry) -> String {
    let Some(first) = entry.changes.first() else {
        return "set by the program".to_owned();
    };
    let value = |value: &Option<String>| value.as_deref().unwrap_or("default").to_owned();
    let (old, new) = (value(&first.old), value(&first.new));
    match entry.changed {
        1 => format!("{}: {old} → {new}", first.path),
        changed => format!("{} and {} more", first.path, changed - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(hops: [Option<u64>; 3]) -> Bar {
        Bar {
            generation: 2,
            what: "a<b>: \"1\" → '2'".to_owned(),
            seen: SystemTime::UNIX_EPOCH,
            hops: hops.map(|hop| hop.map(Duration::from_micros)),
        }
    }

    /// Class and width, in percent, of each part of each bar.
    fn parts(bars: &[Bar]) -> Vec<(String, f64)> {
        let svg = picture(bars);
        let parsed = roxmltree::Document::parse(&svg).unwrap();
        let bars = parsed
            .descendants()
            .filter(|node| node.attribute("class") == Some("lag-bar"));
        let parts = bars.flat_map(|bar| bar.children().filter(|node| node.has_tag_name("rect")));
        let part = |node: roxmltree::Node<'_, '_>| {
            let width = node.attribute("width").unwrap().trim_end_matches('%');
            (
                node.attribute("class").unwrap().to_owned(),
                width.parse().unwrap(),
            )
        };
        parts.map(part).collect()
    }

    #[test]
    fn lengths_of_all_bars_are_on_one_scale() {
        let bars = [
            bar([Some(3000), Some(100), Some(500)]),
            bar([Some(100), Some(0), Some(3)]),
        ];
        let of = |class: &str, width| (format!("lag-{class}"), width);
        // The longest takes 3.6 ms, so the axis ends at 5 ms.
        let expected = [
            of("noticed", 52.8),
            of("swapped", 1.76),
            of("applied", 8.8),
            of("noticed", 1.76),
            of("swapped", 0.0),
            of("applied", 0.053),
        ];
        assert_eq!(parts(&bars), expected);
    }

    #[test]
    fn what_nobody_knows_is_shown_as_unknown_and_never_as_zero() {
        let bars = [bar([None, Some(120), None])];
        let parts = parts(&bars);
        let unknown = ("lag-unknown".to_owned(), UNKNOWN);
        assert_eq!((&parts[0], &parts[2]), (&unknown, &unknown));
        let svg = picture(&bars);
        assert!(
            svg.contains("<tspan class=\"lag-noticed\">■</tspan> ?"),
            "{svg}"
        );
        assert!(
            svg.contains("<tspan class=\"lag-swapped\">■</tspan> 0.12"),
            "{svg}"
        );
        assert!(
            svg.contains("<tspan class=\"lag-applied\">■</tspan> ?"),
            "{svg}"
        );
        assert!(svg.contains(">unknown</text>"), "{svg}");
    }

    #[test]
    fn an_axis_ends_at_a_round_number_that_is_not_less() {
        let ends = [0.0, 0.1, 0.11, 0.43, 3.0, 5.1, 18.0, 523.0, 84_600.0].map(|ms| axis(ms).0);
        let expected = [0.1, 0.1, 0.2, 0.5, 5.0, 10.0, 20.0, 1000.0, 100_000.0];
        for (end, expected) in ends.iter().zip(expected) {
            assert!((end / expected - 1.0).abs() < 1e-9, "{ends:?}");
        }
    }

    #[test]
    fn a_picture_without_changes_is_well_formed_too() {
        assert!(parts(&[]).is_empty());
    }
}
