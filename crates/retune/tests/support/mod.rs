//! What the tests of this crate share: real volumes, notes, and waiting for conditions.
#![allow(dead_code, unreachable_pub, clippy::print_stderr)]

#[cfg(target_os = "linux")]
pub mod fuse;
#[cfg(target_os = "linux")]
pub mod kept;
pub mod log;
#[cfg(target_os = "linux")]
pub mod memory;
pub mod pending;
pub mod random;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use retune::source::Mount;
use retune::{Live, Problem, Snapshot, Subscription};
use retune_mount::{LinkOrder, Publisher};

/// Long enough for a loaded machine; only a failing test waits as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Both orders in which kubelets make the links.
pub const ORDERS: [LinkOrder; 2] = [LinkOrder::AfterRename, LinkOrder::BeforeRename];

/// Waits for a condition, and fails with what was waited for.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A volume as a kubelet writes it.
pub struct Volume {
    dir: PathBuf,
    publisher: Publisher,
}

impl Volume {
    pub fn new(dir: impl Into<PathBuf>, keys: &[(&str, &str)]) -> Self {
        Self::with_order(dir, LinkOrder::AfterRename, keys)
    }

    pub fn with_order(dir: impl Into<PathBuf>, order: LinkOrder, keys: &[(&str, &str)]) -> Self {
        let dir = dir.into();
        let publisher = Publisher::create(&dir).unwrap().link_order(order);
        let volume = Self { dir, publisher };
        volume.publish(keys);
        volume
    }

    pub fn publish(&self, keys: &[(&str, &str)]) {
        let keys = keys
            .iter()
            .map(|(key, value)| (PathBuf::from(key), value.as_bytes().to_vec()))
            .collect::<BTreeMap<_, _>>();
        self.publisher.publish(&keys).unwrap();
    }

    /// A swap to a data directory of any name, whatever its content; top-level links stay as they
    /// are.
    pub fn swap_by_hand(&self, name: &str, keys: &[(&str, &str)]) {
        let old = fs::read_link(self.key("..data")).unwrap();
        fs::create_dir(self.key(name)).unwrap();
        for (key, text) in keys {
            fs::write(self.key(name).join(key), text).unwrap();
        }
        symlink(name, self.key("..data_tmp")).unwrap();
        fs::rename(self.key("..data_tmp"), self.key("..data")).unwrap();
        fs::remove_dir_all(self.dir.join(old)).unwrap();
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// As a source that shows its values, also where temporary directories lie in memory.
    pub fn not_secret(&self) -> Mount {
        Mount::new(&self.dir).not_secret()
    }

    pub fn key(&self, key: &str) -> PathBuf {
        self.dir.join(key)
    }
}

/// Writes a file whole, by a rename.
pub fn replace(path: &Path, content: &str) {
    let temporary = path.with_extension("tmp~");
    fs::write(&temporary, content).unwrap();
    fs::rename(&temporary, path).unwrap();
}

/// What a subscriber was told, with the generations.
pub struct Notes<V> {
    told: Arc<Mutex<Vec<(u64, V)>>>,
    _subscription: Subscription,
}

impl<V: Clone + PartialEq + std::fmt::Debug + Send + 'static> Notes<V> {
    /// Subscribes, and waits until the first note, which tells what holds, has come.
    #[track_caller]
    pub fn of<T: Send + Sync + 'static>(
        live: &Live<T>,
        part: impl Fn(&T) -> V + Send + 'static,
    ) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = told.clone();
        let subscription = live.subscribe(move |change| {
            let new = change.new_value();
            let note = (Snapshot::generation(new), part(new));
            tell.lock().unwrap().push(note);
        });
        let notes = Self {
            told,
            _subscription: subscription,
        };
        eventually("the first note", || notes.all().len() == 1);
        notes
    }

    pub fn all(&self) -> Vec<(u64, V)> {
        self.told.lock().unwrap().clone()
    }

    /// What was told, without the generations.
    pub fn values(&self) -> Vec<V> {
        self.all().into_iter().map(|(_, value)| value).collect()
    }

    #[track_caller]
    pub fn until_last(&self, value: V) {
        eventually(&format!("a note of {value:?}"), || {
            self.values().last() == Some(&value)
        });
    }
}

/// Waits until an update is refused, and gives its problems as lines.
#[track_caller]
pub fn until_rejected<T: Send + Sync + 'static>(live: &Live<T>) -> Vec<String> {
    eventually("a rejection", || live.status().rejection.is_some());
    rejection(live)
}

/// The last rejection's problems as lines; none if all is well.
pub fn rejection<T: Send + Sync + 'static>(live: &Live<T>) -> Vec<String> {
    let rejection = live.status().rejection;
    lines(&rejection.map_or_else(Vec::new, |rejection| rejection.problems))
}

#[track_caller]
pub fn until_ok<T: Send + Sync + 'static>(live: &Live<T>) {
    eventually("a good observation", || live.status().rejection.is_none());
}

pub fn warnings<T: Send + Sync + 'static>(live: &Live<T>) -> Vec<String> {
    lines(&live.status().warnings)
}

pub fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

const CHILD: &str = "RETUNE_TEST_CHILD";

/// Whether this is the process of its own in which a test goes on.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs one test of this binary again, by a command that ends with the binary's path, and fails if
/// it does; what it wrote to standard error.
pub fn run_as_child(test: &str, command: &mut Command) -> String {
    let output = command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{errors}"
    );
    errors
}

/// Whether this is the process with its own mounts, in which the test goes on.
#[cfg(target_os = "linux")]
pub fn with_own_mounts(test: &str) -> bool {
    if is_child() {
        return true;
    }
    let wrapper: &[&str] = match rustix::process::geteuid().is_root() {
        true => &["-m", "--propagation", "private"],
        false => &["-Urm"],
    };
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(wrapper);
        command
    };
    let works = unshare().arg("true").output();
    if !works.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no mounts of one's own are to be had here");
        return false;
    }
    let own = std::env::current_exe().unwrap();
    let errors = run_as_child(test, unshare().arg(own));
    eprint!("{errors}");
    false
}
