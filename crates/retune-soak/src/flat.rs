//! What has to be flat, and how flat.
//!
//! A settled process is compared with itself: edits and faults have stopped, nobody but the
//! configurations is there, and every volume holds the same keys with values as long as before. So what is
//! counted must be equal, and what is measured may differ by what the histories of the
//! configurations happen to hold (the last 16 generations of each, of random sizes) and by how
//! the allocator has come to lay it out.

use std::fmt;

use crate::record::{Process, Sample};

/// How much more the last calms may hold than the first: a twentieth, and these bytes.
pub const HEAP_SLACK: f64 = 512.0 * 1024.0;

/// How much more memory may be resident: a tenth, and these bytes.
pub const RSS_SLACK: f64 = 8.0 * 1024.0 * 1024.0;

/// How long a run is in which resident memory can be compared, in seconds: for some minutes an allocator keeps more of
/// each storm, for each thread that came and went.
pub const RSS_SETTLES: f64 = 600.0;

/// Something measured in two windows, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// What it is.
    pub name: &'static str,
    /// In the first window.
    pub first: f64,
    /// In the last window.
    pub last: f64,
    /// What it may be there at the most.
    pub most: f64,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, last, most] = [self.first, self.last, self.most].map(mib);
        write!(
            f,
            "{}: {first} first, {last} last, at most {most}",
            self.name
        )
    }
}

/// What is not flat, in sentences; and what was compared. The calms are those after the warm-up, with the
/// first, which ends it.
#[must_use]
pub fn judge(calms: &[Sample], samples: &[Sample]) -> (Vec<Compared>, Vec<String>) {
    let mut wrong = counted(calms);
    let compared = measured(calms, samples);
    for one in &compared {
        if one.last > one.most {
            wrong.push(format!(
                "{} is not flat: {} first, {} at the end, where {} would be the most",
                one.name,
                mib(one.first),
                mib(one.last),
                mib(one.most)
            ));
        }
    }
    (compared, wrong)
}

/// Counts must be equal in every calm.
fn counted(calms: &[Sample]) -> Vec<String> {
    type Count = fn(&Process) -> u64;
    let counts: [(&str, Count); 4] = [
        ("descriptors", |process| process.descriptors),
        ("threads", |process| process.threads),
        ("watches", |process| process.watches),
        ("inotify instances", |process| process.instances),
    ];
    let Some(first) = calms.first() else {
        return vec!["it never settled".to_owned()];
    };
    let mut wrong = Vec::new();
    for (name, count) in counts {
        let expected = count(&first.process);
        let other = calms.iter().filter(|calm| count(&calm.process) != expected);
        let list: Vec<_> = other
            .map(|calm| format!("{} after storm {}", count(&calm.process), calm.storm))
            .collect();
        if !list.is_empty() {
            wrong.push(format!(
                "{name} are not flat: {expected} after the warm-up, but {}",
                list.join(", ")
            ));
        }
    }
    wrong
}

/// Medians of the first third and of the last.
fn measured(calms: &[Sample], samples: &[Sample]) -> Vec<Compared> {
    let heap = |sample: &Sample| sample.inside.heap as f64;
    let rss = |sample: &Sample| sample.process.rss as f64;
    // The warm-up is none of it.
    let storms: Vec<_> = samples.iter().filter(|sample| sample.storm > 0).collect();
    let calms: Vec<_> = calms.iter().collect();
    let mut compared = Vec::new();
    compared.extend(compare(
        "allocated bytes, settled",
        &calms,
        heap,
        1.05,
        HEAP_SLACK,
    ));
    if calms.last().is_some_and(|last| last.at >= RSS_SETTLES) {
        for (name, samples) in [
            ("resident memory, settled", &calms),
            ("resident memory, in storms", &storms),
        ] {
            compared.extend(compare(name, samples, rss, 1.1, RSS_SLACK));
        }
    }
    // A slow leak hides in the slack: what the second half would add in as long again as all took.
    let half = calms.get(calms.len() / 2..).unwrap_or_default();
    if let (Some(first), Some(last), 4..) = (half.first(), half.last(), half.len()) {
        let begin = median(half.iter().map(|sample| heap(sample)));
        let growth = slope(half, heap) * (last.at - first.at) * 2.0;
        compared.push(Compared {
            name: "allocated bytes, settled, at the second half's trend",
            first: begin,
            last: begin + growth,
            most: begin * 1.05 + HEAP_SLACK,
        });
    }
    compared
}

fn compare(
    name: &'static str,
    samples: &[&Sample],
    value: impl Fn(&Sample) -> f64,
    factor: f64,
    slack: f64,
) -> Option<Compared> {
    let third = samples.len().div_ceil(3);
    let first = samples.get(..third).filter(|first| !first.is_empty())?;
    let last = samples.get(samples.len() - third..)?;
    let of = |samples: &[&Sample]| median(samples.iter().map(|sample| value(sample)));
    let (first, last) = (of(first), of(last));
    let most = first * factor + slack;
    Some(Compared {
        name,
        first,
        last,
        most,
    })
}

/// By least squares, a second.
fn slope(samples: &[&Sample], value: impl Fn(&Sample) -> f64) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(|s| of(s)).sum::<f64>() / count;
    let (x, y) = (mean(&|sample| sample.at), mean(&value));
    let (mut above, mut below) = (0.0, 0.0);
    for sample in samples {
        above += (sample.at - x) * (value(sample) - y);
        below += (sample.at - x).powi(2);
    }
    if below > 0.0 { above / below } else { 0.0 }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Bytes for people.
#[must_use]
pub fn mib(bytes: f64) -> String {
    format!("{:.2} MiB", bytes / 1024.0 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Inside;

    fn calm(storm: u64, heap: u64) -> Sample {
        let process = Process {
            descriptors: 7,
            rss: 20 << 20,
            ..Process::default()
        };
        let inside = Inside {
            heap,
            ..Inside::default()
        };
        Sample {
            at: storm as f64,
            storm,
            edits: 0,
            settled: Some(0.1),
            process,
            inside,
        }
    }

    fn wrong(calms: &[Sample]) -> Vec<String> {
        judge(calms, calms).1
    }

    #[test]
    fn what_stays_as_it_is_is_flat() {
        let calms: Vec<_> = (0..9).map(|n| calm(n, (4 << 20) + n % 3 * 1000)).collect();
        assert_eq!(wrong(&calms), [""; 0]);
    }

    #[test]
    fn one_descriptor_more_is_not_flat() {
        let mut calms: Vec<_> = (0..3).map(|n| calm(n, 1)).collect();
        calms[2].process.descriptors += 1;
        let wrong = wrong(&calms);
        assert_eq!(
            wrong,
            ["descriptors are not flat: 7 after the warm-up, but 8 after storm 2"]
        );
    }

    #[test]
    fn memory_that_grows_is_not_flat() {
        let calms: Vec<_> = (0..9)
            .map(|n| calm(n, (4 << 20) + n * (200 << 10)))
            .collect();
        let wrong = wrong(&calms);
        assert!(
            wrong[0].starts_with("allocated bytes, settled is not flat"),
            "{wrong:?}"
        );
    }

    #[test]
    fn a_slow_leak_is_told_by_its_trend() {
        let calms: Vec<_> = (0..12)
            .map(|n| calm(n, (4 << 20) + n * (84 << 10)))
            .collect();
        let wrong = wrong(&calms);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].contains("trend"), "{wrong:?}");
    }

    #[test]
    fn resident_memory_is_compared_once_an_allocator_has_had_time() {
        let calms = |seconds: f64| -> Vec<_> {
            let calm = |n| {
                let mut calm = calm(n, 4 << 20);
                calm.at = n as f64 * seconds;
                calm.process.rss = (20 + 10 * n) << 20;
                calm
            };
            (0..9).map(calm).collect()
        };
        assert_eq!(wrong(&calms(10.0)), [""; 0]);
        let wrong = wrong(&calms(100.0));
        assert!(wrong[0].starts_with("resident memory"), "{wrong:?}");
    }

    #[test]
    fn what_never_settled_is_not_flat() {
        assert_eq!(wrong(&[]), ["it never settled"]);
    }
}
