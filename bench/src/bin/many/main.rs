//! A thousand volumes in one process: what they take, and what one swap among them takes.
//!
//! Each arrangement is followed by a process of its own, which this program starts and asks.

mod follow;
mod process;

use std::error::Error;
use std::thread;
use std::time::Duration;

use retune_bench::{Check, Memory, Table, median, publish, quantile, quick, say};
use retune_mount::Publisher;

use crate::process::{Cost, Process};

/// One of them is swapped, another one each round.
const VOLUMES: usize = 1000;

const HOW: &str = "What processes take that follow volumes of one key on tmpfs, each by another \
    arrangement: one `Live` that mounts one volume, one `Live` that mounts a thousand, a thousand `Live`s \
    that mount one each. Threads and memory (resident, per volume) are those beyond the same process before \
    it follows anything; watches are counted in the kernel's list. Wake-ups are the voluntary context \
    switches of all of retune's threads while nothing changes. The swap is that of one volume, another one each round, \
    from the rename to what readers see, in turns; all three processes are there all the while. The \
    processor's time is that of all of retune's threads.";

/// How a process follows its volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrangement {
    Alone,
    OneLive,
    ManyLives,
}

struct Contender {
    arrangement: Arrangement,
    volumes: Vec<Publisher>,
    process: Process,
    /// Microseconds.
    lags: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--follow") {
        let arrangement = arguments.next().and_then(|name| Arrangement::of(&name));
        let arrangement = arrangement.ok_or("no such arrangement")?;
        return follow::follow(arrangement, &arguments.next().unwrap_or_default());
    }
    let (rounds, span) = match quick() {
        true => (5, Duration::from_secs(1)),
        false => (200, Duration::from_secs(60)),
    };
    let memory = Memory::new()?;
    let mut contenders = Vec::new();
    for arrangement in Arrangement::ALL {
        say(format_args!("starting: {}", arrangement.text()));
        contenders.push(Contender::start(arrangement, &memory)?);
    }
    // What a start leaves to do.
    thread::sleep(Duration::from_secs(1));
    say(format_args!("idle for {} s", span.as_secs()));
    let before = costs(&mut contenders)?;
    thread::sleep(span);
    let after = costs(&mut contenders)?;
    say(format_args!("{rounds} swaps of each"));
    for round in 1..=rounds {
        for contender in &mut contenders {
            contender.swap(round)?;
        }
    }
    let swapped = costs(&mut contenders)?;
    let mut table = Table {
        title: "Many volumes".into(),
        how: format!("{HOW} Idle for {} s, {rounds} swaps.", span.as_secs()),
        columns: [
            "arrangement",
            "threads",
            "inotify instances",
            "watches",
            "descriptors",
            "KiB a volume",
            "start, ms",
            "wake-ups a minute",
            "swap p50, µs",
            "p99",
            "processor's time of a swap, µs",
        ]
        .map(Into::into)
        .into(),
        ..Table::default()
    };
    let minutes = span.as_secs_f64() / 60.0;
    for (i, contender) in contenders.iter().enumerate() {
        let (Some(before), Some(after), Some(swapped)) =
            (before.get(i), after.get(i), swapped.get(i))
        else {
            continue;
        };
        let woken = after.woken_since(before).into_iter();
        let woken: Vec<_> = woken.map(|times| times as f64 / minutes).collect();
        let each = (swapped.nanoseconds - after.nanoseconds) as f64 / 1e3 / f64::from(rounds);
        contender.tell(after, &woken, each, &mut table);
    }
    table.print()?;
    Ok(())
}

fn costs(contenders: &mut [Contender]) -> Result<Vec<Cost>, Box<dyn Error>> {
    contenders
        .iter_mut()
        .map(|contender| contender.process.cost())
        .collect()
}

// === impl Arrangement ===

impl Arrangement {
    const ALL: [Self; 3] = [Self::Alone, Self::OneLive, Self::ManyLives];

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|other| other.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::OneLive => "one-live",
            Self::ManyLives => "many-lives",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Alone => "one volume",
            Self::OneLive => "1,000 volumes of one Live",
            Self::ManyLives => "1,000 volumes of a Live each",
        }
    }

    fn volumes(self) -> usize {
        match self {
            Self::Alone => 1,
            Self::OneLive | Self::ManyLives => VOLUMES,
        }
    }

    fn lives(self) -> usize {
        match self {
            Self::Alone | Self::OneLive => 1,
            Self::ManyLives => VOLUMES,
        }
    }
}

// === impl Contender ===

impl Contender {
    fn start(arrangement: Arrangement, memory: &Memory) -> Result<Self, Box<dyn Error>> {
        let mut volumes = Vec::new();
        for i in 0..arrangement.volumes() {
            let volume = memory.volume(&format!("{}/{i}", arrangement.name()));
            publish(&volume, [(follow::key(i), follow::value(0))]);
            volumes.push(volume);
        }
        let folder = memory.path().join(arrangement.name());
        Ok(Self {
            arrangement,
            volumes,
            process: Process::start(arrangement, &folder)?,
            lags: Vec::new(),
        })
    }

    fn swap(&mut self, round: u32) -> Result<(), Box<dyn Error>> {
        // Far from each other, and each but once.
        let i = (round as usize * 389) % self.volumes.len();
        let volume = self.volumes.get(i).ok_or("there is one")?;
        let renamed = publish(volume, [(follow::key(i), follow::value(round))]);
        let lag = self.process.applied(i, round)?.duration_since(renamed)?;
        self.lags.push(lag.as_secs_f64() * 1e6);
        // For what it leaves to do.
        thread::sleep(Duration::from_millis(5));
        Ok(())
    }

    fn tell(&self, cost: &Cost, woken: &[f64], swap: f64, table: &mut Table) {
        let Self {
            arrangement, lags, ..
        } = self;
        let text = arrangement.text();
        table.row([
            text.to_owned(),
            cost.threads.to_string(),
            cost.instances.to_string(),
            cost.watches.to_string(),
            cost.descriptors.to_string(),
            format!("{:.1}", cost.kib / arrangement.volumes() as f64),
            format!("{:.1}", cost.start_ms),
            format!("{:.1}", woken.iter().sum::<f64>()),
            format!("{:.0}", median(lags)),
            format!("{:.0}", quantile(lags, 0.99)),
            format!("{swap:.0}"),
        ]);
        let at_most =
            |what: &str, value, limit| Check::at_most(format!("{text}: {what}"), value, limit, "");
        let watching = cost.threads as f64 - arrangement.lives() as f64;
        table
            .checks
            .push(at_most("inotify instances", cost.instances as f64, 1.0));
        table
            .checks
            .push(at_most("threads beside one for each Live", watching, 1.0));
        let most = woken.iter().copied().fold(0.0, f64::max);
        table.checks.push(at_most(
            "wake-ups a minute of the thread with the most",
            most,
            6.0,
        ));
    }
}
