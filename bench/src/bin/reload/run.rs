//! Contenders in turns.

use std::error::Error;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use retune_bench::{Memory, publish, say};
use retune_mount::Publisher;

use crate::follower::{self, Follower};
use crate::peers;
use crate::values::{Shape, Values};

/// After so long a swap counts as not seen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Who has not seen so many in a row takes no further part.
const MOST_LOST: u32 = 3;
/// Between two turns, for what the last one leaves to do.
const REST: Duration = Duration::from_millis(2);
/// The same after one that reloads at each event, also those before and after the rename.
const LONG_REST: Duration = Duration::from_millis(20);

/// More values than that are for us only: what peers take for them says nothing new.
const MOST_OF_PEERS: usize = 1000;

/// How many rounds there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) all: u32,
    /// For those that need a long rest.
    pub(crate) some: u32,
    /// For those that wait by themselves.
    pub(crate) few: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Raw,
    Ours,
    Peer,
}

/// What came out for one.
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Of the swaps that it saw, in microseconds.
    pub(crate) lags: Vec<f64>,
    /// Swaps that it did not see.
    pub(crate) lost: u32,
}

struct Contender {
    run: Run,
    volume: Publisher,
    follower: Follower,
    /// Takes part in each so manieth round.
    every: u32,
    rest: Duration,
    lost_in_a_row: u32,
}

/// Has all contenders of a shape follow so many values.
///
/// # Errors
///
/// When one cannot load.
pub(crate) fn run<V: Values>(
    shape: Shape,
    count: usize,
    rounds: Rounds,
) -> Result<Vec<Run>, Box<dyn Error>> {
    let memory = Memory::new()?;
    let files = shape.files(count, 0);
    let few = (rounds.all / rounds.few).max(1);
    let some = (rounds.all / rounds.some).max(1);
    let mut contenders = Vec::new();
    let mut add = |name, kind, every, rest, follow: &dyn Fn(&Path) -> Followed| {
        let volume = memory.volume(name);
        publish(&volume, files.iter().map(|(key, value)| (key, value)));
        let Some(follower) = follow(volume.dir()).map_err(|error| format!("{name}: {error}"))?
        else {
            say(format_args!("skipped: {name}: Go has not built it"));
            return Ok(());
        };
        contenders.push(Contender {
            run: Run {
                name,
                kind,
                lags: Vec::new(),
                lost: 0,
            },
            volume,
            follower,
            every,
            rest,
            lost_in_a_row: 0,
        });
        Ok::<_, String>(())
    };
    add("raw", Kind::Raw, 1, REST, &|dir| {
        Ok(Some(follower::raw(dir, shape)?))
    })?;
    add("retune", Kind::Ours, 1, REST, &|dir| {
        Ok(Some(follower::retune::<V>(dir)?))
    })?;
    if count > MOST_OF_PEERS {
        return Ok(in_turns(contenders, shape, count, rounds));
    }
    add(
        "dynamic-config, waits 0 ms",
        Kind::Peer,
        some,
        LONG_REST,
        &|dir| {
            let options = peers::dynamic_config_at_once();
            peers::dynamic_config::<V>(dir, shape, options).map(Some)
        },
    )?;
    add(
        "dynamic-config, waits 250 ms",
        Kind::Peer,
        few,
        LONG_REST,
        &|dir| {
            let options = peers::dynamic_config_documented();
            peers::dynamic_config::<V>(dir, shape, options).map(Some)
        },
    )?;
    if shape == Shape::Document {
        add(
            "rtb-config, waits 250 ms",
            Kind::Peer,
            few,
            LONG_REST,
            &|dir| peers::rtb_config::<V>(dir).map(Some),
        )?;
        add("koanf (Go)", Kind::Peer, 1, REST, &peers::koanf)?;
    }
    Ok(in_turns(contenders, shape, count, rounds))
}

fn in_turns(
    mut contenders: Vec<Contender>,
    shape: Shape,
    count: usize,
    rounds: Rounds,
) -> Vec<Run> {
    for round in 1..=rounds.all {
        let files = shape.files(count, round);
        for contender in &mut contenders {
            if round % contender.every == 0 && contender.lost_in_a_row < MOST_LOST {
                contender.turn(round, &files);
            }
        }
    }
    contenders
        .into_iter()
        .map(|contender| contender.run)
        .collect()
}

type Followed = Result<Option<Follower>, Box<dyn Error>>;

// === impl Contender ===

impl Contender {
    fn turn(&mut self, round: u32, files: &[(String, String)]) {
        let files = files.iter().map(|(key, value)| (key, value));
        let renamed = publish(&self.volume, files);
        match self.follower.applied(round, PATIENCE) {
            Some(applied) => {
                self.run.lags.push(microseconds(renamed, applied));
                self.lost_in_a_row = 0;
            }
            None => {
                self.run.lost += 1;
                self.lost_in_a_row += 1;
            }
        }
        match self.rest {
            REST => thread::sleep(REST),
            longer => self.follower.rest(longer),
        }
    }
}

fn microseconds(from: SystemTime, to: SystemTime) -> f64 {
    to.duration_since(from)
        .map_or(0.0, |lag| lag.as_secs_f64() * 1e6)
}
