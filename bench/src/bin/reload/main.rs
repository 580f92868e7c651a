//! What a swap costs: from the rename of `..data` to the moment when readers see the new values, beside
//! the raw way and beside peers.

mod follower;
mod peers;
mod run;
mod values;

use std::error::Error;

use retune_bench::{Bar, Check, Group, Series, Table, median, quantile, quick, say};

use crate::run::{Kind, PATIENCE, Rounds, Run, run};
use crate::values::{Any, One, Shape, Twenty};

/// Why a peer may be ahead.
const BEHIND: &str = "what retune does and it does not takes longer here than the work itself: a thread of its own \
    for each configuration, so that a path that hangs holds up no other; a look after the last read whether all of \
    it is of one moment; where each value came from. With a wait that gathers a burst, as its documentation has \
    it, the peer is far behind";

const HOW: &str = "Microseconds from the rename of `..data` to the moment when readers see the new values. \
    Each contender follows a volume of its own on the same tmpfs, as otherwise each would be measured while \
    the others reload as well; all of a table's part take turns in one process (koanf in a child of it), \
    with a moment of rest between. *Raw* is the least that can be done, on one thread: read inotify, list \
    the directory, open, fstat and read each key, store; it parses, checks and remembers nothing. retune has \
    its defaults. Values are decoded to a struct of strings, 1,000 to a hash map; koanf makes its own map of \
    them. dynamic-config reads a file each with `secrets_dir`, which alone does not see a swap: what it \
    watches is the folders of its files, so that it was given one in the volume that is not there. It and \
    rtb-config wait for more events before they read: dynamic-config 250 ms in its README (and 25 ms more), \
    which can be set, also to nothing; rtb-config 250 ms, which cannot. rtb-config and koanf follow files \
    and know no directory with a file for each value. Those that wait take part in fewer rounds, so that \
    their p99 is their slowest.";

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = |all| match quick() {
        true => Rounds {
            all: all / 50,
            some: 1,
            few: 1,
        },
        false => Rounds {
            all,
            some: all / 5,
            few: 20,
        },
    };
    let mut table = Table {
        title: "A swap".into(),
        how: HOW.into(),
        columns: [
            "values",
            "contender",
            "p50",
            "p90",
            "p99",
            "× retune",
            "rounds",
        ]
        .map(Into::into)
        .into(),
        contenders: others(),
        ..Table::default()
    };
    let mut bars = Bars::default();
    for shape in [Shape::Keys, Shape::Document] {
        for (part, count) in [1, 20, 1000, 10_000].into_iter().enumerate() {
            if (shape, count) == (Shape::Document, 10_000) {
                // That is a row of `size`.
                continue;
            }
            say(format_args!("{}, {}", counted(count), shape.text()));
            let runs = match count {
                1 => run::<One>(shape, count, rounds(1000))?,
                20 => run::<Twenty>(shape, count, rounds(1000))?,
                1000 => run::<Any>(shape, count, rounds(300))?,
                _ => run::<Any>(shape, count, rounds(50))?,
            };
            tell(&mut table, shape, count, &runs);
            bars.add(shape, part, &runs);
        }
    }
    table.series = Some(bars.into_series());
    table.print()?;
    Ok(())
}

/// Crates are named with their versions by who shows this; modules of Go are here.
fn others() -> Vec<String> {
    let required = include_str!("../../../go/koanf/go.mod").lines();
    let modules = required.filter_map(|line| line.trim().strip_prefix("github.com/knadh/"));
    let modules = modules.filter(|module| !module.contains("//"));
    ["dynamic-config", "rtb-config"]
        .map(str::to_owned)
        .into_iter()
        .chain(modules.map(str::to_owned))
        .collect()
}

fn counted(count: usize) -> String {
    match count {
        1 => "1 value".into(),
        2..1000 => format!("{count} values"),
        _ => format!("{},000 values", count / 1000),
    }
}

fn tell(table: &mut Table, shape: Shape, count: usize, runs: &[Run]) {
    let of = |kind| runs.iter().find(|run| run.kind == kind);
    let Some(ours) = of(Kind::Ours) else { return };
    let p50 = median(&ours.lags);
    for run in runs {
        let values = format!("{}, {}", counted(count), shape.text());
        let rounds = match run.lost {
            0 => run.lags.len().to_string(),
            lost => format!("{}, {lost} not seen in {PATIENCE:?}", run.lags.len()),
        };
        let cell = |q| format!("{:.0}", quantile(&run.lags, q));
        let times = format!("{:.2}", median(&run.lags) / p50);
        table.row([
            values,
            run.name.to_owned(),
            cell(0.5),
            cell(0.9),
            cell(0.99),
            times,
            rounds,
        ]);
    }
    let values = format!("{}, {}", counted(count), shape.text());
    if shape == Shape::Keys {
        let raw = of(Kind::Raw).map_or(f64::NAN, |raw| median(&raw.lags));
        match count {
            1 => table.checks.push(Check::at_most(
                format!("{values}: p50 beyond raw"),
                p50 - raw,
                100.0,
                " µs",
            )),
            20 => table.checks.push(Check::at_most(
                format!("{values}: p50 against raw"),
                p50 / raw,
                2.0,
                "×",
            )),
            _ => {}
        }
    }
    // Of more, reading them takes longer.
    if count <= 20 {
        table.checks.push(Check::at_most(
            format!("{values}: p99"),
            quantile(&ours.lags, 0.99) / 1e3,
            5.0,
            " ms",
        ));
    }
    let peers = runs.iter().filter(|run| run.kind == Kind::Peer);
    let first = peers.min_by(|a, b| median(&a.lags).total_cmp(&median(&b.lags)));
    if let Some(first) = first {
        let what = format!("{values}: p50 against the fastest peer, {}", first.name);
        let times = p50 / median(&first.lags);
        let check = Check::at_most(what, times, 1.0, "×");
        table.checks.push(match times > 1.0 {
            true => check.because(BEHIND),
            false => check,
        });
    }
}

/// The picture.
#[derive(Default)]
struct Bars(Vec<Group>);

// === impl Bars ===

impl Bars {
    fn add(&mut self, shape: Shape, part: usize, runs: &[Run]) {
        for run in runs {
            let label = format!("{}, {}", run.name, shape.text());
            let place = self.0.iter().position(|group| group.label == label);
            let place = place.unwrap_or_else(|| {
                self.0.push(Group {
                    label,
                    ours: run.kind == Kind::Ours,
                    bars: vec![None; 4],
                });
                self.0.len() - 1
            });
            let bar = self
                .0
                .get_mut(place)
                .and_then(|group| group.bars.get_mut(part));
            if let (Some(bar), false) = (bar, run.lags.is_empty()) {
                *bar = Some(Bar {
                    value: median(&run.lags),
                    low: quantile(&run.lags, 0.1),
                    high: quantile(&run.lags, 0.99),
                });
            }
        }
    }

    fn into_series(self) -> Series {
        Series {
            title: "From a swap to what readers see".into(),
            caption: "The median; whiskers from p10 to p99.".into(),
            unit: "µs".into(),
            names: ["1 value", "20 values", "1,000 values", "10,000 values"]
                .map(Into::into)
                .into(),
            groups: self.0,
        }
    }
}
