//! Resolving a path the way the kernel does, but seeing each directory passed.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use crate::dir::{DATA, Dir, Entry};
use crate::error::{Error, ErrorKind};
use crate::pins::Pins;

/// As many links as the kernel follows.
const MAX_LINKS: usize = 40;

/// Is told of each directory before a name is looked up in it, and before a file is read, so that it can
/// be watched first. Directories below a pin never change and are not told.
pub(crate) trait Observer {
    fn passing(&mut self, dir: &Dir, names: Names<'_>);
}

/// The names in a directory that matter to a path.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) enum Names<'a> {
    /// What it stands for.
    One(&'a OsStr),
    /// What it stands for, and what is written into that.
    File(&'a OsStr),
    /// The same of each.
    All,
}

/// A walk through the file system under one set of pins.
pub(crate) struct Walk<'a> {
    pub(crate) pins: &'a mut Pins,
    pub(crate) observer: &'a mut dyn Observer,
    /// The pins that this walk passed.
    pub(crate) passed: Vec<usize>,
    links: usize,
    /// What stands for `/` from where the path led into it.
    root: Option<Arc<Dir>>,
}

/// Where a walk ended.
pub(crate) enum Found {
    Dir(Arc<Dir>),
    /// Neither a directory nor a link.
    Other(Arc<Dir>, OsString),
}

/// How far a link may lead.
#[derive(Clone, Copy)]
pub(crate) enum Fence {
    /// Anywhere.
    None,
    /// Not out of the directory that holds the last component.
    AtLast,
    /// Not out of the directory that the walk starts in.
    AtStart,
}

// === impl Observer ===

impl Observer for () {
    fn passing(&mut self, _: &Dir, _: Names<'_>) {}
}

// === impl Names ===

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
impl<'a> Names<'a> {
    /// The one name, or `None` for all.
    pub(crate) fn name(self) -> Option<&'a OsStr> {
        match self {
            Self::One(name) | Self::File(name) => Some(name),
            Self::All => None,
        }
    }

    /// Whether it matters what is written.
    pub(crate) fn are_files(self) -> bool {
        !matches!(self, Self::One(_))
    }
}

// === impl Walk ===

impl<'a> Walk<'a> {
    pub(crate) fn new(pins: &'a mut Pins, observer: &'a mut dyn Observer) -> Self {
        Self {
            pins,
            observer,
            passed: Vec::new(),
            links: 0,
            root: None,
        }
    }

    /// Resolves a relative path from a directory, or an absolute one from the root.
    pub(crate) fn resolve(
        &mut self,
        start: Option<&Arc<Dir>>,
        path: &Path,
        fence: Fence,
    ) -> Result<Found, Error> {
        self.links = 0;
        let root = self.pins.root.clone().filter(|_| self.root.is_none());
        let Some((root, rest)) = root.and_then(|root| {
            let rest = path.strip_prefix(&root).ok()?.to_owned();
            Some((root, rest))
        }) else {
            return self.follow(start, path, fence);
        };
        match self.follow(None, &root, Fence::None)? {
            Found::Dir(dir) => {
                self.root = Some(Arc::clone(&dir));
                self.follow(Some(&dir), &rest, fence)
            }
            Found::Other(..) => Err(Error::new(
                ErrorKind::NotDirectory,
                &root,
                String::from("is no directory, and cannot stand for a root"),
            )),
        }
    }

    fn root(&self) -> Result<Arc<Dir>, Error> {
        match &self.root {
            Some(root) => Ok(Arc::clone(root)),
            None => Ok(Arc::new(Dir::root()?)),
        }
    }

    fn follow(
        &mut self,
        start: Option<&Arc<Dir>>,
        path: &Path,
        fence: Fence,
    ) -> Result<Found, Error> {
        let mut dir = match start {
            Some(start) => Arc::clone(start),
            None => self.root()?,
        };
        let mut todo = VecDeque::new();
        push_components(&mut todo, path);
        let mut own_left = todo.len();
        // How many directories below the fence we are; a step above it is refused.
        let mut depth = matches!(fence, Fence::AtStart).then_some(0_usize);
        while let Some(name) = todo.pop_front() {
            if own_left > todo.len() {
                own_left = todo.len();
                if own_left == 0 && matches!(fence, Fence::AtLast) {
                    depth = Some(0);
                }
            }
            if name == ".." {
                depth = match depth {
                    Some(0) => return Err(escapes(&dir.path.join(name), path)),
                    depth => depth.map(|depth| depth - 1),
                };
                if self.root.as_ref().is_none_or(|root| root.id != dir.id) {
                    dir = Arc::new(dir.parent()?);
                }
                continue;
            }
            if dir.below.is_none() {
                self.observer.passing(&dir, Names::One(&name));
            }
            let entry = match self.entry(&dir, &name) {
                Err(error) if error.is_missing() && dir.links == 0 => {
                    return Err(Error::orphaned(&dir.path.join(name)));
                }
                Err(error) if error.is_missing() && self.is_unlinked_key(&dir, &name)? => {
                    Entry::Link([DATA.as_bytes(), b"/", name.as_bytes()].concat())
                }
                entry => entry?,
            };
            match entry {
                Entry::Dir(next) => {
                    depth = depth.map(|depth| depth + 1);
                    dir = Arc::new(next);
                }
                Entry::Other if todo.is_empty() => {
                    if dir.below.is_none() {
                        self.observer.passing(&dir, Names::File(&name));
                    }
                    return Ok(Found::Other(dir, name));
                }
                Entry::Other => {
                    let message = format!("is no directory, but {} goes on", path.display());
                    let path = dir.path.join(&name);
                    return Err(Error::new(ErrorKind::NotDirectory, &path, message));
                }
                Entry::Link(target) => {
                    self.count_link(path)?;
                    let target = PathBuf::from(OsString::from_vec(target));
                    if name == DATA && dir.below.is_none() {
                        if let Some(data) = self.pin(&dir)? {
                            depth = depth.map(|depth| depth + 1);
                            dir = data;
                            continue;
                        }
                        // No volume's: a link like any other.
                        let target = target.as_os_str().as_bytes();
                        if self.pins.link(&dir, &name) != Some(Some(target)) {
                            self.pins.add_link(&dir, &name, Some(target));
                        }
                    }
                    if target.is_absolute() {
                        if depth.is_some() {
                            return Err(escapes(&dir.path.join(name), path));
                        }
                        dir = self.root()?;
                    }
                    push_components(&mut todo, &target);
                }
            }
        }
        Ok(Found::Dir(dir))
    }

    /// The content of the volume that `dir` is, or `None` when it is none.
    pub(crate) fn pin(&mut self, dir: &Arc<Dir>) -> Result<Option<Arc<Dir>>, Error> {
        let Some(index) = self.pins.pin(dir)? else {
            return Ok(None);
        };
        self.passed.push(index);
        Ok(self.pins.get(index).map(|pin| Arc::clone(&pin.data)))
    }

    /// Whether the volume holds this name, and only the link that users see is missing: the
    /// kubelet makes it after the swap.
    fn is_unlinked_key(&mut self, dir: &Arc<Dir>, name: &OsStr) -> Result<bool, Error> {
        if dir.below.is_some() || is_internal(name) {
            return Ok(false);
        }
        self.observer.passing(dir, Names::One(OsStr::new(DATA)));
        let data = self.pin(dir)?;
        Ok(data.is_some_and(|data| data.stat(name).is_ok()))
    }

    /// What a name is; outside any volume all paths find what the first found.
    fn entry(&mut self, dir: &Arc<Dir>, name: &OsStr) -> Result<Entry, Error> {
        match self.pins.link(dir, name) {
            Some(Some(target)) => return Ok(Entry::Link(target.to_vec())),
            Some(None) => return Err(dir.error("open", name, Errno::NOENT)),
            None => {}
        }
        let entry = dir.entry(name);
        if dir.below.is_none() && name != DATA {
            match &entry {
                Ok(Entry::Link(target)) => self.pins.add_link(dir, name, Some(target)),
                Err(error) if error.is_missing() => self.pins.add_link(dir, name, None),
                _ => {}
            }
        }
        entry
    }

    fn count_link(&mut self, path: &Path) -> Result<(), Error> {
        self.links += 1;
        if self.links <= MAX_LINKS {
            return Ok(());
        }
        let message = format!("more than {MAX_LINKS} links on the way; they seem to form a loop");
        Err(Error::new(ErrorKind::LinkLoop, path, message))
    }
}

/// Puts a path's components before what is still to be done.
fn push_components(todo: &mut VecDeque<OsString>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => todo.push_front(name.to_owned()),
            Component::ParentDir => todo.push_front(OsString::from("..")),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
}

fn escapes(link: &Path, path: &Path) -> Error {
    let message = format!(
        "this link leads out of the place that {} is confined to; \
         put a regular file there, or do not confine the path",
        path.display()
    );
    Error::new(ErrorKind::Escapes, link, message)
}

/// Whether a name belongs to the volume's own machinery and is never a key.
pub(crate) fn is_internal(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"..")
}
