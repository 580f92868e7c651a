//! A Secret, and kubelets that each bring it into one volume at moments of their own.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use retune_mount::Publisher;
use tempfile::TempDir;

type Keys = BTreeMap<PathBuf, Vec<u8>>;

/// What the API server has, and the nodes that follow.
pub(crate) struct Cluster {
    secret: Arc<Mutex<Keys>>,
    stopping: Arc<AtomicBool>,
    kubelets: Vec<JoinHandle<()>>,
    random: Random,
    dir: TempDir,
}

/// Numbers that come again with the same seed.
pub(crate) struct Random(u64);

// === impl Cluster ===

impl Cluster {
    pub(crate) fn new(random: Random) -> Self {
        Self {
            secret: Arc::default(),
            stopping: Arc::default(),
            kubelets: Vec::new(),
            random,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// Adds keys to the Secret, or replaces them.
    pub(crate) fn set(&self, name: &str, content: impl Into<Vec<u8>>) {
        self.edit(|secret| _ = secret.insert(name.into(), content.into()));
    }

    /// Changes the Secret by one write.
    pub(crate) fn edit(&self, edit: impl FnOnce(&mut Keys)) {
        edit(&mut self.secret.lock().unwrap());
    }

    /// A volume that is written now and then never again but by hand.
    pub(crate) fn volume(&self, name: &str) -> Volume {
        let volume = Volume {
            publisher: Publisher::create(self.dir.path().join(name)).unwrap(),
            secret: self.secret.clone(),
        };
        volume.sync();
        volume
    }

    /// A volume that is synced by itself, up to `period` after each sync.
    pub(crate) fn followed(&mut self, name: &str, period: Duration) -> PathBuf {
        let volume = self.volume(name);
        let path = volume.path().to_owned();
        let (stopping, mut random) = (self.stopping.clone(), self.random.fork());
        self.kubelets.push(thread::spawn(move || {
            let mut last = volume.secret.lock().unwrap().clone();
            while !stopping.load(Ordering::SeqCst) {
                // Else it would notice the end up to a period later.
                thread::sleep(random.below(period));
                let now = volume.secret.lock().unwrap().clone();
                if now != last {
                    volume.sync();
                    last = now;
                }
            }
        }));
        path
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        for kubelet in self.kubelets.drain(..) {
            _ = kubelet.join();
        }
    }
}

/// A Secret's volume.
pub(crate) struct Volume {
    publisher: Publisher,
    secret: Arc<Mutex<Keys>>,
}

// === impl Volume ===

impl Volume {
    pub(crate) fn path(&self) -> &Path {
        self.publisher.dir()
    }

    /// Brings the Secret into it.
    pub(crate) fn sync(&self) {
        let keys = self.secret.lock().unwrap().clone();
        self.publisher.publish(&keys).unwrap();
    }
}

// === impl Random ===

impl Random {
    /// By `JWT_SEED` if it is given; tells its seed, so that a run can be had again.
    #[expect(clippy::print_stdout, reason = "the test's own output")]
    pub(crate) fn new() -> Self {
        let given = std::env::var("JWT_SEED").ok();
        let seed = given.map_or_else(
            || RandomState::new().hash_one(()) % 1_000_000,
            |seed| seed.parse().expect("JWT_SEED is a number"),
        );
        println!("JWT_SEED={seed}");
        Self(seed)
    }

    fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// At least a twentieth of it, and less than the whole.
    fn below(&mut self, period: Duration) -> Duration {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        period.mul_f64(0.05 + 0.95 * part)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
