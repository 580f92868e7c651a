//! Volumes as a kubelet makes them, on tmpfs, where Secrets lie.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::SystemTime;

use retune_mount::{Publisher, Step};

/// A folder on tmpfs, gone when dropped. A disk's waits are not in its times, and it is not below `/tmp`,
/// where every file of others is an event.
#[derive(Debug)]
pub struct Memory(tempfile::TempDir);

/// Publishes; returns the moment right before the rename of `..data`.
///
/// # Panics
///
/// When the volume cannot be written.
pub fn publish<K: AsRef<Path>, V: AsRef<[u8]>>(
    volume: &Publisher,
    keys: impl IntoIterator<Item = (K, V)>,
) -> SystemTime {
    let mut renamed = SystemTime::UNIX_EPOCH;
    volume
        .publish_stepwise(keys, &mut |step| {
            if matches!(step, Step::DataTmpLinked) {
                renamed = SystemTime::now();
            }
            ControlFlow::Continue(())
        })
        .expect("a volume in memory is writable");
    renamed
}

// === impl Memory ===

impl Memory {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// When there is no `/dev/shm`, or nothing can be made there.
    pub fn new() -> io::Result<Self> {
        tempfile::tempdir_in("/dev/shm").map(Self)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A new volume in it.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[must_use]
    pub fn volume(&self, name: &str) -> Publisher {
        Publisher::create(self.path().join(name)).expect("a folder in memory is writable")
    }
}
