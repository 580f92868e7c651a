//! Directories by descriptor: one component at a time, no link followed unseen.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::error::{Error, ErrorKind};
use crate::stamp::{FileId, Meta};
use crate::sys;

/// The link of a volume that leads to its current content.
pub(crate) const DATA: &str = "..data";

/// Enough to go through a directory; reading it is not needed (on Linux).
#[cfg(target_os = "linux")]
pub(crate) const PASS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
pub(crate) const PASS: OFlags = OFlags::RDONLY;

/// An open directory that a path goes through.
#[derive(Debug)]
pub(crate) struct Dir {
    pub(crate) fd: OwnedFd,
    pub(crate) id: FileId,
    /// Links to it; 0 means that it was removed while somebody holds it.
    pub(crate) links: u64,
    /// How people call it, for messages: a volume's data directory by the name of the volume, so
    /// that the same error reads the same after a swap.
    pub(crate) path: PathBuf,
    /// The pin that it lies below, and how many directories below.
    pub(crate) below: Option<(usize, usize)>,
}

/// What a name in a directory is.
pub(crate) enum Entry {
    Dir(Dir),
    Link(Vec<u8>),
    /// Neither directory nor link.
    Other,
}

// === impl Dir ===

impl Dir {
    pub(crate) fn root() -> Result<Self, Error> {
        let path = Path::new("/");
        let fd = sys::open(path, PASS | OFlags::DIRECTORY | OFlags::CLOEXEC)
            .map_err(|errno| Error::os("open", path, errno))?;
        Self::from_fd(fd, path.to_owned(), None)
    }

    pub(crate) fn from_fd(
        fd: OwnedFd,
        path: PathBuf,
        below: Option<(usize, usize)>,
    ) -> Result<Self, Error> {
        let stat = sys::fstat(&fd).map_err(|errno| Error::os("look at", &path, errno))?;
        let meta = Meta::from(stat);
        Ok(Self {
            fd,
            id: meta.stamp.id,
            links: meta.links,
            path,
            below,
        })
    }

    /// Looks at one name in this directory, following nothing.
    pub(crate) fn entry(&self, name: &OsStr) -> Result<Entry, Error> {
        // A name that changes between the two calls is looked at again.
        for _ in 0..16 {
            match self.open(name, PASS | OFlags::DIRECTORY) {
                Ok(fd) => {
                    let below = self.below.map(|(pin, depth)| (pin, depth + 1));
                    return Self::from_fd(fd, self.path.join(name), below).map(Entry::Dir);
                }
                Err(Errno::NOTDIR | Errno::LOOP) => {}
                Err(errno) => return Err(self.error("open", name, errno)),
            }
            match sys::readlinkat(&self.fd, name) {
                Ok(target) => return Ok(Entry::Link(target)),
                Err(Errno::INVAL) => return Ok(Entry::Other),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(self.error("read", name, errno)),
            }
        }
        Err(self.error("open", name, Errno::NOENT))
    }

    /// The directory above, as the file system has it.
    pub(crate) fn parent(&self) -> Result<Self, Error> {
        let fd = self
            .open(OsStr::new(".."), PASS | OFlags::DIRECTORY)
            .map_err(|errno| self.error("open", OsStr::new(".."), errno))?;
        let mut path = self.path.clone();
        // A data directory is called as its volume, which is what lies above it.
        if !matches!(self.below, Some((_, 0))) {
            path.pop();
        }
        let below = match self.below {
            Some((pin, depth)) if depth > 0 => Some((pin, depth - 1)),
            _ => None,
        };
        Self::from_fd(fd, path, below)
    }

    /// Opens a name without following a link or waiting for anybody.
    pub(crate) fn open(&self, name: &OsStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        sys::openat(&self.fd, name, flags)
    }

    pub(crate) fn stat(&self, name: &OsStr) -> Result<Meta, Errno> {
        sys::statat(&self.fd, name).map(Meta::from)
    }

    /// An error about a name in this directory. A refusal tells who was
    /// refused, and what the permissions are.
    pub(crate) fn error(&self, what: &str, name: &OsStr, errno: Errno) -> Error {
        let path = if name == "." {
            self.path.clone()
        } else {
            self.path.join(name)
        };
        if !matches!(errno, Errno::ACCESS | Errno::PERM) {
            return Error::os(what, &path, errno);
        }
        let uid = rustix::process::geteuid().as_raw();
        let permissions = match self.stat(name) {
            Ok(meta) => format!(
                "its mode is {:04o}, its owner {}:{}",
                meta.mode, meta.uid, meta.gid
            ),
            Err(_) => format!("no search permission on {}", self.path.display()),
        };
        let message = format!("uid {uid} may not {what} it ({errno}): {permissions}");
        Error::new(ErrorKind::Permission, &path, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_up_from_within_a_volume_ends_at_the_volume_and_then_above_it() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("data/a/b")).unwrap();
        let path = place.path().join("data");
        let fd = sys::open(&path, PASS | OFlags::DIRECTORY | OFlags::CLOEXEC).unwrap();
        let mut dir = Dir::from_fd(fd, "/volume".into(), Some((7, 0))).unwrap();
        for name in ["a", "b"] {
            let Entry::Dir(next) = dir.entry(OsStr::new(name)).unwrap() else {
                panic!("{name} is a directory");
            };
            dir = next;
        }
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push((dir.path.to_str().unwrap().to_owned(), dir.below));
            dir = dir.parent().unwrap();
        }
        let expected = [
            ("/volume/a/b", Some((7, 2))),
            ("/volume/a", Some((7, 1))),
            ("/volume", Some((7, 0))),
            // What holds the data directory: the volume.
            ("/volume", None),
        ];
        assert_eq!(seen, expected.map(|(path, below)| (path.to_owned(), below)));
        assert_eq!(dir.path, Path::new("/"));
    }
}
