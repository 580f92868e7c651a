use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::dir::{DATA, Dir, PASS};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::stamp::{FileId, Stamp};
use crate::sys;

/// One reload's view of all volumes.
///
/// The first path that resolves through a volume's `..data` pins it; every
/// later path through the same volume is read below the same pin, so that two
/// files of one volume are never of two generations. Make new `Pins` for each
/// reload, and ask [`still_current`](Self::still_current) after the last read.
#[derive(Debug)]
pub struct Pins {
    pub(crate) limits: Limits,
    /// Paths below it take it for `/`.
    pub(crate) root: Option<PathBuf>,
    pinned: Vec<Pin>,
    plain: Vec<Plain>,
    links: Links,
}

/// Links outside any pin, each with what it was when the first path passed it: one that is swapped,
/// as git-sync does, leads all paths to the same place. And names that were not there: what appears
/// does so for all paths, or for none.
#[derive(Debug, Default)]
struct Links {
    in_directory: HashMap<FileId, HashMap<OsString, Link>>,
    count: usize,
}

#[derive(Debug)]
struct Link {
    dir: Arc<Dir>,
    /// `None` where there was nothing.
    target: Option<Vec<u8>>,
    /// How many there were before it.
    index: usize,
}

/// How much a view held at one time.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) pinned: usize,
    plain: usize,
    links: usize,
}

/// One volume at one `..data`.
#[derive(Clone, Debug)]
pub(crate) struct Pin {
    volume: Arc<Dir>,
    pub(crate) target: OsString,
    pub(crate) published: Option<SystemTime>,
    pub(crate) data: Arc<Dir>,
    /// It is a tmpfs, as the kubelet makes it for a Secret.
    pub(crate) in_memory: bool,
}

/// What a directory's `..data` is.
enum Looked {
    Volume(Pin),
    Nothing,
    NoVolume,
}

/// A file that was read outside any pin.
#[derive(Debug)]
struct Plain {
    dir: Arc<Dir>,
    name: OsString,
    stamp: Stamp,
}

// === impl Pins ===

impl Pins {
    /// An empty view; `limits` hold for each path that is read through it.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            root: None,
            pinned: Vec::new(),
            plain: Vec::new(),
            links: Links::default(),
        }
    }

    /// Takes a directory for the root of a file system of its own, such as a container's that is
    /// mounted here: in a path that leads into it, absolute links start at it, and `..` ends
    /// there. A relative one is made absolute now.
    ///
    /// ```
    /// use retune_mount::{Content, Limits, Pins};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let root = dir.path();
    /// std::fs::create_dir(root.join("run"))?;
    /// std::fs::write(root.join("run/token"), "t")?;
    /// std::os::unix::fs::symlink("/run/token", root.join("token"))?;
    /// let mut pins = Pins::new(Limits::default()).rooted(root);
    /// assert_eq!(pins.read(root.join("token"))?.file().and_then(Content::as_str), Some("t"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rooted(mut self, root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        self.root = Some(std::path::absolute(&root).unwrap_or(root));
        self
    }

    /// Whether all that was read through this view is still what is there:
    /// every `..data` and every other link on the way is read again, what was not there is looked for
    /// again, and every plain file looked at again.
    pub fn still_current(&self) -> bool {
        self.pinned.iter().all(Pin::still_current)
            && self.plain.iter().all(Plain::still_current)
            && self.links.still_current(0)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            pinned: self.pinned.len(),
            plain: self.plain.len(),
            links: self.links.count,
        }
    }

    /// Forgets what was added since the mark, so that it is pinned anew.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.pinned.truncate(mark.pinned);
        self.plain.truncate(mark.plain);
        self.links.truncate(mark.links);
    }

    /// Whether the links that were added since the mark still lead where they did.
    pub(crate) fn leads_on(&self, mark: Mark) -> bool {
        self.links.still_current(mark.links)
    }

    /// Where a link leads in this view, or that there is none, if a path passed it already.
    pub(crate) fn link(&self, dir: &Dir, name: &OsStr) -> Option<Option<&[u8]>> {
        let link = self.links.in_directory.get(&dir.id)?.get(name)?;
        Some(link.target.as_deref())
    }

    pub(crate) fn add_link(&mut self, dir: &Arc<Dir>, name: &OsStr, target: Option<&[u8]>) {
        self.links.add(dir, name, target);
    }

    /// Pins a directory's `..data`, unless that was done; `None` when it has no such link, or one
    /// that leads to no directory in it: that is a link like any other.
    pub(crate) fn pin(&mut self, volume: &Arc<Dir>) -> Result<Option<usize>, Error> {
        if let Some(known) = self
            .pinned
            .iter()
            .position(|pin| pin.volume.id == volume.id)
        {
            return Ok(Some(known));
        }
        let data = OsStr::new(DATA);
        if self.link(volume, data).is_some() {
            return Ok(None);
        }
        let index = self.pinned.len();
        match Pin::look(volume, index)? {
            Looked::Volume(pin) => self.pinned.push(pin),
            Looked::Nothing => {
                self.add_link(volume, data, None);
                return Ok(None);
            }
            Looked::NoVolume => return Ok(None),
        }
        Ok(Some(index))
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Pin> {
        self.pinned.get(index)
    }

    /// The pin that a directory lies below.
    pub(crate) fn of(&self, dir: &Dir) -> Option<&Pin> {
        dir.below.and_then(|(index, _)| self.get(index))
    }

    pub(crate) fn add_plain(&mut self, dir: &Arc<Dir>, name: &OsStr, stamp: Stamp) {
        let (dir, name) = (Arc::clone(dir), name.to_owned());
        self.plain.push(Plain { dir, name, stamp });
    }
}

// === impl Pin ===

impl Pin {
    fn look(volume: &Arc<Dir>, index: usize) -> Result<Looked, Error> {
        let data = OsStr::new(DATA);
        let mut last = None;
        // The target can be gone before it is opened, when the volume is swapped just then.
        for _ in 0..64 {
            let target = match sys::readlinkat(&volume.fd, data) {
                Ok(target) => OsString::from_vec(target),
                Err(Errno::NOENT) => return Ok(Looked::Nothing),
                Err(Errno::INVAL) => return Ok(Looked::NoVolume),
                Err(errno) => return Err(volume.error("read", data, errno)),
            };
            let mut components = Path::new(&target).components();
            if !matches!(
                (components.next(), components.next()),
                (Some(Component::Normal(_)), None)
            ) {
                return Ok(Looked::NoVolume);
            }
            let published = match volume.stat(data) {
                Ok(meta) => meta.stamp.changed(),
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(volume.error("look at", data, errno)),
            };
            match volume.open(&target, PASS | OFlags::DIRECTORY) {
                Ok(fd) => {
                    let in_memory = crate::platform::is_in_memory(&fd);
                    let data = Dir::from_fd(fd, volume.path.clone(), Some((index, 0)))?;
                    return Ok(Looked::Volume(Self {
                        volume: Arc::clone(volume),
                        target,
                        published,
                        data: Arc::new(data),
                        in_memory,
                    }));
                }
                Err(Errno::NOTDIR | Errno::LOOP) => return Ok(Looked::NoVolume),
                Err(Errno::NOENT) if last.as_ref() != Some(&target) => last = Some(target),
                Err(Errno::NOENT) => {
                    let message = format!(
                        "its `..data` leads to {}, which is not there; \
                         the volume is broken, write it anew",
                        target.display()
                    );
                    return Err(Error::new(ErrorKind::LostData, &volume.path, message));
                }
                Err(errno) => return Err(volume.error("open", &target, errno)),
            }
        }
        Err(moved(&volume.path))
    }

    pub(crate) fn still_current(&self) -> bool {
        sys::readlinkat(&self.volume.fd, OsStr::new(DATA))
            .is_ok_and(|target| target == self.target.as_bytes())
    }
}

// === impl Links ===

impl Links {
    fn add(&mut self, dir: &Arc<Dir>, name: &OsStr, target: Option<&[u8]>) {
        let link = Link {
            dir: Arc::clone(dir),
            target: target.map(<[u8]>::to_vec),
            index: self.count,
        };
        let links = self.in_directory.entry(dir.id).or_default();
        links.insert(name.to_owned(), link);
        self.count += 1;
    }

    fn truncate(&mut self, count: usize) {
        self.count = count;
        self.in_directory.retain(|_, links| {
            links.retain(|_, link| link.index < count);
            !links.is_empty()
        });
    }

    fn still_current(&self, from: usize) -> bool {
        let mut links = self.in_directory.values().flatten();
        self.count == from
            || links.all(|(name, link)| link.index < from || link.still_current(name))
    }
}

// === impl Link ===

impl Link {
    fn still_current(&self, name: &OsStr) -> bool {
        match sys::readlinkat(&self.dir.fd, name) {
            Ok(target) => self.target.as_ref() == Some(&target),
            Err(errno) => self.target.is_none() && errno == Errno::NOENT,
        }
    }
}

// === impl Plain ===

impl Plain {
    fn still_current(&self) -> bool {
        self.dir
            .stat(&self.name)
            .is_ok_and(|meta| meta.stamp == self.stamp)
    }
}

pub(crate) fn moved(path: &Path) -> Error {
    let message = "it was swapped while it was being read; read it again with new pins";
    Error::new(ErrorKind::Moved, path, message)
}
