//! Where a configuration comes from, and how changes of it are noticed.

use std::fmt;
use std::time::SystemTime;

use retune_mount::{PathState, Utc};
use serde::{Serialize, Serializer};

use crate::source::{Kind, Layer};
use crate::time;

/// One source of a configuration.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SourceStatus {
    /// How people call it: `mount /etc/greeter`.
    pub name: String,
    /// What kind of source it is.
    pub kind: Kind,
    /// How changes of its paths are noticed.
    pub paths: Vec<PathStatus>,
    /// Whether it could be read last time.
    pub ok: bool,
    /// Whether all that it gives is redacted: the program says so, or it is
    /// [secret by itself](crate::source::Mount#what-is-secret-by-itself).
    pub secret: bool,
    /// When the token expires that is its [heartbeat](crate::source::Mount::heartbeat); `None`
    /// where there is none. Half a minute later it is orphaned.
    #[serde(serialize_with = "time::serialize_option")]
    pub heartbeat_expires: Option<SystemTime>,
}

/// One path that a source reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PathStatus {
    /// The path.
    pub path: String,
    /// How its changes are noticed.
    pub mode: WatchMode,
    /// The same for people, with the reason and the remedy.
    pub detail: String,
}

/// How changes of a path are noticed, in one word: a [`PathState`] without its reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WatchMode {
    /// By events, with a slow poll behind them.
    Events,
    /// By looking again and again, since events are not to be had.
    Polling,
    /// Nothing is at the path; it is picked up when it appears.
    Missing,
    /// Nothing writes the volume any more.
    Orphaned,
    /// A mount of one single file, which never updates.
    SubPath,
    /// It was not read yet, so nothing is watched.
    Unread,
}

// === impl SourceStatus ===

impl SourceStatus {
    pub(crate) fn new(name: String, kind: Kind, layer: &Layer) -> Self {
        let mut paths: Vec<_> = layer
            .paths
            .iter()
            .map(|(path, state)| PathStatus::new(path.clone(), state))
            .collect();
        if let Some(beat) = layer.heartbeat.filter(|beat| beat.stopped) {
            for path in paths.iter_mut().filter(|path| !path.is_dead_end()) {
                path.orphan(beat.expires);
            }
        }
        Self {
            name,
            kind,
            paths,
            ok: !layer.failed,
            secret: layer.secret,
            heartbeat_expires: layer.heartbeat.map(|beat| beat.expires),
        }
    }
}

// === impl PathStatus ===

impl PathStatus {
    fn new(path: String, state: &PathState) -> Self {
        Self {
            path,
            mode: WatchMode::of(state),
            detail: state.to_string(),
        }
    }

    /// Whatever is seen there: its heartbeat has stopped. The moment is told, and not how long ago it
    /// was, so that the same is said as long as it is the same.
    fn orphan(&mut self, expired: SystemTime) {
        self.mode = WatchMode::Orphaned;
        self.detail = format!(
            "orphaned: the heartbeat token in it expired at {}, so nothing writes this volume any \
             more. If it was torn down under the process, only a restart of the container \
             reconnects it; if the node's kubelet is down or gets no new token, it goes on by itself",
            Utc::from(expired).rfc3339()
        );
    }

    /// Whether its changes come late, or not at all, and something can be done about it.
    pub(crate) fn is_noteworthy(&self) -> bool {
        // Where there are never events, polling is as it should be.
        self.is_dead_end() || (self.mode == WatchMode::Polling && cfg!(target_os = "linux"))
    }

    /// Whether changes of the path can no longer reach the program.
    #[must_use]
    pub fn is_dead_end(&self) -> bool {
        matches!(self.mode, WatchMode::Orphaned | WatchMode::SubPath)
    }
}

// === impl WatchMode ===

impl WatchMode {
    fn of(state: &PathState) -> Self {
        match state {
            PathState::Events => Self::Events,
            PathState::Polling { .. } => Self::Polling,
            PathState::Missing => Self::Missing,
            PathState::Orphaned => Self::Orphaned,
            PathState::SubPath => Self::SubPath,
            _ => Self::Unread,
        }
    }

    /// The word that the JSON and the metrics have for it: `events`, `subpath`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Polling => "polling",
            Self::Missing => "missing",
            Self::Orphaned => "orphaned",
            Self::SubPath => "subpath",
            Self::Unread => "unread",
        }
    }
}

impl fmt::Display for WatchMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for WatchMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_one_word_in_every_form() {
        for (mode, word) in [
            (WatchMode::Events, "events"),
            (WatchMode::Polling, "polling"),
            (WatchMode::Missing, "missing"),
            (WatchMode::Orphaned, "orphaned"),
            (WatchMode::SubPath, "subpath"),
            (WatchMode::Unread, "unread"),
        ] {
            assert_eq!((mode.as_str(), &*mode.to_string()), (word, word));
            assert_eq!(serde_json::to_value(mode).unwrap(), word);
        }
    }
}
