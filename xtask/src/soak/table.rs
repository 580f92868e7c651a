//! The record in Markdown, for `docs/proof.md`.

use std::fmt::Write;

use retune_soak::flat::mib;
use retune_soak::record::{End, Sample};

use super::Record;

/// What was done, and what was there in each calm.
pub(super) fn draw(record: &Record, end: &End) -> String {
    let mut text = done(record, end);
    text +=
        "\n| settled | after the warm-up | least | most | at the end |\n|---|--:|--:|--:|--:|\n";
    let count = |value: u64| value.to_string();
    let bytes = |value: u64| mib(value as f64);
    row(
        &mut text,
        record,
        "descriptors",
        |s| s.process.descriptors,
        count,
    );
    row(&mut text, record, "threads", |s| s.process.threads, count);
    row(&mut text, record, "watches", |s| s.process.watches, count);
    row(
        &mut text,
        record,
        "inotify instances",
        |s| s.process.instances,
        count,
    );
    row(&mut text, record, "allocated", |s| s.inside.heap, bytes);
    row(&mut text, record, "resident", |s| s.process.rss, bytes);
    text
}

fn done(record: &Record, end: &End) -> String {
    let each: Vec<_> = end
        .edits
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let mut text = format!(
        "{} edits and faults ({}).\n",
        end.edits.values().sum::<u64>(),
        each.join(", ")
    );
    let Some(last) = record.calms.last() else {
        return text;
    };
    let slowest = record
        .calms
        .iter()
        .filter_map(|calm| calm.settled)
        .fold(0.0, f64::max);
    let inside = &last.inside;
    _ = writeln!(
        text,
        "{} generations, {} refusals, {} observations that found nothing new; {} subscribers and others that \
         came and went; {} checked reads, {} torn; {} overflows of the kernel's queue; {} panics. \
         {} calms, settled within {slowest:.2} s.",
        inside.generations,
        inside.refused,
        inside.unchanged,
        inside.visitors,
        inside.reads,
        inside.torn,
        inside.overflows,
        inside.panics,
        record.calms.len(),
    );
    text
}

fn row(
    text: &mut String,
    record: &Record,
    name: &str,
    value: impl Fn(&Sample) -> u64,
    show: impl Fn(u64) -> String,
) {
    let values: Vec<u64> = record.calms.iter().map(value).collect();
    let (least, most) = (values.iter().min(), values.iter().max());
    let cells = [values.first(), least, most, values.last()];
    let cells = cells.map(|value| value.map(|value| show(*value)).unwrap_or_default());
    _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
}
