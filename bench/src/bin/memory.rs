//! What is held in memory for each key, and what a reload that changes nothing allocates.
//!
//! A program of its own, as counting every allocation costs time.

use std::alloc::System;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::thread;
use std::time::Duration;

use retune::source::Mount;
use retune::{EnvView, Live, Retune, Serde};
use retune_bench::{
    Check, Memory, TEN_THOUSAND, Table, TenThousand, on_a_wide_stack, publish, quick, read_files,
    say, ten_thousand,
};
use retune_mount::{Limits, read_once};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Map = Serde<BTreeMap<String, String>>;

const HOW: &str = "10,000 keys of 104 bytes in a volume on tmpfs; the names have 11 bytes. Bytes that were asked of the \
    allocator, by all threads of the process, each divided by the number of keys: *held* after the load, \
    what the load *asked* for in all, in how many *allocations*. *Files* is what reading them makes, a \
    `HashMap<PathBuf, Vec<u8>>`. A `Live` holds its value, and of each value where it came from, as status and \
    `explain` tell it. *Unchanged* is a `Live::reload` that finds the same: it reads all, publishes nothing, \
    and afterwards holds what it held.";

/// Of the allocator, in bytes.
#[derive(Debug, Clone, Copy)]
struct Used {
    held: i64,
    asked: i64,
    allocations: u64,
}

fn main() -> Result<()> {
    on_a_wide_stack(run)
}

fn run() -> Result<()> {
    let memory = Memory::new()?;
    let volume = memory.volume("keys");
    publish(&volume, ten_thousand(0));
    let dir = volume.dir();
    let reloads = if quick() { 2 } else { 20 };
    let mut table = Table {
        title: "Memory".into(),
        how: HOW.into(),
        columns: [
            "what",
            "held, bytes a key",
            "asked, bytes a key",
            "allocations a key",
        ]
        .map(Into::into)
        .into(),
        ..Table::default()
    };
    let (files, used) = measured(|| Ok(read_files(dir)?))?;
    used.tell("files", &mut table);
    drop(files);
    let (plainest, used) = measured(|| {
        let files = read_files(dir)?.into_iter();
        let named = files.map(|(key, value)| (key.to_string_lossy().into_owned(), value));
        Ok(named.collect::<HashMap<String, Vec<u8>>>())
    })?;
    used.tell("files, as a `HashMap<String, Vec<u8>>`", &mut table);
    drop(plainest);
    let (snapshot, used) = measured(|| Ok(read_once(dir, Limits::default())?))?;
    used.tell("retune-mount `read_once`", &mut table);
    drop(snapshot);
    let (once, used) = measured(|| Ok(Map::loader().mount(dir).once()?))?;
    used.tell("retune, once, to a `BTreeMap`", &mut table);
    drop(once);

    live::<Map>(
        "retune, live, a `BTreeMap`",
        dir.into(),
        reloads,
        &mut table,
    )?;
    live::<Map>(
        "retune, live, a `BTreeMap`, not secret",
        Mount::new(dir).not_secret(),
        reloads,
        &mut table,
    )?;
    live::<EnvView>(
        "retune, live, an `EnvView`",
        dir.into(),
        reloads,
        &mut table,
    )?;
    live::<TenThousand>("retune, live, a struct", dir.into(), reloads, &mut table)?;
    table.print()?;
    Ok(())
}

/// Follows, and reloads what has not changed.
fn live<T: Retune>(name: &str, mount: Mount, reloads: u32, table: &mut Table) -> Result<()> {
    say(name);
    let (live, used): (Live<T>, Used) = measured(|| Ok(T::loader().mount(mount).watch()?))?;
    used.tell(name, table);
    // The first may make what stays.
    let generation = live.reload()?;
    rest();
    let before = Used::of(ALLOCATOR.stats());
    let mut asked = Vec::new();
    for _ in 0..reloads {
        let (reloaded, used) = measured(|| {
            let reloaded = live.reload()?;
            rest();
            Ok(reloaded)
        })?;
        if reloaded != generation {
            return Err(
                format!("{name}: a reload of the same became generation {reloaded}").into(),
            );
        }
        asked.push(used);
    }
    let held = Used::of(ALLOCATOR.stats()).held - before.held;
    let (Some(first), Some(last)) = (asked.first(), asked.last()) else {
        return Err("no reloads".into());
    };
    let unchanged = format!("{name}: unchanged");
    last.tell(&unchanged, table);
    table.checks.push(Check::at_most(
        format!("{unchanged}: held more after {reloads} reloads"),
        held as f64 / 1024.0,
        1.0,
        " KiB",
    ));
    table.checks.push(Check::at_most(
        format!("{unchanged}: what the last reload asked for, against the first"),
        last.asked as f64 / first.asked as f64,
        1.01,
        "×",
    ));
    live.stop()?;
    Ok(())
}

/// The answer to a reload comes before all is dropped that it replaced.
fn rest() {
    thread::sleep(Duration::from_millis(50));
}

/// What something takes.
fn measured<T>(f: impl FnOnce() -> Result<T>) -> Result<(T, Used)> {
    let region = Region::new(ALLOCATOR);
    let found = f()?;
    Ok((found, Used::of(region.change())))
}

// === impl Used ===

impl Used {
    fn of(stats: Stats) -> Self {
        // A reallocation counts in both by what it is more, or less.
        let asked = stats.bytes_allocated as i64;
        Self {
            held: asked - stats.bytes_deallocated as i64,
            asked,
            allocations: (stats.allocations + stats.reallocations) as u64,
        }
    }

    fn tell(self, what: &str, table: &mut Table) {
        let each = |bytes: i64| bytes as f64 / TEN_THOUSAND as f64;
        table.row([
            what.to_owned(),
            format!("{:.0}", each(self.held)),
            format!("{:.0}", each(self.asked)),
            format!("{:.2}", self.allocations as f64 / TEN_THOUSAND as f64),
        ]);
    }
}
