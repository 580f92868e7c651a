//! Who follows a volume, and tells when a round's values hold.

use std::any::Any;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use std::{io, thread};

use retune::{Live, Retune};
use retune_bench::read_files;
use rustix::fs::inotify;

use crate::values::{Shape, Values, round_of};

/// Who follows.
pub(crate) struct Follower {
    applied: Receiver<Applied>,
    /// What follows until it is dropped.
    _following: Box<dyn Any>,
}

/// That readers see a round's values, and since when, on the wall clock.
pub(crate) type Applied = (u32, SystemTime);

/// The least that can be done: a blocking read of inotify, the files, a store.
///
/// # Errors
///
/// When there is no inotify.
pub(crate) fn raw(dir: &Path, shape: Shape) -> io::Result<Follower> {
    let (tell, applied) = mpsc::channel();
    let events = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&events, dir, inotify::WatchFlags::MOVED_TO)?;
    let dir = dir.to_owned();
    let first = shape.files(1, 0).remove(0).0;
    let store = Arc::new(Mutex::new(Arc::default()));
    let stored = store.clone();
    thread::spawn(move || -> io::Result<()> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&events, &mut buffer);
        loop {
            let event = reader.next()?;
            if event
                .file_name()
                .is_none_or(|name| name.to_bytes() != b"..data")
            {
                continue;
            }
            let found = Arc::new(read_files(&dir)?);
            if let Ok(mut current) = stored.lock() {
                *current = found.clone();
            }
            let at = SystemTime::now();
            let text = found.get(Path::new(&first)).map(Vec::as_slice);
            let text = String::from_utf8_lossy(text.unwrap_or_default());
            let round = round_of(text.lines().next().unwrap_or_default());
            if tell.send((round, at)).is_err() {
                return Ok(());
            }
        }
    });
    Ok(Follower::new(applied, store))
}

/// retune, with nothing set.
///
/// # Errors
///
/// When it cannot load.
pub(crate) fn retune<V: Values>(dir: &Path) -> Result<Follower, retune::Error> {
    let (tell, applied) = mpsc::channel();
    let live: Live<V::Ours> = V::Ours::loader().mount(dir).watch()?;
    let asked = live.clone();
    let told = live.subscribe(move |change| {
        let round = round_of(V::first_of_ours(change.new_value()));
        _ = tell.send((round, asked.status().times.swapped));
    });
    Ok(Follower::new(applied, (told, Stopped(live))))
}

/// Stops with this, although its subscriber holds it as well.
struct Stopped<T: Send + Sync + 'static>(Live<T>);

// === impl Stopped ===

impl<T: Send + Sync + 'static> Drop for Stopped<T> {
    fn drop(&mut self) {
        _ = self.0.stop();
    }
}

// === impl Follower ===

impl Follower {
    pub(crate) fn new(applied: Receiver<Applied>, following: impl Any) -> Self {
        Self {
            applied,
            _following: Box::new(following),
        }
    }

    /// When a round's values came to hold; nothing if they have not after so long.
    pub(crate) fn applied(&self, round: u32, patience: Duration) -> Option<SystemTime> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (seen, at) = self.applied.recv_timeout(left).ok()?;
            if seen == round {
                return Some(at);
            }
        }
    }

    /// Waits until it has told nothing for so long.
    pub(crate) fn rest(&self, quiet: Duration) {
        while self.applied.recv_timeout(quiet).is_ok() {}
    }
}

/// Tells of values that hold since just now.
pub(crate) fn tell_now(tell: &Sender<Applied>, first: &str) {
    let at = SystemTime::now();
    _ = tell.send((round_of(first), at));
}
