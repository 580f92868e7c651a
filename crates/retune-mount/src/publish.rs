//! Writing a volume as the kubelet's AtomicWriter does.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{ErrorKind as Io, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::dir::DATA;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::read::read_once;
use names::{check_keys, first, is_timestamp, timestamp};

/// The link that is renamed to `..data`.
const DATA_TMP: &str = "..data_tmp";

/// Writes a volume exactly as the kubelet writes ConfigMaps and Secrets, so
/// that developing and testing need no cluster. Tests on a cluster compare the
/// two, event by event and link by link.
///
/// What it leaves out: a mode for single items, owners, and what `fsGroup` does
/// to both. The kubelet makes the directory itself with mode 0777 (1777 in a
/// tmpfs); here it is whoever makes it who chooses. A kubelet whose write fails
/// tears the volume down, and this one leaves it as it was.
///
/// A publish can be cut short at any moment: readers then see the old content
/// or the new one, and the next publish cleans up. There must be one publisher
/// at a time.
///
/// ```
/// use retune_mount::{Content, Limits, Publisher, read_once};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let tmp = tempfile::tempdir()?;
/// # let dir = tmp.path().join("greeter");
/// let publisher = Publisher::create(&dir)?;
/// assert!(publisher.publish([("log-level", "warn"), ("tls/ca.crt", "…")])?.changed);
/// assert!(!publisher.publish([("log-level", "warn"), ("tls/ca.crt", "…")])?.changed);
/// let found = read_once(&dir, Limits::default())?;
/// assert_eq!(found.get("log-level").and_then(Content::as_str), Some("warn"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Publisher {
    dir: PathBuf,
    order: LinkOrder,
    file_mode: u32,
}

/// When the links that users see (`key -> ..data/key`) are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkOrder {
    /// After `..data` was renamed: Kubernetes 1.23 and newer.
    #[default]
    AfterRename,
    /// Before it: older kubelets. A new key's link dangles for a moment.
    BeforeRename,
}

/// What a publish did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// Whether there was anything to change. Missing links are made again either way.
    pub changed: bool,
    /// The name of the directory that `..data` leads to now.
    pub data_dir: OsString,
}

/// The steps of a publish, in the order of [`LinkOrder::AfterRename`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Start,
    DirCreated,
    FileWritten,
    PayloadWritten,
    DataTmpLinked,
    Renamed,
    LinkCreated,
    LinkRemoved,
    OldRemoved,
}

type Payload<'a> = BTreeMap<&'a Path, &'a [u8]>;

/// Is told of each step that was done; may end the publish there.
type OnStep<'a> = &'a mut dyn FnMut(Step) -> ControlFlow<()>;

/// An error, or the wish of whoever watches the steps.
enum Stop {
    Error(Error),
    Asked,
}

// === impl Publisher ===

impl Publisher {
    /// Publishes into a directory that exists.
    ///
    /// # Errors
    ///
    /// The path is no directory.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        let meta = fs::metadata(&dir).map_err(|error| Error::io("open", &dir, error))?;
        if !meta.is_dir() {
            let message = "is no directory; a volume is one";
            return Err(Error::new(ErrorKind::NotDirectory, &dir, message));
        }
        Ok(Self {
            dir,
            order: LinkOrder::default(),
            file_mode: 0o644,
        })
    }

    /// Publishes into a directory, which is made if need be.
    ///
    /// # Errors
    ///
    /// The directory cannot be made.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(|error| Error::io("create", &dir, error))?;
        Self::open(dir)
    }

    /// Sets when the links that users see are made.
    #[must_use]
    pub fn link_order(mut self, order: LinkOrder) -> Self {
        self.order = order;
        self
    }

    /// Sets the permissions of new files, as a volume's `defaultMode` does
    /// (0644 by default). As with the kubelet, another mode alone is no change.
    #[must_use]
    pub fn file_mode(mut self, mode: u32) -> Self {
        self.file_mode = mode & 0o777;
        self
    }

    /// The volume's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes these keys the whole content of the volume, in one step for every
    /// reader. A key may be nested (`a/b`). Equal content is not written again.
    ///
    /// # Errors
    ///
    /// A key that is no relative path or has a component that starts with
    /// `..`, a foreign file where a link is to be, or an error of the
    /// operating system. Readers see the old content whole in each case, or, when only the links
    /// or the old directory made trouble, the new.
    pub fn publish<K, V>(&self, keys: impl IntoIterator<Item = (K, V)>) -> Result<Published, Error>
    where
        K: AsRef<Path>,
        V: AsRef<[u8]>,
    {
        let mut go_on = |_| ControlFlow::Continue(());
        let data_dir = OsString::new();
        let changed = false;
        let nothing = Published { changed, data_dir };
        Ok(self.publish_stepwise(keys, &mut go_on)?.unwrap_or(nothing))
    }

    /// As [`publish`](Self::publish), telling each step that was done. When the
    /// hook breaks off, everything is left as it is and the result is `None`.
    #[doc(hidden)]
    pub fn publish_stepwise<K, V>(
        &self,
        keys: impl IntoIterator<Item = (K, V)>,
        on_step: OnStep<'_>,
    ) -> Result<Option<Published>, Error>
    where
        K: AsRef<Path>,
        V: AsRef<[u8]>,
    {
        let owned: Vec<(K, V)> = keys.into_iter().collect();
        let payload = owned
            .iter()
            .map(|(key, bytes)| (key.as_ref(), bytes.as_ref()));
        match self.write(&payload.collect(), on_step) {
            Ok(published) => Ok(Some(published)),
            Err(Stop::Asked) => Ok(None),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    fn write(&self, payload: &Payload<'_>, on_step: OnStep<'_>) -> Result<Published, Stop> {
        check_keys(&self.dir, payload.keys().copied())?;
        let links: BTreeSet<&OsStr> = payload.keys().copied().filter_map(first).collect();
        self.check_links(&links)?;
        step(on_step, Step::Start)?;
        if let Some(data_dir) = self.current(payload) {
            self.create_links(&links, on_step)?;
            self.clean_up(&links, &data_dir, on_step)?;
            let changed = false;
            return Ok(Published { changed, data_dir });
        }
        let data_dir = self.create_data_dir()?;
        step(on_step, Step::DirCreated)?;
        let written = self.write_and_swap(&data_dir, payload, &links, on_step);
        if let Err(Stop::Error(_)) = written {
            // Nobody has seen it, and it may be what fills the disk.
            _ = fs::remove_dir_all(self.dir.join(&data_dir));
        }
        written?;
        if self.order == LinkOrder::AfterRename {
            self.create_links(&links, on_step)?;
        }
        self.clean_up(&links, &data_dir, on_step)?;
        let changed = true;
        Ok(Published { changed, data_dir })
    }

    /// All up to the one step that readers see: what fails here has changed nothing for them.
    fn write_and_swap(
        &self,
        data_dir: &OsStr,
        payload: &Payload<'_>,
        links: &BTreeSet<&OsStr>,
        on_step: OnStep<'_>,
    ) -> Result<(), Stop> {
        self.write_payload(&self.dir.join(data_dir), payload, on_step)?;
        if self.order == LinkOrder::BeforeRename {
            self.create_links(links, on_step)?;
        }
        self.swap(data_dir, on_step)
    }

    /// The current data directory, if its content is the payload already.
    fn current(&self, payload: &Payload<'_>) -> Option<OsString> {
        // What is larger is not the same, and need not be read.
        let sizes = || payload.values().map(|bytes| bytes.len() as u64);
        let limits = Limits::default()
            .key_bytes(sizes().max().unwrap_or(0))
            .volume_bytes(sizes().sum())
            .keys(usize::MAX);
        let found = read_once(&self.dir, limits).ok()?;
        let same = found
            .iter()
            .map(|(key, content)| (key, &**content))
            .eq(payload.iter().map(|(key, bytes)| (*key, *bytes)));
        found.data_dir().filter(|_| same).map(OsStr::to_owned)
    }

    fn create_data_dir(&self) -> Result<OsString, Error> {
        loop {
            let name = timestamp();
            let path = self.dir.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => {
                    set_mode(&path, 0o755)?;
                    return Ok(name);
                }
                Err(error) if error.kind() == Io::AlreadyExists => {}
                Err(error) => return Err(Error::io("create", &path, error)),
            }
        }
    }

    fn write_payload(
        &self,
        data: &Path,
        payload: &Payload<'_>,
        on_step: OnStep<'_>,
    ) -> Result<(), Stop> {
        for (key, bytes) in payload {
            let path = data.join(key);
            create_folders(data, key)?;
            // Narrow from the first: a Secret is not to be read by others even for a moment.
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true).mode(self.file_mode);
            let written = options
                .open(&path)
                .and_then(|mut file| file.write_all(bytes));
            written.map_err(|error| Error::io("write", &path, error))?;
            set_mode(&path, self.file_mode)?;
            step(on_step, Step::FileWritten)?;
        }
        step(on_step, Step::PayloadWritten)
    }

    /// The one step that readers see.
    fn swap(&self, data_dir: &OsStr, on_step: OnStep<'_>) -> Result<(), Stop> {
        let (tmp, data) = (self.dir.join(DATA_TMP), self.dir.join(DATA));
        // Left by a publish that was cut short; the kubelet gets stuck on it.
        remove(&tmp)?;
        symlink(data_dir, &tmp).map_err(|error| Error::io("create", &tmp, error))?;
        step(on_step, Step::DataTmpLinked)?;
        fs::rename(&tmp, &data).map_err(|error| Error::io("rename", &data, error))?;
        step(on_step, Step::Renamed)
    }

    /// Refuses to publish over anything that is not a volume's own link.
    fn check_links(&self, links: &BTreeSet<&OsStr>) -> Result<(), Error> {
        for link in links {
            let path = self.dir.join(link);
            match fs::symlink_metadata(&path) {
                Ok(_) if self.is_own_link(&path) => {}
                Err(error) if error.kind() == Io::NotFound => {}
                Err(error) => return Err(Error::io("look at", &path, error)),
                Ok(_) => {
                    let message = "is not this volume's link, and a key of this name would hide \
                                   behind it; move it away or publish into another directory";
                    return Err(Error::new(ErrorKind::InvalidKey, &path, message));
                }
            }
        }
        Ok(())
    }

    fn create_links(&self, links: &BTreeSet<&OsStr>, on_step: OnStep<'_>) -> Result<(), Stop> {
        for link in links {
            let path = self.dir.join(link);
            match symlink(Path::new(DATA).join(link), &path) {
                Ok(()) => step(on_step, Step::LinkCreated)?,
                Err(error) if error.kind() == Io::AlreadyExists => {}
                Err(error) => return Err(Error::io("create", &path, error).into()),
            }
        }
        Ok(())
    }

    /// Removes links of keys that are gone, and all data directories but the current one: the
    /// previous one, and what publishes that were cut short left behind.
    fn clean_up(
        &self,
        links: &BTreeSet<&OsStr>,
        current: &OsStr,
        on_step: OnStep<'_>,
    ) -> Result<(), Stop> {
        let failed = |error| Error::io("list", &self.dir, error);
        let mut old = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let path = self.dir.join(&name);
            if is_timestamp(&name) && name != current {
                old.push(path);
            } else if !links.contains(&*name) && self.is_own_link(&path) {
                remove(&path)?;
                step(on_step, Step::LinkRemoved)?;
            }
        }
        remove(&self.dir.join(DATA_TMP))?;
        for path in old {
            fs::remove_dir_all(&path).map_err(|error| Error::io("remove", &path, error))?;
            step(on_step, Step::OldRemoved)?;
        }
        Ok(())
    }

    fn is_own_link(&self, path: &Path) -> bool {
        let target = path.file_name().map(|name| Path::new(DATA).join(name));
        fs::read_link(path).is_ok_and(|found| Some(found) == target)
    }
}

// === impl Stop ===

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn step(on_step: OnStep<'_>, done: Step) -> Result<(), Stop> {
    match on_step(done) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Stop::Asked),
    }
}

/// The folders of a nested key, with the modes that a kubelet's umask of 022 leaves them.
fn create_folders(data: &Path, key: &Path) -> Result<(), Error> {
    let mut path = data.to_owned();
    for folder in key.parent().into_iter().flatten() {
        path.push(folder);
        match fs::create_dir(&path) {
            Ok(()) => set_mode(&path, 0o755)?,
            Err(error) if error.kind() == Io::AlreadyExists => {}
            Err(error) => return Err(Error::io("create", &path, error)),
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    // Not by the mode of `open`, which the umask would narrow.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| Error::io("set the mode of", path, error))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != Io::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}
