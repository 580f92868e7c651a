//! Reading what a path leads to, as one consistent snapshot.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use crate::dir::{DATA, Dir, Entry};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::pins::{Pins, moved};
use crate::snapshot::{Kind, Snapshot};
use crate::stamp::{Meta, Stamp};
use crate::walk::{Fence, Found, Names, Observer, Walk, is_internal};

/// How long a volume that is swapped again and again is tried.
const PATIENCE: Duration = Duration::from_secs(2);

/// Directories within each other below one path.
const MAX_DEPTH: usize = 32;

/// One successful read.
pub(crate) struct Outcome {
    pub(crate) snapshot: Snapshot,
    /// What settling goes by; `None` for content below a pin, which never changes.
    pub(crate) plain: Option<PlainState>,
    /// The single file is a mount of its own.
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

/// Collects keys and watches the limits.
struct Collector {
    limits: Limits,
    bytes: u64,
    keys: BTreeMap<PathBuf, Box<[u8]>>,
    directories: usize,
    hash: DefaultHasher,
    newest: Option<SystemTime>,
    unstable: bool,
}

/// One directory of those that are listed.
struct Level<'a> {
    /// The directory that keys are counted from.
    root: &'a Arc<Dir>,
    dir: &'a Arc<Dir>,
    prefix: &'a Path,
    depth: usize,
    /// How far a link found here may lead, seen from the root.
    fence: Fence,
}

/// Reads a path once, without watching it.
///
/// # Errors
///
/// Whatever [`Watch::read`](crate::Watch::read) refuses. A volume that is
/// swapped meanwhile is read again.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("message"), "hello")?;
/// let found = retune_mount::read_once(dir.path(), retune_mount::Limits::default())?;
/// assert_eq!(found.get("message"), Some(&b"hello"[..]));
/// # Ok(())
/// # }
/// ```
pub fn read_once(path: impl AsRef<Path>, limits: Limits) -> Result<Snapshot, Error> {
    Pins::new(limits).read(path)
}

impl Pins {
    /// Reads a path once below these pins, without watching it.
    ///
    /// # Errors
    ///
    /// Whatever [`Watch::read`](crate::Watch::read) refuses.
    pub fn read(&mut self, path: impl AsRef<Path>) -> Result<Snapshot, Error> {
        let path = path.as_ref();
        let path = std::path::absolute(path).map_err(|error| {
            let message = format!("has no absolute form: {error}");
            Error::new(ErrorKind::Io, path, message)
        })?;
        read(&path, self, &mut (), false).map(|outcome| outcome.snapshot)
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
        let swapped = passed.iter().any(gone);
        let tear = result.as_ref().is_err_and(Error::is_moved);
        if !swapped && !tear {
            return result;
        }
        let others_hold = passed.iter().any(|index| *index < mark.0 && gone(index));
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
            let mount = collector.file(walk, &dir, &name, key)?;
            let pin = dir.below.and_then(|(index, _)| walk.pins.get(index));
            let volume = pin.map(|pin| (pin.published, pin.target.clone()));
            Ok(collector.finish(Kind::File, volume, mount))
        }
        Found::Dir(dir) if dir.below.is_some() => {
            collector.list(walk, &Level::top(&dir, Fence::AtStart))?;
            let pin = dir.below.and_then(|(index, _)| walk.pins.get(index));
            let volume = pin.map(|pin| (pin.published, pin.target.clone()));
            Ok(collector.finish(Kind::Volume, volume, false))
        }
        Found::Dir(dir) => {
            walk.observer.passing(&dir, Names::One(OsStr::new(DATA)));
            if let Some(data) = walk.pin(&dir)? {
                collector.list(walk, &Level::top(&data, Fence::AtStart))?;
                let pin = data.below.and_then(|(index, _)| walk.pins.get(index));
                let volume = pin.map(|pin| (pin.published, pin.target.clone()));
                return Ok(collector.finish(Kind::Volume, volume, false));
            }
            walk.observer.passing(&dir, Names::All);
            collector.list(walk, &Level::top(&dir, at_start))?;
            if collector.keys.is_empty() && dir.links == 0 {
                return Err(Error::orphaned(path));
            }
            Ok(collector.finish(Kind::Directory, None, false))
        }
    }
}

// === impl Level ===

impl<'a> Level<'a> {
    fn top(dir: &'a Arc<Dir>, fence: Fence) -> Self {
        Self {
            root: dir,
            dir,
            prefix: Path::new(""),
            depth: 0,
            fence,
        }
    }

    fn below<'b>(&'b self, dir: &'b Arc<Dir>, prefix: &'b Path) -> Level<'b> {
        Level {
            root: self.root,
            dir,
            prefix,
            depth: self.depth + 1,
            fence: self.fence,
        }
    }
}

// === impl Collector ===

impl Collector {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            bytes: 0,
            keys: BTreeMap::new(),
            directories: 0,
            hash: DefaultHasher::new(),
            newest: None,
            unstable: false,
        }
    }

    /// Reads all regular files of a directory, and of those in it.
    fn list(&mut self, walk: &mut Walk<'_>, level: &Level<'_>) -> Result<(), Error> {
        let dir = level.dir;
        let here = OsStr::new(".");
        let list_error = |errno| dir.error("list", here, errno);
        let listing = dir.open(here, OFlags::RDONLY | OFlags::DIRECTORY);
        let listing = listing.and_then(rustix::fs::Dir::new);
        for entry in listing.map_err(list_error)? {
            let entry = entry.map_err(list_error)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            // What `mkfs` leaves in the root of a file system is for root alone, and no key.
            let of_mkfs = level.depth == 0 && name == "lost+found";
            if name == "." || is_internal(name) || of_mkfs {
                continue;
            }
            match self.entry(walk, level, name, entry.file_type()) {
                // What is gone since the listing, and a link that leads nowhere, is absent.
                Err(error) if error.is_missing() => {}
                result => result?,
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        walk: &mut Walk<'_>,
        level: &Level<'_>,
        name: &OsStr,
        file_type: FileType,
    ) -> Result<(), Error> {
        let dir = level.dir;
        let key = level.prefix.join(name);
        let file_type = match file_type {
            FileType::Unknown => {
                let meta = dir
                    .stat(name)
                    .map_err(|errno| dir.error("look at", name, errno))?;
                meta.file_type
            }
            known => known,
        };
        match file_type {
            FileType::RegularFile => self.file(walk, dir, name, key).map(drop),
            FileType::Directory if level.depth >= MAX_DEPTH => {
                let message = format!("lies more than {MAX_DEPTH} directories deep");
                Err(Error::new(
                    ErrorKind::TooLarge,
                    &dir.path.join(name),
                    message,
                ))
            }
            FileType::Directory => match dir.entry(name)? {
                Entry::Dir(next) => {
                    self.directories += 1;
                    self.check_count(&next.path)?;
                    if next.below.is_none() {
                        walk.observer.passing(&next, Names::All);
                    }
                    self.list(walk, &level.below(&Arc::new(next), &key))
                }
                Entry::Link(_) | Entry::Other => Err(moved(&dir.path.join(name))),
            },
            FileType::Symlink => match walk.resolve(Some(level.root), &key, level.fence)? {
                Found::Other(dir, name) => self.file(walk, &dir, &name, key).map(drop),
                Found::Dir(_) => Ok(()),
            },
            other => Err(not_regular(&dir.path.join(name), other)),
        }
    }

    /// Reads one file; tells whether it is the root of a mount of its own.
    fn file(
        &mut self,
        walk: &mut Walk<'_>,
        dir: &Arc<Dir>,
        name: &OsStr,
        key: PathBuf,
    ) -> Result<bool, Error> {
        let path = || dir.path.join(name);
        let plain = dir.below.is_none();
        self.check_count(&dir.path)?;
        // A device can act on being opened: what is no regular file is told by its type alone,
        // and what becomes a FIFO just now does not block.
        if plain {
            let meta = dir
                .stat(name)
                .map_err(|errno| dir.error("look at", name, errno))?;
            check_regular(&path(), &meta)?;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = dir.open(name, flags).map_err(|errno| match errno {
            Errno::NXIO | Errno::NODEV => not_regular(&path(), FileType::Socket),
            // It became a link between the listing and now.
            Errno::LOOP => moved(&path()),
            errno => dir.error("open", name, errno),
        })?;
        let look = |fd: &std::fs::File| {
            let stat = rustix::fs::fstat(fd);
            stat.map(Meta::from)
                .map_err(|errno| dir.error("look at", name, errno))
        };
        let mut file = std::fs::File::from(fd);
        let meta = look(&file)?;
        check_regular(&path(), &meta)?;
        let bytes = self.content(&mut file, meta.stamp.size, &path())?;
        let mut mount = false;
        if plain {
            let after = look(&file)?;
            self.unstable |= after.stamp != meta.stamp;
            self.note(&key, &after.stamp);
            walk.pins.add_plain(dir, name, after.stamp);
            mount = crate::platform::is_mount_root(&file);
        }
        self.keys.insert(key, bytes);
        #[cfg(test)]
        tests::after_key();
        Ok(mount)
    }

    /// Reads all bytes into a buffer of exactly their size.
    fn content(
        &mut self,
        file: &mut std::fs::File,
        size: u64,
        path: &Path,
    ) -> Result<Box<[u8]>, Error> {
        self.check_size(size, path)?;
        let failed = |error| Error::io("read", path, error);
        // Within the limit, so it fits into memory and into a usize.
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest).map_err(failed)? {
                0 => break,
                n => filled += n,
            }
        }
        bytes.truncate(filled);
        // It may have grown since, or (in /proc) never have told its size.
        let mut more = [0; 4096];
        loop {
            let n = file.read(&mut more).map_err(failed)?;
            if n == 0 {
                break;
            }
            bytes.extend(more.iter().take(n));
            self.check_size(bytes.len() as u64, path)?;
        }
        self.bytes += bytes.len() as u64;
        Ok(bytes.into_boxed_slice())
    }

    /// Counts directories as well, so that a deep tree without a key ends somewhere.
    fn check_count(&self, path: &Path) -> Result<(), Error> {
        let limit = self.limits.keys;
        if self.keys.len() + self.directories < limit {
            return Ok(());
        }
        let message = format!("more than {limit} keys (the limit); raise it if so many are meant");
        Err(Error::new(ErrorKind::TooLarge, path, message))
    }

    fn check_size(&self, size: u64, path: &Path) -> Result<(), Error> {
        let Limits {
            key_bytes,
            volume_bytes,
            ..
        } = self.limits;
        let message = if size > key_bytes {
            format!("{size} bytes; the limit for one key is {key_bytes}")
        } else if self.bytes.saturating_add(size) > volume_bytes {
            format!("with this key the path has more than {volume_bytes} bytes (the limit)")
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::TooLarge, path, message))
    }

    fn note(&mut self, key: &Path, stamp: &Stamp) {
        (key, stamp).hash(&mut self.hash);
        self.newest = self.newest.max(stamp.newest());
    }

    fn finish(
        self,
        kind: Kind,
        volume: Option<(Option<SystemTime>, OsString)>,
        mount: bool,
    ) -> Outcome {
        let (published, data_dir) = volume.unzip();
        let plain = data_dir.is_none().then(|| PlainState {
            hash: self.hash.finish(),
            newest: self.newest,
            unstable: self.unstable,
        });
        let snapshot = Snapshot {
            kind,
            keys: self.keys,
            published: published.flatten(),
            data_dir,
        };
        Outcome {
            snapshot,
            plain,
            mount,
        }
    }
}

fn check_regular(path: &Path, meta: &Meta) -> Result<(), Error> {
    match meta.file_type {
        FileType::RegularFile => Ok(()),
        // Replaced by a link or a directory between two calls: look again.
        FileType::Symlink | FileType::Directory => Err(moved(path)),
        other => Err(not_regular(path, other)),
    }
}

fn not_regular(path: &Path, file_type: FileType) -> Error {
    let what = match file_type {
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        _ => "no regular file",
    };
    let message = format!("is {what}; only regular files are read, put one there");
    Error::new(ErrorKind::NotRegular, path, message)
}

#[cfg(test)]
mod tests;
