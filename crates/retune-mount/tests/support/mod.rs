//! What the tests share: a volume written step by step, and a follower that
//! waits for conditions instead of sleeping.
#![allow(dead_code, unreachable_pub, clippy::print_stderr)]

use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retune_mount::{
    Error, Limits, LinkOrder, Pins, Publisher, Reading, Signal, Snapshot, Step, Watch,
};

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
    /// Whether the last read gave content.
    pub ok: bool,
}

impl Follower {
    /// As `events_only`, with a quiet window that no stall of the machine outlasts.
    pub fn patient(path: impl Into<PathBuf>) -> Self {
        let hour = Duration::from_secs(3600);
        Self::with(path, |watch| {
            watch
                .poll_every(hour, hour)
                .quiet(Duration::from_secs(3), hour)
        })
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
            ok: false,
        };
        follower.read();
        follower
    }

    pub fn read(&mut self) {
        self.reads += 1;
        loop {
            match self.watch.read(&mut Pins::new(Limits::default())) {
                Ok(Reading::Ready(now)) => {
                    self.ok = true;
                    if !self.seen.last().is_some_and(|last| last.same_content(&now)) {
                        self.seen.push(now);
                    }
                }
                Err(error) if error.is_moved() => continue,
                Err(error) => {
                    self.ok = false;
                    self.errors.push(error);
                }
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

/// Both orders in which kubelets make the links.
pub const ORDERS: [LinkOrder; 2] = [LinkOrder::AfterRename, LinkOrder::BeforeRename];

/// A volume in a directory of its own.
pub struct Volume {
    _tmp: tempfile::TempDir,
    pub dir: PathBuf,
    pub publisher: Publisher,
}

impl Volume {
    pub fn new<const N: usize>(keys: [(&str, &str); N]) -> Self {
        Self::ordered(LinkOrder::default(), keys)
    }

    pub fn ordered<const N: usize>(order: LinkOrder, keys: [(&str, &str); N]) -> Self {
        let tmp = tempfile::tempdir().expect("temporary directory");
        let dir = tmp.path().join("volume");
        let publisher = Publisher::create(&dir)
            .expect("directory made")
            .link_order(order);
        let volume = Self {
            _tmp: tmp,
            dir,
            publisher,
        };
        volume.publish(keys);
        volume
    }

    pub fn publish<const N: usize>(&self, keys: [(&str, &str); N]) {
        self.publisher.publish(keys).expect("published");
    }

    /// Publishes up to the first time that a step is done, and stops there.
    pub fn publish_until<const N: usize>(&self, keys: [(&str, &str); N], last: Step) {
        let mut stop_after = |step| match step == last {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let outcome = self.publisher.publish_stepwise(keys, &mut stop_after);
        assert_eq!(
            outcome.expect("no error up to there"),
            None,
            "never came to {last:?}"
        );
    }

    pub fn follow(&self) -> Follower {
        Follower::events_only(&self.dir)
    }

    pub fn path(&self, key: &str) -> PathBuf {
        self.dir.join(key)
    }

    /// A swap to a data directory of any name, whatever the content.
    pub fn swap_by_hand(&self, name: &str, keys: &[(&str, &str)]) {
        let old = std::fs::read_link(self.path("..data")).expect("a volume");
        std::fs::create_dir(self.path(name)).expect("data directory made");
        for (key, text) in keys {
            std::fs::write(self.path(name).join(key), text).expect("key written");
        }
        symlink(name, self.path("..data_tmp")).expect("link made");
        std::fs::rename(self.path("..data_tmp"), self.path("..data")).expect("swapped");
        std::fs::remove_dir_all(self.dir.join(old)).expect("old one removed");
    }
}

/// Runs one test of this binary again in a process of its own, by way of
/// `wrapper` (a command that executes its arguments); true in that process.
pub fn in_child(test: &str, wrapper: &[&str]) -> bool {
    in_child_as(test, wrapper, |_| {})
}

pub fn in_child_as(test: &str, wrapper: &[&str], prepare: impl FnOnce(&mut Command)) -> bool {
    if std::env::var_os("RETUNE_TEST_CHILD").is_some() {
        return true;
    }
    let own = std::env::current_exe().expect("own path");
    let mut command = match wrapper.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(&own);
            command
        }
        None => Command::new(&own),
    };
    command
        .args(["--exact", test, "--nocapture"])
        .env("RETUNE_TEST_CHILD", "1");
    prepare(&mut command);
    let output = command.output().expect("child started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{test} in a child: {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command that gives its arguments a mount namespace (and a user namespace,
/// where that is needed); `None`, with a message, where there are none.
pub fn own_mounts() -> Option<Vec<&'static str>> {
    let wrapper = match is_root() {
        true => vec!["unshare", "-m", "--propagation", "private"],
        false => vec!["unshare", "-Urm"],
    };
    works(&wrapper).then_some(wrapper)
}

/// A command that runs its arguments in a user namespace with a limit set.
pub fn with_sysctl(name: &str, value: u32) -> Option<Vec<String>> {
    let script = format!("echo {value} > /proc/sys/user/{name} && exec \"$0\" \"$@\"");
    let wrapper = vec!["unshare", "-Ur", "sh", "-c", &script];
    works(&wrapper).then(|| wrapper.into_iter().map(String::from).collect())
}

fn works(wrapper: &[&str]) -> bool {
    let outcome = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg("true")
        .output();
    let works = outcome.is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("skipped: {wrapper:?} does not work here");
    }
    works
}
