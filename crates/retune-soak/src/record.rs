//! The lines of a soak's record: JSON, one object a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// The first one.
    Begin(Begin),
    /// About one a second.
    Sample(Sample),
    /// When all had settled.
    Calm(Sample),
    /// The last one.
    End(End),
}

/// What was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// When, in seconds since 1970.
    pub unix: u64,
    /// What the edits are drawn from.
    pub seed: u64,
    /// How long edits go on.
    pub minutes: f64,
    /// How many volumes there are.
    pub volumes: usize,
    /// How many plain files there are beside them.
    pub files: usize,
    /// How many configurations follow them.
    pub lives: usize,
    /// retune's version.
    pub version: String,
    /// The kernel's release.
    pub kernel: String,
    /// How many processors there are.
    pub cores: usize,
    /// Whether retune was built without optimization, with all its assertions.
    pub debug: bool,
}

/// The soaked process at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds since the begin.
    pub at: f64,
    /// Which storm it is of, or follows; the first is the warm-up.
    pub storm: u64,
    /// How many edits there were by then.
    pub edits: u64,
    /// How long it took to settle, in seconds, from the last edit on; `None` in a storm. Behind an event
    /// that is lost stands a poll, every 10 s.
    pub settled: Option<f64>,
    /// As the kernel sees it.
    pub process: Process,
    /// As it sees itself.
    pub inside: Inside,
}

/// What the kernel tells of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Memory that is there, in bytes.
    pub rss: u64,
    /// The same, with its share only of what others have as well.
    pub pss: u64,
    /// Open files.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
    /// Watches of all inotify instances.
    pub watches: u64,
    /// Inotify instances.
    pub instances: u64,
}

/// What the soaked process tells of itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Inside {
    /// Allocated and not freed, in bytes.
    pub heap: u64,
    /// Configurations that run.
    pub lives: u64,
    /// Generations that were published, by all of them.
    pub generations: u64,
    /// Updates that were refused.
    pub refused: u64,
    /// Observations that found nothing new.
    pub unchanged: u64,
    /// Old generations that somebody holds.
    pub held: u64,
    /// Subscribers and gates that have come.
    pub visitors: u64,
    /// From publish to applied by all subscribers: 99 of 100 of the changes since the last sample took
    /// no longer, in seconds.
    pub lag_p99: Option<f64>,
    /// Reads that were checked.
    pub reads: u64,
    /// Reads that were not of one whole generation.
    pub torn: u64,
    /// Panics, caught or not.
    pub panics: u64,
    /// Overflows of the kernel's queue of events that were noticed.
    pub overflows: u64,
}

/// How it ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct End {
    /// How many edits and faults there were of each kind.
    pub edits: BTreeMap<String, u64>,
    /// The process when every configuration had been stopped.
    pub stopped: Process,
    /// What was wrong; nothing if all is well.
    pub wrong: Vec<String>,
}
