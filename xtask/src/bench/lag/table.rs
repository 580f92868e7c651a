//! The results as a table in Markdown.

use std::fmt::Write;

use retune_testbed::lag::{Quantiles, Run};

use super::{HOPS, TOTAL, WITHIN, name, time};

/// For `docs/performance.md`.
pub(super) fn draw(conditions: &str, runs: &[Run]) -> String {
    let mut text = format!("{conditions}.\n\n");
    row(&mut text, ["sync", "hop", "min", "p50", "p90", "max"]);
    let (setting, hop, number) = ("-".repeat(17), "-".repeat(21), "-".repeat(9));
    let numbers = format!("{number}:|").repeat(4);
    _ = writeln!(text, "|{setting}|{hop}|{numbers}");
    for run in runs {
        let setting = name(run.plan.setting);
        for (from, to, hop) in HOPS {
            let hop = format!("→ {hop}");
            quantiles(&mut text, &setting, &hop, run.quantiles(from, to));
        }
        for ((from, to), sum) in [
            (WITHIN, "published → applied"),
            (TOTAL, "**write → applied**"),
        ] {
            quantiles(&mut text, &setting, sum, run.quantiles(from, to));
        }
    }
    text.push('\n');
    for run in runs {
        text.push_str(&aside(run));
    }
    text
}

/// What is not a pod's: how many samples there are, and what the requests took.
fn aside(run: &Run) -> String {
    let took = |quantiles: Option<Quantiles>| {
        let times = quantiles.map(|q| format!("{} (at most {})", time(q.p50), time(q.max)));
        times.unwrap_or_default()
    };
    let annotating = match run.annotating() {
        None => String::new(),
        some => format!("; `kubectl annotate`: {}", took(some)),
    };
    format!(
        "- {}: {} samples; a write was answered after {}{annotating}.\n",
        name(run.plan.setting),
        run.samples.len(),
        took(run.writing()),
    )
}

fn quantiles(text: &mut String, setting: &str, hop: &str, quantiles: Option<Quantiles>) {
    let cells = quantiles.map(|q| [q.min, q.p50, q.p90, q.max].map(time));
    let [min, p50, p90, max] = cells.unwrap_or_default();
    row(text, [setting, hop, &min, &p50, &p90, &max]);
}

fn row(text: &mut String, [setting, hop, numbers @ ..]: [&str; 6]) {
    _ = write!(text, "| {setting:<15} | {hop:<19} |");
    for number in numbers {
        _ = write!(text, " {number:>8} |");
    }
    text.push('\n');
}
