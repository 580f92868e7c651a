//! What the tests share: a volume written step by step, and a follower that
//! waits for conditions instead of sleeping.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use retune_mount::{Error, Limits, Pins, Reading, Signal, Snapshot, Watch};

/// Long enough for a loaded machine; no test that passes waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A reader thread's loop, in the test's own thread.
pub struct Follower {
    pub signal: Signal,
    pub watch: Watch,
    /// Contents in the order in which they were seen, repetitions left out.
    pub seen: Vec<Arc<Snapshot>>,
    pub errors: Vec<Error>,
    pub reads: usize,
}

impl Follower {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with(path, |watch| watch)
    }

    /// A poll so slow that only events can make a test pass.
    pub fn events_only(path: impl Into<PathBuf>) -> Self {
        Self::with(path, |watch| {
            watch.poll_every(Duration::from_secs(3600), Duration::from_secs(3600))
        })
    }

    pub fn with(path: impl Into<PathBuf>, options: impl FnOnce(Watch) -> Watch) -> Self {
        let signal = Signal::new();
        let watch = options(Watch::new(path, &signal));
        let mut follower = Self {
            signal,
            watch,
            seen: Vec::new(),
            errors: Vec::new(),
            reads: 0,
        };
        follower.read();
        follower
    }

    pub fn read(&mut self) {
        self.reads += 1;
        loop {
            match self.watch.read(&mut Pins::new(Limits::default())) {
                Ok(Reading::Ready(now)) => {
                    if !self.seen.last().is_some_and(|last| last.same_content(&now)) {
                        self.seen.push(now);
                    }
                }
                Err(error) if error.is_moved() => continue,
                Err(error) => self.errors.push(error),
                Ok(_) => {}
            }
            return;
        }
    }

    pub fn last(&self) -> &Snapshot {
        self.seen.last().expect("something was read")
    }

    pub fn text(&self, key: &str) -> Option<String> {
        let bytes = self.seen.last()?.get(key)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Follows until the condition holds; fails when it does not for a long time.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(
                Instant::now() < deadline,
                "not within {PATIENCE:?}: {what}; last {:?}, errors {:?}, state {}",
                self.seen.last(),
                self.errors,
                self.watch.state()
            );
            let wake = self.signal.wait(Some(deadline));
            if wake.noticed.is_some() || wake.notified {
                self.read();
            }
        }
    }

    #[track_caller]
    pub fn until_text(&mut self, key: &str, text: &str) {
        self.until(&format!("{key} = {text}"), |this| {
            this.text(key).as_deref() == Some(text)
        });
    }
}

/// Writes a file whole, by a rename.
pub fn replace(path: &Path, content: &str) {
    let temporary = path.with_extension("new");
    std::fs::write(&temporary, content).expect("temporary file written");
    std::fs::rename(&temporary, path).expect("renamed");
}

/// Waits for a condition without a follower.
#[track_caller]
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
