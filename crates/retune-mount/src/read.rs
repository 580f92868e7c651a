//! Reading what a path leads to, as one consistent snapshot.

mod collect;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::dir::DATA;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::pins::{Pins, moved};
use crate::settle::{Seen, Settle, Verdict};
use crate::snapshot::{Kind, Snapshot};
use crate::walk::{Fence, Found, Names, Observer, Walk};
use collect::{Collector, Level};

/// How long a volume that is swapped again and again is tried.
const PATIENCE: Duration = Duration::from_secs(2);

/// One successful read.
pub(crate) struct Outcome {
    pub(crate) snapshot: Snapshot,
    /// What settling goes by; `None` for content below a pin, which never changes.
    pub(crate) plain: Option<PlainState>,
    /// It is a mount of a single file, or a directory that holds such.
    pub(crate) mount: bool,
}

/// The state of plain files at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainState {
    /// Of all names and stamps.
    pub(crate) hash: u64,
    /// When the youngest of them was written.
    pub(crate) newest: Option<SystemTime>,
    /// Whether a file changed while it was read.
    pub(crate) unstable: bool,
}

/// Reads a path once, without watching it.
///
/// # Errors
///
/// Whatever [`Watch::read`](crate::Watch::read) refuses. A volume that is
/// swapped meanwhile is read again. So is a plain file that is written
/// meanwhile, once it had 200 ms to come to rest; one that never does is taken
/// as it is after 2 s.
///
/// ```
/// use retune_mount::{Content, Limits, read_once};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("message"), "hello")?;
/// let found = read_once(dir.path(), Limits::default())?;
/// assert_eq!(found.get("message").and_then(Content::as_str), Some("hello"));
/// # Ok(())
/// # }
/// ```
pub fn read_once(path: impl AsRef<Path>, limits: Limits) -> Result<Snapshot, Error> {
    Pins::new(limits).read(path)
}

impl Pins {
    /// Reads a path once below these pins, without watching it; waits for plain
    /// files that are being written as [`read_once`] does.
    ///
    /// # Errors
    ///
    /// Whatever [`Watch::read`](crate::Watch::read) refuses.
    pub fn read(&mut self, path: impl AsRef<Path>) -> Result<Snapshot, Error> {
        self.read_once(path.as_ref(), false)
    }

    /// The same, refusing links that lead out of the directory, as
    /// [`Watch::confined`](crate::Watch::confined) does.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read), and [`Escapes`](ErrorKind::Escapes).
    pub fn read_confined(&mut self, path: impl AsRef<Path>) -> Result<Snapshot, Error> {
        self.read_once(path.as_ref(), true)
    }

    fn read_once(&mut self, path: &Path, confined: bool) -> Result<Snapshot, Error> {
        let path = std::path::absolute(path).map_err(|error| {
            let message = format!("has no absolute form: {error}");
            Error::new(ErrorKind::Io, path, message)
        })?;
        let mark = self.mark();
        let mut settle = Settle::new();
        loop {
            let Outcome {
                snapshot, plain, ..
            } = read(&path, self, &mut (), confined)?;
            let Some(plain) = plain else {
                return Ok(snapshot);
            };
            let now = Instant::now();
            match settle.judge(Seen::Plain(plain.hash), plain.unstable, now) {
                Verdict::Take => return Ok(snapshot),
                Verdict::Wait { until, .. } => {
                    self.rewind(mark);
                    std::thread::sleep(until.saturating_duration_since(now));
                }
            }
        }
    }
}

/// Reads a path below its pins; starts over when a volume was swapped meanwhile.
pub(crate) fn read(
    path: &Path,
    pins: &mut Pins,
    observer: &mut dyn Observer,
    confined: bool,
) -> Result<Outcome, Error> {
    if !path.is_absolute() {
        // An empty path above all, which must not be taken for the root.
        let message = "is no absolute path; an empty or relative one names nothing here";
        return Err(Error::new(ErrorKind::Missing, path, message));
    }
    let mark = pins.mark();
    let start = Instant::now();
    loop {
        let mut walk = Walk::new(pins, observer);
        let result = attempt(&mut walk, path, confined);
        // After the read, not before: an old data directory is taken apart only
        // after the link has moved on, so an unmoved link proves the read whole.
        let passed = std::mem::take(&mut walk.passed);
        let gone = |index: &usize| !pins.get(*index).is_some_and(|pin| pin.still_current());
        let swapped = passed.iter().any(gone) || !pins.leads_on(mark);
        let tear = result.as_ref().is_err_and(Error::is_moved);
        if !swapped && !tear {
            return result;
        }
        let others_hold = passed
            .iter()
            .any(|index| *index < mark.pinned && gone(index));
        pins.rewind(mark);
        if others_hold || start.elapsed() > PATIENCE {
            return Err(moved(path));
        }
    }
}

fn attempt(walk: &mut Walk<'_>, path: &Path, confined: bool) -> Result<Outcome, Error> {
    let (at_last, at_start) = match confined {
        true => (Fence::AtLast, Fence::AtStart),
        false => (Fence::None, Fence::None),
    };
    let mut collector = Collector::new(walk.pins.limits);
    match walk.resolve(None, path, at_last)? {
        Found::Other(dir, name) => {
            let key = path
                .file_name()
                .map_or_else(|| PathBuf::from(&name), PathBuf::from);
            collector.file(walk, &dir, &name, key)?;
            Ok(collector.finish(Kind::File, walk.pins.of(&dir)))
        }
        Found::Dir(dir) => {
            let data = match dir.below {
                Some(_) => Some(Arc::clone(&dir)),
                None => {
                    walk.observer.passing(&dir, Names::One(OsStr::new(DATA)));
                    walk.pin(&dir)?
                }
            };
            if let Some(data) = data {
                collector.list(walk, &Level::top(&data, Fence::AtStart))?;
                return Ok(collector.finish(Kind::Volume, walk.pins.of(&data)));
            }
            walk.observer.passing(&dir, Names::All);
            collector.list(walk, &Level::top(&dir, at_start))?;
            if collector.keys.is_empty() && dir.links == 0 {
                return Err(Error::orphaned(path));
            }
            Ok(collector.finish(Kind::Directory, None))
        }
    }
}

#[cfg(test)]
mod tests;
