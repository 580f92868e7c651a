//! What can be known of a live configuration.

mod expiry;
mod lag;
mod rejection;
mod secret;
mod source;

use std::time::{Duration, SystemTime};

use retune_mount::wall_clock;
use serde::Serialize;

pub use crate::change::{Rotation, ValueChange};
use crate::overlap::Kept;
use crate::problem::Problem;
use crate::time;

pub use expiry::Expiry;
pub use lag::{Lag, Lags};
pub use rejection::{Rejection, RejectionReason};
pub use secret::SecretStatus;
pub(crate) use secret::is_wiped;
pub use source::{PathStatus, SourceStatus, WatchMode};

/// What can be known of a live configuration at one moment. It holds no secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Whether the last observation was good. A degraded configuration serves its last good
    /// generation.
    pub health: Health,
    /// Why it is degraded, for people; none if it is not.
    pub reasons: Vec<String>,
    /// The generation that readers see.
    pub generation: u64,
    /// A hash of the values that the generation was made of, the same in every replica that runs
    /// the same values. Secrets are not part of it, nor is anything of a source that is
    /// [secret as a whole](crate::source::Mount#what-is-secret-by-itself).
    pub hash: String,
    /// The times of that generation.
    pub times: Times,
    /// When an observation was good last: it brought that generation, or found it unchanged.
    #[serde(serialize_with = "time::serialize")]
    pub last_success: SystemTime,
    /// Every source, from the lowest to the highest.
    pub sources: Vec<SourceStatus>,
    /// What was refused last, until a good observation clears it.
    pub rejection: Option<Rejection>,
    /// Volumes that belong together and are not of one [revision](crate::source::Mount::revision): what
    /// is new in them waits. After [some time](crate::Loader::revision_patience) it is refused as well.
    pub waiting: Option<Waiting>,
    /// A good change that is not taken yet, so that not all replicas take it at once: see
    /// [`Loader::jitter`](crate::Loader::jitter). That is no fault, and so not degraded.
    pub delayed: Option<Delayed>,
    /// The file that keeps the last good configuration for the next start, where that is
    /// [asked for](crate::Loader::keep_last_good).
    pub last_good: Option<LastGood>,
    /// What waits for a restart, as `#[retune(restart)]` says, until a restart takes it or a revert
    /// takes it back: the running value (or its default) and the one that a process would start with,
    /// in the order of their paths. That is no fault, and so not degraded.
    pub pending_restart: Vec<ValueChange>,
    /// Values that are taken beside the ones that replaced them, of [`Rotating`](crate::Rotating) fields.
    pub overlaps: Vec<Overlap>,
    /// From when until when what runs is valid, of every value that tells it, in the order of the fields.
    /// What expires while it runs stays, as there is nothing better; the configuration is degraded
    /// until something valid takes its place. How long before that somebody has to know depends on
    /// who has to act, so that it is for alerts to say.
    pub expiries: Vec<Expiry>,
    /// Every secret that a source gives, in the order of the paths.
    pub secrets: Vec<SecretStatus>,
    /// What is odd but not wrong.
    pub warnings: Vec<Problem>,
    /// What the reload thread has been doing for longer than its patience.
    pub stuck: Option<Stuck>,
    /// Subscribers that have not yet returned from a generation that came before their patience ran
    /// out.
    pub late: Vec<Late>,
    /// The last generations, the newest last: at the most [`MAX_HISTORY_LEN`](Self::MAX_HISTORY_LEN).
    pub history: Vec<HistoryEntry>,
    /// Counters since the start.
    pub counters: Counters,
    /// How long changes took since the start.
    pub lags: Lags,
    /// Generations that are no longer current, but still held by somebody.
    pub held: Held,
}

/// Whether all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Health {
    /// The last observation was good.
    Ok,
    /// An update was refused, a volume is orphaned, a value has expired or something is stuck; the last
    /// good generation serves on.
    Degraded,
}

/// The times of one generation, on the wall clock.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Times {
    /// When it was published: for a volume the kubelet's rename. `None` where nobody knows.
    #[serde(serialize_with = "time::serialize_option")]
    pub published: Option<SystemTime>,
    /// When the change was noticed, by an event or a poll.
    #[serde(serialize_with = "time::serialize")]
    pub noticed: SystemTime,
    /// Since when readers see it.
    #[serde(serialize_with = "time::serialize")]
    pub swapped: SystemTime,
    /// When the last subscriber that was there at the swap had returned; `None` until then.
    #[serde(serialize_with = "time::serialize_option")]
    pub applied: Option<SystemTime>,
}

/// Volumes that wait for one another.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Waiting {
    /// Since when they are apart.
    #[serde(serialize_with = "time::serialize")]
    pub since: SystemTime,
    /// Which of them has which revision.
    pub problem: Problem,
}

/// A good change that waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Delayed {
    /// When it was noticed, or the first of several that wait together.
    #[serde(serialize_with = "time::serialize")]
    pub since: SystemTime,
    /// When it will be taken.
    #[serde(serialize_with = "time::serialize")]
    pub until: SystemTime,
    /// The generation that it will become.
    pub generation: u64,
}

/// The last good configuration, kept in a file.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LastGood {
    /// The file.
    pub path: String,
    /// When what is in it was written; `None` as long as nothing is.
    #[serde(serialize_with = "time::serialize_option")]
    pub kept: Option<SystemTime>,
    /// The process was started from it, as the sources were bad, and has seen nothing good since.
    pub runs: bool,
    /// Why the file is not what it should be.
    pub problem: Option<Problem>,
}

/// A value that is still taken beside the one that replaced it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Overlap {
    /// The path of the field.
    pub path: String,
    /// Since when it is the previous one.
    #[serde(serialize_with = "time::serialize")]
    pub since: SystemTime,
    /// When that ends by itself; `None` if the program has to end it, or a source gives it.
    #[serde(serialize_with = "time::serialize_option")]
    pub until: Option<SystemTime>,
    /// It holds as long as a source gives it, beside the current one.
    pub by_source: bool,
}

/// A part of the reload that takes longer than it should.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Stuck {
    /// What it is doing: `reading mount /etc/greeter`, `asking the gate at src/main.rs:12:5`.
    pub doing: String,
    /// For how long.
    #[serde(serialize_with = "time::seconds")]
    pub seconds: Duration,
}

/// A subscriber that has not returned from its last change.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Late {
    /// Its name: the line of code that subscribed.
    pub subscriber: String,
    /// The generation that it has not finished with.
    pub generation: u64,
    /// How long ago it was told of the oldest one that it has not finished with.
    #[serde(serialize_with = "time::seconds")]
    pub seconds: Duration,
}

/// One generation of the past.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Its number.
    pub generation: u64,
    /// Its times.
    pub times: Times,
    /// The values that it changed, in the order of their paths: at the most
    /// [`MAX_CHANGES`](Self::MAX_CHANGES).
    pub changes: Vec<ValueChange>,
    /// How many values it changed, named or not.
    pub changed: usize,
}

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Generations that were published after the first: by what was observed, or by the end of an overlap.
    pub applied: u64,
    /// Observations that found the content unchanged.
    pub unchanged: u64,
    /// Updates that were refused because a source could not be read. Here and below, one that
    /// is found again just as bad is not counted again.
    pub rejected_source: u64,
    /// Updates that were refused because a value is missing or wrong.
    pub rejected_invalid: u64,
    /// Updates that were refused by a gate.
    pub rejected_gate: u64,
    /// Updates that were refused because volumes that belong together were apart for too long.
    pub rejected_revision: u64,
    /// Observations made upon an event.
    pub events: u64,
    /// Observations made upon a poll.
    pub polls: u64,
    /// Panics of subscribers, caught.
    pub subscriber_panics: u64,
    /// How often the kernel's queue of events was full, so that all was looked at again. Of the whole process, as
    /// all its configurations are watched by one thread.
    pub overflows: u64,
    /// Panics of that thread, which goes on.
    pub watcher_panics: u64,
}

/// Old generations that are still held.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Held {
    /// How many.
    pub generations: usize,
    /// How long ago the oldest of them was replaced.
    #[serde(serialize_with = "time::seconds")]
    pub oldest_seconds: Duration,
}

/// Why a configuration is degraded: what was refused, what is orphaned, what has expired, what is stuck.
pub(crate) fn reasons(
    rejection: Option<&Rejection>,
    last_good: Option<&LastGood>,
    sources: &[SourceStatus],
    expired: impl Iterator<Item = Problem>,
    stuck: Option<&Stuck>,
) -> Vec<String> {
    let problems = rejection.into_iter().flat_map(|refused| &refused.problems);
    let paths = sources.iter().flat_map(|source| &source.paths);
    let orphaned = paths.filter(|path| path.mode == WatchMode::Orphaned);
    let started = last_good.filter(|last_good| last_good.runs);
    let refused = match started {
        Some(_) => "the configuration is refused",
        None => "an update was refused",
    };
    started
        .map(LastGood::told)
        .into_iter()
        .chain(problems.map(|problem| format!("{refused}: {problem}")))
        .chain(orphaned.map(|path| format!("{}: {}", path.path, path.detail)))
        .chain(expired.map(|problem| problem.to_string()))
        .chain(
            stuck.map(|stuck| format!("stuck for {} s: {}", stuck.seconds.as_secs(), stuck.doing)),
        )
        .collect()
}

// === impl Status ===

impl Status {
    /// How many generations the history keeps.
    pub const MAX_HISTORY_LEN: usize = 16;
}

// === impl LastGood ===

impl LastGood {
    /// That it runs, for people.
    pub(crate) fn told(&self) -> String {
        let of = self
            .kept
            .map_or_else(String::new, |kept| format!(" of {}", time::told(kept)));
        format!("started from the last good configuration{of}")
    }
}

// === impl Times ===

impl Times {
    /// From the publish to the moment when readers saw it. `None` where the publish time is not
    /// known, or lies in the future of this machine's clock.
    #[must_use]
    pub fn lag(&self) -> Option<Duration> {
        self.swapped.duration_since(self.published?).ok()
    }

    /// From the publish to the moment when every subscriber had returned.
    #[must_use]
    pub fn lag_applied(&self) -> Option<Duration> {
        self.applied?.duration_since(self.published?).ok()
    }
}

// === impl HistoryEntry ===

impl HistoryEntry {
    /// How many changed values are named.
    pub const MAX_CHANGES: usize = 100;

    pub(crate) fn new(generation: u64, times: Times, mut changes: Vec<ValueChange>) -> Self {
        let changed = changes.len();
        changes.truncate(Self::MAX_CHANGES);
        Self {
            generation,
            times,
            changes,
            changed,
        }
    }

    /// Paths of the values that it names as changed.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().map(|change| change.path.as_str())
    }
}

// === impl Overlap ===

impl Overlap {
    pub(crate) fn of(kept: &Kept) -> Self {
        Self {
            path: kept.path.clone(),
            since: kept.since().unwrap_or_else(wall_clock),
            until: kept.until(),
            by_source: !kept.is_ours(),
        }
    }
}

// === impl Counters ===

impl Counters {
    /// All updates that were refused.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected_source + self.rejected_invalid + self.rejected_gate + self.rejected_revision
    }
}
