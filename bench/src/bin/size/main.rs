//! Many keys and a long document: what loading them takes, beside reading the files and beside the
//! parser alone.

mod documents;
mod keys;

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use retune_bench::{Check, Table, median, on_a_wide_stack, quantile, quick, ratios, say};
use rustix::time::{ClockId, clock_gettime};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One way to load something.
pub(crate) struct Way<'a> {
    pub(crate) name: &'static str,
    /// Does it; what it returns is dropped when time no longer counts.
    pub(crate) load: Box<dyn FnMut() -> Result<Box<dyn std::any::Any>> + 'a>,
    /// How many times the first way's it may be.
    pub(crate) limit: Option<f64>,
}

const HOW: &str = "Milliseconds of processor time, of all threads, user and kernel; the ways to load one thing take turns, and `×` is the median of the turns' ratios \
    to the first way of that thing. *Files* is reading them in the least way: list the pinned directory, open, \
    fstat and read each. retune resolves the path, reads, looks again, merges, keeps each value's origin, decodes \
    and checks; its volumes lie on tmpfs, so that it takes what is in them for secrets. A struct is of 10,000 \
    fields by the derive, nested ten by ten. A reload is `Live::reload` from the call to its answer. Documents \
    are 1 MiB of 100 tables of 100 texts, in a volume; the parser alone reads the file and makes nothing of it: \
    granit-parser's events, serde_json's `IgnoredAny`, toml_parser's events.";

fn main() -> Result<()> {
    on_a_wide_stack(run)
}

fn run() -> Result<()> {
    let mut table = Table {
        title: "Many keys, a long document".into(),
        how: HOW.into(),
        columns: ["what", "way", "p50", "p90", "×"].map(Into::into).into(),
        contenders: [
            "granit-parser",
            "serde-saphyr",
            "serde_json",
            "toml_parser",
            "toml",
        ]
        .map(Into::into)
        .into(),
        ..Table::default()
    };
    let rounds = if quick() { 3 } else { 100 };
    keys::measure(rounds, &mut table)?;
    documents::measure(rounds, &mut table)?;
    table.print()?;
    Ok(())
}

/// Lets ways to load one thing take turns.
pub(crate) fn turns(
    what: &str,
    rounds: usize,
    mut ways: Vec<Way<'_>>,
    table: &mut Table,
) -> Result<()> {
    say(what);
    for way in &mut ways {
        // Whatever is done but once.
        let warm = (way.load)();
        drop(warm.map_err(|error| format!("{what}: {}: {error}", way.name))?);
    }
    let mut results = vec![Vec::with_capacity(rounds); ways.len()];
    for _ in 0..rounds {
        for (way, times) in ways.iter_mut().zip(&mut results) {
            let began = processor_time();
            let loaded = black_box((way.load)());
            times.push((processor_time() - began).as_secs_f64() * 1e3);
            drop(loaded);
        }
    }
    let first = results.first().cloned().unwrap_or_default();
    for (way, times) in ways.iter().zip(&results) {
        let ratio = median(&ratios(times, &first));
        table.row([
            what.to_owned(),
            way.name.to_owned(),
            format!("{:.2}", median(times)),
            format!("{:.2}", quantile(times, 0.9)),
            format!("{ratio:.2}"),
        ]);
        if let Some(limit) = way.limit {
            let what = format!("{what}: {}", way.name);
            table.checks.push(Check::at_most(what, ratio, limit, "×"));
        }
    }
    Ok(())
}

/// Of this process: what others take of the machine does not count.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        now.tv_sec.try_into().unwrap_or(0),
        now.tv_nsec.try_into().unwrap_or(0),
    )
}

// === impl Way ===

impl<'a> Way<'a> {
    pub(crate) fn new<T: 'static>(
        name: &'static str,
        mut load: impl FnMut() -> Result<T> + 'a,
    ) -> Self {
        Self {
            name,
            load: Box::new(move || load().map(|loaded| Box::new(loaded) as Box<dyn std::any::Any>)),
            limit: None,
        }
    }

    pub(crate) fn at_most(mut self, times: f64) -> Self {
        self.limit = Some(times);
        self
    }
}
