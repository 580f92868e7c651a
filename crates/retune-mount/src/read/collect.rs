//! Collecting keys: what is listed, what is opened, and when it is too much.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::{Outcome, PlainState};
use crate::content::Content;
use crate::dir::{Dir, Entry};
use crate::error::{Error, ErrorKind};
use crate::keys::{Key, Keys};
use crate::limits::Limits;
use crate::pins::{Pin, moved};
use crate::snapshot::{Kind, Snapshot};
use crate::stamp::{Meta, Stamp};
use crate::sys;
use crate::walk::{Fence, Found, Names, Walk, is_internal};

/// Directories within each other below one path.
const MAX_DEPTH: usize = 32;

/// The least buffer for a file that is longer than it told.
const LEAST_WIDER: usize = 4096;

/// Collects keys and watches the limits.
pub(super) struct Collector {
    limits: Limits,
    bytes: u64,
    /// In the order of the listing; sorted once, at the end.
    pub(super) keys: Vec<(PathBuf, Key)>,
    directories: usize,
    hash: DefaultHasher,
    newest: Option<SystemTime>,
    unstable: bool,
    /// A file is a mount of its own.
    mount: bool,
    /// A file lies in a volume in memory.
    in_memory: bool,
}

/// One directory of those that are listed.
pub(super) struct Level<'a> {
    /// The directory that keys are counted from.
    root: &'a Arc<Dir>,
    dir: &'a Arc<Dir>,
    prefix: &'a Path,
    depth: usize,
    /// How far a link found here may lead, seen from the root.
    fence: Fence,
}

// === impl Level ===

impl<'a> Level<'a> {
    pub(super) fn top(dir: &'a Arc<Dir>, fence: Fence) -> Self {
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
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            bytes: 0,
            keys: Vec::new(),
            directories: 0,
            hash: DefaultHasher::new(),
            newest: None,
            unstable: false,
            mount: false,
            in_memory: false,
        }
    }

    /// Reads all regular files of a directory, and of those in it.
    pub(super) fn list(&mut self, walk: &mut Walk<'_>, level: &Level<'_>) -> Result<(), Error> {
        let dir = level.dir;
        let here = OsStr::new(".");
        let list_error = |errno| dir.error("list", here, errno);
        let listing = dir.open(here, OFlags::RDONLY | OFlags::DIRECTORY);
        let listing = listing.and_then(rustix::fs::Dir::new);
        let mut listing = listing.map_err(list_error)?;
        while let Some(entry) = sys::next_entry(&mut listing) {
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
            FileType::RegularFile => self.file(walk, dir, name, key),
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
                    self.check_count(self.directories, "directories", &next.path)?;
                    self.directories += 1;
                    if next.below.is_none() {
                        walk.observer.passing(&next, Names::All);
                    }
                    self.list(walk, &level.below(&Arc::new(next), &key))
                }
                Entry::Link(_) | Entry::Other => Err(moved(&dir.path.join(name))),
            },
            FileType::Symlink => match walk.resolve(Some(level.root), &key, level.fence)? {
                Found::Other(dir, name) => self.file(walk, &dir, &name, key),
                Found::Dir(_) => Ok(()),
            },
            other => Err(not_regular(&dir.path.join(name), other)),
        }
    }

    /// Reads one file.
    pub(super) fn file(
        &mut self,
        walk: &mut Walk<'_>,
        dir: &Arc<Dir>,
        name: &OsStr,
        key: PathBuf,
    ) -> Result<(), Error> {
        let path = || dir.path.join(name);
        let plain = dir.below.is_none();
        self.check_count(self.keys.len(), "keys", &dir.path)?;
        // A device can act on being opened: what is no regular file is told by its type alone,
        // and what becomes a FIFO just now does not block.
        if plain {
            let meta = dir
                .stat(name)
                .map_err(|errno| dir.error("look at", name, errno))?;
            check_regular(path, &meta)?;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = dir.open(name, flags).map_err(|errno| match errno {
            Errno::NXIO | Errno::NODEV => not_regular(&path(), FileType::Socket),
            // It became a link between the listing and now.
            Errno::LOOP => moved(&path()),
            errno => dir.error("open", name, errno),
        })?;
        let look = |fd: &std::fs::File| {
            let stat = sys::fstat(fd);
            stat.map(Meta::from)
                .map_err(|errno| dir.error("look at", name, errno))
        };
        let mut file = std::fs::File::from(fd);
        let meta = look(&file)?;
        check_regular(path, &meta)?;
        let content = self.content(&mut file, meta.stamp.size, path)?;
        if plain {
            let after = look(&file)?;
            self.unstable |= after.stamp != meta.stamp;
            self.note(&key, &after.stamp);
            walk.pins.add_plain(dir, name, after.stamp);
            let mount = crate::platform::is_mount_root(&file);
            self.mount |= mount;
            self.in_memory |= mount && crate::platform::is_in_memory(&file);
        } else {
            self.in_memory |= walk.pins.of(dir).is_some_and(|pin| pin.in_memory);
        }
        let open = (meta.mode & 0o004 != 0).then_some(meta.mode);
        self.keys.push((key, Key { content, open }));
        #[cfg(test)]
        super::tests::after_key();
        Ok(())
    }

    /// Reads all bytes into one buffer, which has room for one more, to see the end by. One read that
    /// gives just what was told has seen it. No copy of them stays: a file that grows meanwhile, or
    /// never told its size (in `/proc`), needs a wider buffer, and the one before it is wiped.
    pub(super) fn content(
        &mut self,
        file: &mut impl Read,
        size: u64,
        path: impl Fn() -> PathBuf,
    ) -> Result<Content, Error> {
        let path = &path;
        self.check_size(size, path)?;
        let mut read = |buffer: &mut [u8]| {
            sys::read(file, buffer).map_err(|error| Error::io("read", &path(), error))
        };
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let mut bytes = buffer(length.saturating_add(1), path)?;
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match read(rest)? {
                0 => break,
                n if filled == 0 && n == length => {
                    filled = n;
                    break;
                }
                n => filled += n,
            }
            if filled < bytes.len() {
                continue;
            }
            self.check_size(filled as u64, path)?;
            let mut wider = buffer(filled.saturating_mul(2).max(LEAST_WIDER), path)?;
            wider
                .iter_mut()
                .zip(&**bytes)
                .for_each(|(to, from)| *to = *from);
            bytes = wider;
        }
        self.check_size(filled as u64, path)?;
        bytes.truncate(filled);
        self.bytes += filled as u64;
        Ok(Content::new(std::mem::take(&mut *bytes)))
    }

    /// Whether there is room for one more key, or directory: a tree without a key ends somewhere, too.
    fn check_count(&self, count: usize, what: &str, path: &Path) -> Result<(), Error> {
        let limit = self.limits.keys;
        if count < limit {
            return Ok(());
        }
        let message =
            format!("more than {limit} {what} (the limit); raise it if so many are meant");
        Err(Error::new(ErrorKind::TooLarge, path, message))
    }

    fn check_size(&self, size: u64, path: impl Fn() -> PathBuf) -> Result<(), Error> {
        let Limits {
            key_bytes,
            volume_bytes,
            ..
        } = self.limits;
        let message = if size > key_bytes {
            format!("too large: the limit for one key is {key_bytes} bytes")
        } else if self.bytes.saturating_add(size) > volume_bytes {
            format!("with this key the path has more than {volume_bytes} bytes (the limit)")
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::TooLarge, &path(), message))
    }

    fn note(&mut self, key: &Path, stamp: &Stamp) {
        (key, stamp).hash(&mut self.hash);
        self.newest = self.newest.max(stamp.newest());
    }

    pub(super) fn finish(self, kind: Kind, pin: Option<&Pin>) -> Outcome {
        let plain = pin.is_none().then(|| PlainState {
            hash: self.hash.finish(),
            newest: self.newest,
            unstable: self.unstable,
        });
        let snapshot = Snapshot {
            kind,
            keys: Keys::new(self.keys),
            published: pin.and_then(|pin| pin.published),
            data_dir: pin.map(|pin| pin.target.clone()),
            in_memory: self.in_memory || pin.is_some_and(|pin| pin.in_memory),
        };
        Outcome {
            snapshot,
            plain,
            mount: self.mount,
        }
    }
}

/// A buffer of zeros, which is wiped if it is not used in the end.
fn buffer(size: usize, path: impl Fn() -> PathBuf) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| {
        let message = "there is no memory for it; lower the limit".to_owned();
        Error::new(ErrorKind::TooLarge, &path(), message)
    })?;
    bytes.resize(size, 0);
    Ok(Zeroizing::new(bytes))
}

fn check_regular(path: impl Fn() -> PathBuf, meta: &Meta) -> Result<(), Error> {
    match meta.file_type {
        FileType::RegularFile => Ok(()),
        // Replaced by a link or a directory between two calls: look again.
        FileType::Symlink | FileType::Directory => Err(moved(&path())),
        other => Err(not_regular(&path(), other)),
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
