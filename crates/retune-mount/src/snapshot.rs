use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::content::Content;
use crate::keys::Keys;

/// What was found at a path: its keys and their bytes, all of one moment.
///
/// `Debug` shows the names of the keys, and nothing of what is in them.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub(crate) kind: Kind,
    pub(crate) keys: Keys,
    pub(crate) published: Option<SystemTime>,
    pub(crate) data_dir: Option<OsString>,
    pub(crate) in_memory: bool,
}

/// What a path turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A directory with a `..data` link, as the kubelet writes it.
    Volume,
    /// Any other directory.
    Directory,
    /// A single file, which may be one key of a volume.
    File,
}

/// How long after `from` (on the wall clock) `to` was; `None` when the clock
/// says that it was before, that is, when one of the stamps cannot be believed.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// let now = SystemTime::now();
/// let hour = Duration::from_secs(3600);
/// assert_eq!(retune_mount::lag(now - hour, now), Some(hour));
/// assert_eq!(retune_mount::lag(now + hour, now), None);
/// ```
pub fn lag(from: SystemTime, to: SystemTime) -> Option<Duration> {
    to.duration_since(from).ok()
}

// === impl Snapshot ===

impl Snapshot {
    /// What the path is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// All keys with what is in them, in order. A nested key is the path `a/b`; a
    /// single file has one key, its own name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Path, &Content)> {
        self.keys.iter().map(|(path, key)| (path, &key.content))
    }

    /// What is in one key.
    pub fn get(&self, key: impl AsRef<Path>) -> Option<&Content> {
        self.keys.get(key.as_ref()).map(|key| &key.content)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.len() == 0
    }

    /// What is in a single file; `None` for a volume or a directory.
    pub fn file(&self) -> Option<&Content> {
        match self.kind {
            Kind::File => self.keys.iter().next().map(|(_, key)| &key.content),
            Kind::Volume | Kind::Directory => None,
        }
    }

    /// When the kubelet published this content: the change time of the volume's
    /// `..data` link, accurate to a kernel tick (some milliseconds). `None` for
    /// content that is in no volume.
    pub fn published(&self) -> Option<SystemTime> {
        self.published
    }

    /// The name that `..data` led to, which is another one for each publish.
    pub fn data_dir(&self) -> Option<&OsStr> {
        self.data_dir.as_deref()
    }

    /// Whether it is, or lies in, a volume that the kubelet keeps in memory (a tmpfs), as it does those of
    /// Secrets, projected volumes and the downward API. A single file that is mounted from such a volume
    /// (`subPath`), and a directory with one in it, counts as well. Where it cannot be told, it is `true`;
    /// off Linux there are no such volumes.
    pub fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    /// Keys whose files everybody on the machine may read, with their modes (such as `0o644`).
    pub fn world_readable(&self) -> impl Iterator<Item = (&Path, u32)> {
        let keys = self.keys.iter();
        keys.filter_map(|(path, key)| Some((path, key.open?)))
    }

    /// Whether both hold the same keys with the same bytes, no matter when they
    /// were published.
    pub fn same_content(&self, other: &Self) -> bool {
        self.kind == other.kind && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(|(path, _)| path).collect();
        f.debug_struct("Snapshot")
            .field("kind", &self.kind)
            .field("keys", &names)
            .field("published", &self.published)
            .field("data_dir", &self.data_dir)
            .field("in_memory", &self.in_memory)
            .finish()
    }
}
