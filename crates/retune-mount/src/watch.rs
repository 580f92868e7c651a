use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::arm::Armed;
use crate::clock::wall_clock;
use crate::engine::{Member, Once};
use crate::error::{Error, ErrorKind};
use crate::pins::Pins;
use crate::read::{self, Outcome, PlainState};
use crate::settle::{Seen, Settle, Verdict};
use crate::signal::Signal;
use crate::snapshot::{Kind, Snapshot};
use crate::state::PathState;

/// The first retry after a read that failed. The next come after as long again as it has failed for, up to
/// the poll's interval: it does not matter how often events made it fail meanwhile.
const FIRST_RETRY: Duration = Duration::from_millis(250);

/// No timer is set further ahead than this.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A path that is followed for changes: a volume, a plain directory or a
/// single file, all by the same calls.
///
/// ```
/// use retune_mount::{Content, Limits, Pins, Reading, Signal, Watch};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("level");
/// std::fs::write(&path, "warn")?;
/// let signal = Signal::new();
/// let mut watch = Watch::new(&path, &signal);
/// match watch.read(&mut Pins::new(Limits::default()))? {
///     Reading::Ready(first) => assert_eq!(first.file().and_then(Content::as_str), Some("warn")),
///     other => panic!("at rest, so it is taken as it is: {other:?}"),
/// }
///
/// std::fs::write(&path, "info")?;
/// loop {
///     signal.wait(None);
///     match watch.read(&mut Pins::new(Limits::default()))? {
///         Reading::Ready(now) if now.file().and_then(Content::as_str) == Some("info") => break,
///         _ => {} // not quiet yet: the signal is set again when it is
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Watch {
    path: PathBuf,
    signal: Signal,
    confined: bool,
    with_events: Duration,
    without_events: Duration,
    settle: Settle,
    armed: Armed,
    state: PathState,
    /// Let go when nothing is there any more.
    last: Option<Arc<Snapshot>>,
    /// What was there last was a volume.
    was_volume: bool,
    failing_since: Option<Instant>,
    /// The state of plain files that was looked at a second time already.
    rechecked: Option<Seen>,
}

/// What [`Watch::read`] found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reading {
    /// This is what is there.
    Ready(Arc<Snapshot>),
    /// Plain files are changing, and not quiet yet. The signal is set when it
    /// is time to look again; there is no need to wait for it by oneself.
    Settling {
        /// When that will be, if nothing more happens.
        until: Instant,
        /// What was there before.
        last: Option<Arc<Snapshot>>,
    },
}

// === impl Watch ===

impl Watch {
    /// Names a path to follow. Nothing is opened or watched before the first
    /// [`read`](Self::read). A relative path is made absolute now, so that a
    /// later change of the working directory does no harm.
    pub fn new(path: impl Into<PathBuf>, signal: &Signal) -> Self {
        let path = path.into();
        Self {
            path: std::path::absolute(&path).unwrap_or(path),
            signal: signal.clone(),
            confined: false,
            with_events: Duration::from_secs(30),
            without_events: Duration::from_secs(2),
            settle: Settle::new(),
            armed: Armed::default(),
            state: PathState::Unread,
            last: None,
            was_volume: false,
            failing_since: None,
            rechecked: None,
        }
    }

    /// Refuses links that lead out of the directory (for a single file: of the
    /// directory that holds it). Default: links may lead anywhere.
    #[must_use]
    pub fn confined(mut self, confined: bool) -> Self {
        self.confined = confined;
        self
    }

    /// Sets how often to look without being told, on average: where events
    /// come (default 30 s), and where none can be had (default 2 s). At least 10 ms
    /// and at most 24 h: what is shorter or longer counts as that.
    #[must_use]
    pub fn poll_every(mut self, with_events: Duration, without_events: Duration) -> Self {
        let sane = |interval: Duration| interval.clamp(Duration::from_millis(10), LONGEST);
        self.with_events = sane(with_events);
        self.without_events = sane(without_events);
        self
    }

    /// Sets how long plain files must be seen unchanged before they are taken
    /// (default 200 ms), and after which time of restlessness they are taken
    /// all the same (default 2 s). Each at most 24 h: what is longer counts as that.
    #[must_use]
    pub fn quiet(mut self, window: Duration, at_most: Duration) -> Self {
        self.settle.quiet = window.min(LONGEST);
        self.settle.patience = at_most.min(LONGEST);
        self
    }

    /// Resolves the path, watches each directory on the way before looking
    /// into it, and reads what is there below `pins`. Blocks as long as the
    /// file system does.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`]. The path stays watched whatever happens, and the
    /// signal is set when another try is worth it; only where the watching
    /// thread cannot be started, nothing is watched and nothing sets it.
    /// [`Moved`](ErrorKind::Moved) asks for new pins at once.
    pub fn read(&mut self, pins: &mut Pins) -> Result<Reading, Error> {
        if self.armed.member.is_none() {
            let joined = Member::join(&self.signal, self.with_events);
            self.armed.member = Some(joined.map_err(|error| {
                let message = format!(
                    "the watching thread cannot be started: {error}; \
                     raise the limit of threads (ulimit -u, pids.max)"
                );
                Error::new(ErrorKind::Io, &self.path, message)
            })?);
        }
        if let Some(member) = &self.armed.member {
            member.begin_read();
        }
        self.armed.begin();
        let result = read::read(&self.path, pins, &mut self.armed, self.confined);
        if !result.as_ref().is_err_and(is_failure) {
            self.armed.finish();
        }
        let now = Instant::now();
        let (result, once) = self.judge(result, now);
        if let Some(member) = &self.armed.member {
            member.plan(self.interval(), once);
        }
        result
    }

    /// How changes of this path are noticed, as of the last read.
    pub fn state(&self) -> &PathState {
        &self.state
    }

    /// The path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn interval(&self) -> Duration {
        match self.armed.trouble {
            None => self.with_events,
            Some(_) => self.without_events,
        }
    }

    /// Decides whether what was found counts, and when to look again.
    fn judge(
        &mut self,
        result: Result<Outcome, Error>,
        now: Instant,
    ) -> (Result<Reading, Error>, Once) {
        let outcome = match result.and_then(|outcome| self.check_lost(outcome)) {
            Err(error) if !is_absence(&error) => {
                if !is_failure(&error) {
                    self.state = self.watched_state();
                }
                return (Err(error), self.retry(now));
            }
            outcome => outcome,
        };
        let plain = outcome.as_ref().map(|outcome| outcome.plain);
        let (seen, unstable) = match plain {
            Ok(Some(plain)) => (Seen::Plain(plain.hash), plain.unstable),
            Ok(None) => (Seen::Volume, false),
            Err(_) => (Seen::Nothing, false),
        };
        if let Verdict::Wait { until, at_most } = self.settle.judge(seen, unstable, now) {
            let last = self.last.clone();
            let quiet = self.settle.quiet;
            let once = Once::Quiet {
                at: until,
                quiet,
                cap: at_most,
            };
            return (Ok(Reading::Settling { until, last }), once);
        }
        match outcome {
            Ok(outcome) => {
                self.failing_since = None;
                self.state = match outcome.mount {
                    true => PathState::SubPath,
                    false => self.watched_state(),
                };
                let once = self.second_look(seen, outcome.plain, now);
                let snapshot = Arc::new(outcome.snapshot);
                self.was_volume = snapshot.kind() == Kind::Volume;
                self.last = Some(Arc::clone(&snapshot));
                (Ok(Reading::Ready(snapshot)), once)
            }
            Err(error) => {
                self.last = None;
                self.state = match error.kind() {
                    ErrorKind::Orphaned => PathState::Orphaned,
                    _ => PathState::Missing,
                };
                (Err(error), self.retry(now))
            }
        }
    }

    fn watched_state(&self) -> PathState {
        match self.armed.trouble {
            None => PathState::Events,
            Some(reason) => PathState::Polling {
                reason,
                every: self.without_events,
            },
        }
    }

    /// A volume that has neither `..data` nor anything else is no empty directory, but broken.
    fn check_lost(&self, outcome: Outcome) -> Result<Outcome, Error> {
        let found = &outcome.snapshot;
        if !self.was_volume || found.kind() != Kind::Directory || !found.is_empty() {
            return Ok(outcome);
        }
        let message = "the volume lost its `..data` link; the kubelet may be building it anew";
        Err(Error::new(ErrorKind::LostData, &self.path, message))
    }

    /// Files that were written just now could be written once more without a trace in their stamp.
    fn second_look(&mut self, seen: Seen, plain: Option<PlainState>, now: Instant) -> Once {
        let wall = wall_clock();
        let recent = plain.and_then(|plain| plain.newest).is_some_and(|newest| {
            wall.duration_since(newest)
                .map_or(true, |age| age < self.settle.quiet)
        });
        if !recent || self.rechecked == Some(seen) {
            return Once::No;
        }
        self.rechecked = Some(seen);
        Once::At(now + self.settle.quiet)
    }

    fn retry(&mut self, now: Instant) -> Once {
        let since = *self.failing_since.get_or_insert(now);
        let wait = FIRST_RETRY.max(now.saturating_duration_since(since));
        match wait < self.interval() {
            true => Once::At(now + wait),
            false => Once::No,
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("path", &self.path)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Whether the system failed, as when no descriptor is left. That tells nothing of the path: what
/// was watched stays so.
fn is_failure(error: &Error) -> bool {
    error.kind() == ErrorKind::Io
}

/// Whether the path holds nothing at all, which may last only a moment.
fn is_absence(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Missing | ErrorKind::LostData | ErrorKind::Orphaned
    )
}

#[cfg(test)]
mod tests;
