//! Records what happens in a directory that a volume is written into, so that what the kubelet
//! writes and what `retune_mount::Publisher` writes can be compared.
//!
//! Names of data directories (`..2026_11_21_02_07_56.3142519382`) differ from run to run: they become
//! `..ts1`, `..ts2` in the order of their appearance. Cookies of renames become 1, 2 and so on in
//! the same way.
//!
//! ```
//! use retune_mount::Publisher;
//! use retune_testbed::recorder::Recorder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let tmp = tempfile::tempdir()?;
//! # let dir = tmp.path();
//! let mut recorder = Recorder::start(dir)?;
//! Publisher::open(dir)?.publish([("log-level", "warn")])?;
//! let mark = recorder.mark("created")?;
//! assert_eq!(mark.events[0].to_string(), "CREATE|ISDIR ..ts1");
//! assert_eq!(mark.tree[0].to_string(), "..data -> ..ts1");
//! # Ok(())
//! # }
//! ```

mod tree;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

pub use tree::{Entry, Kind};

/// What is recorded: all that changes the directory, and nothing of those who read it.
const CHANGES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF);

/// Records the inotify events of one directory (not of those below it).
#[derive(Debug)]
pub struct Recorder {
    dir: PathBuf,
    inotify: Arc<OwnedFd>,
    names: Names,
    events: Vec<Event>,
}

/// One inotify event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The names of its bits, in a fixed order: `["CREATE", "ISDIR"]`.
    pub mask: Vec<String>,
    /// What it is about, normalised; `None` if it is the directory itself.
    pub name: Option<String>,
    /// The same number in both halves of a rename; counted from 1 since the last mark.
    pub cookie: Option<u32>,
}

/// What a directory holds at one moment, and what happened since the last mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What whoever asked for it called it.
    pub name: String,
    /// The events since the last mark, in order.
    pub events: Vec<Event>,
    /// All that is below the directory, in the order of the paths.
    pub tree: Vec<Entry>,
}

/// What the names that differ from run to run are called.
#[derive(Debug, Default)]
struct Names {
    data_dirs: HashMap<String, usize>,
    cookies: HashMap<u32, u32>,
}

// === impl Recorder ===

impl Recorder {
    /// Records from now on. Data directories that are there already are numbered first, in the order
    /// of their times.
    ///
    /// # Errors
    ///
    /// The directory cannot be watched or listed.
    pub fn start(dir: impl Into<PathBuf>) -> io::Result<Self> {
        let dir = dir.into();
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&inotify, &dir, CHANGES | WatchFlags::ONLYDIR)?;
        let mut recorder = Self {
            dir,
            inotify: Arc::new(inotify),
            names: Names::default(),
            events: Vec::new(),
        };
        recorder.tree()?;
        Ok(recorder)
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The descriptor that can be polled for new events; [`drain`](Self::drain) takes them.
    #[must_use]
    pub fn descriptor(&self) -> Arc<OwnedFd> {
        self.inotify.clone()
    }

    /// Takes what has happened meanwhile; gives the new events.
    ///
    /// # Errors
    ///
    /// The events cannot be read, or the kernel's queue ran over, so that some are lost.
    pub fn drain(&mut self) -> io::Result<&[Event]> {
        let known = self.events.len();
        let inotify = self.inotify.clone();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&*inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => {
                    return Err(io::Error::other("inotify lost events: its queue ran over"));
                }
                Ok(event) => {
                    let event = self.names.event(&event);
                    self.events.push(event);
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.events.get(known..).unwrap_or_default())
    }

    /// Everything since the last mark.
    ///
    /// # Errors
    ///
    /// As for [`drain`](Self::drain).
    pub fn events(&mut self) -> io::Result<&[Event]> {
        self.drain()?;
        Ok(&self.events)
    }

    /// What the directory holds now.
    ///
    /// # Errors
    ///
    /// It cannot be listed, or changes all the time. A file that cannot be read is no error: its entry
    /// says so.
    pub fn tree(&mut self) -> io::Result<Vec<Entry>> {
        tree::read(&self.dir, &mut |name| self.names.normalise(name))
    }

    /// Ends one chapter and begins the next: what happened since the last mark, and what came of it.
    ///
    /// # Errors
    ///
    /// As for [`drain`](Self::drain) and [`tree`](Self::tree).
    pub fn mark(&mut self, name: impl Into<String>) -> io::Result<Mark> {
        self.drain()?;
        let tree = self.tree()?;
        self.names.cookies.clear();
        Ok(Mark {
            name: name.into(),
            events: std::mem::take(&mut self.events),
            tree,
        })
    }
}

// === impl Event ===

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mask.join("|"))?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match self.cookie {
            Some(cookie) => write!(f, " #{cookie}"),
            None => Ok(()),
        }
    }
}

// === impl Names ===

impl Names {
    fn event(&mut self, event: &inotify::Event<'_>) -> Event {
        let name = event.file_name().map(|name| {
            let name = OsStr::from_bytes(name.to_bytes()).to_string_lossy();
            self.normalise(&name)
        });
        let next = u32::try_from(self.cookies.len()).map_or(u32::MAX, |known| known + 1);
        let cookie =
            (event.cookie() != 0).then(|| *self.cookies.entry(event.cookie()).or_insert(next));
        Event {
            mask: mask(event.events()),
            name,
            cookie,
        }
    }

    fn normalise(&mut self, name: &str) -> String {
        if !is_data_dir(name) {
            return name.to_owned();
        }
        let next = self.data_dirs.len() + 1;
        let number = self.data_dirs.entry(name.to_owned()).or_insert(next);
        format!("..ts{number}")
    }
}

/// `..2026_11_21_02_07_56.3142519382`
fn is_data_dir(name: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = name
        .strip_prefix("..")
        .and_then(|name| name.split_once('.'));
    parts.is_some_and(|(time, random)| {
        time.split('_').count() == 6 && time.split('_').all(digits) && digits(random)
    })
}

fn mask(events: ReadFlags) -> Vec<String> {
    let named = [
        (ReadFlags::CREATE, "CREATE"),
        (ReadFlags::DELETE, "DELETE"),
        (ReadFlags::MODIFY, "MODIFY"),
        (ReadFlags::ATTRIB, "ATTRIB"),
        (ReadFlags::MOVED_FROM, "MOVED_FROM"),
        (ReadFlags::MOVED_TO, "MOVED_TO"),
        (ReadFlags::CLOSE_WRITE, "CLOSE_WRITE"),
        (ReadFlags::DELETE_SELF, "DELETE_SELF"),
        (ReadFlags::MOVE_SELF, "MOVE_SELF"),
        (ReadFlags::UNMOUNT, "UNMOUNT"),
        (ReadFlags::IGNORED, "IGNORED"),
        (ReadFlags::ISDIR, "ISDIR"),
    ];
    let present = named.iter().filter(|(flag, _)| events.contains(*flag));
    present.map(|(_, name)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use retune_mount::Publisher;

    use super::*;

    fn lines<T: fmt::Display>(items: &[T]) -> Vec<String> {
        items.iter().map(T::to_string).collect()
    }

    #[test]
    fn an_update_is_told_event_by_event_and_link_by_link() {
        let tmp = tempfile::tempdir().unwrap();
        let publisher = Publisher::open(tmp.path()).unwrap();
        publisher.publish([("a", "1"), ("gone", "x")]).unwrap();

        let mut recorder = Recorder::start(tmp.path()).unwrap();
        publisher.publish([("a", "2"), ("n/b", "new")]).unwrap();
        let mark = recorder.mark("updated").unwrap();

        assert_eq!(mark.name, "updated");
        assert_eq!(
            lines(&mark.events),
            [
                "CREATE|ISDIR ..ts2",
                "ATTRIB|ISDIR ..ts2",
                "CREATE ..data_tmp",
                "MOVED_FROM ..data_tmp #1",
                "MOVED_TO ..data #1",
                "CREATE n",
                "DELETE gone",
                "DELETE|ISDIR ..ts1",
            ]
        );
        assert_eq!(
            lines(&mark.tree),
            [
                "..data -> ..ts2",
                "..ts2/ 0755",
                "..ts2/a 0644 \"2\"",
                "..ts2/n/ 0755",
                "..ts2/n/b 0644 \"new\"",
                "a -> ..data/a",
                "n -> ..data/n",
            ]
        );
    }

    #[test]
    fn two_recordings_of_the_same_story_are_equal_and_a_mark_begins_anew() {
        let tell = || {
            let tmp = tempfile::tempdir().unwrap();
            let mut recorder = Recorder::start(tmp.path()).unwrap();
            let publisher = Publisher::open(tmp.path()).unwrap();
            let mut marks = Vec::new();
            for value in ["1", "2"] {
                publisher.publish([("a", value)]).unwrap();
                marks.push(recorder.mark(value).unwrap());
            }
            assert!(recorder.events().unwrap().is_empty());
            marks
        };
        let marks = tell();
        assert_eq!(marks, tell());
        let cookies = |mark: &Mark| mark.events.iter().filter_map(|e| e.cookie).max();
        assert_eq!(marks.iter().filter_map(cookies).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn what_is_no_volume_keeps_its_names_and_nothing_is_told_of_readers() {
        let tmp = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::start(tmp.path()).unwrap();
        std::fs::write(tmp.path().join("plain"), [0xff, b'\n']).unwrap();
        std::fs::read(tmp.path().join("plain")).unwrap();
        let mark = recorder.mark("").unwrap();
        let expected = ["CREATE plain", "MODIFY plain", "CLOSE_WRITE plain"];
        assert_eq!(lines(&mark.events), expected);
        assert_eq!(mark.tree[0].content.as_deref(), Some("\\xff\\n"));
    }

    #[test]
    fn marks_go_through_json_unchanged() {
        let tmp = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::start(tmp.path()).unwrap();
        let publisher = Publisher::open(tmp.path()).unwrap();
        publisher.publish([("a", "1")]).unwrap();
        let mark = recorder.mark("m").unwrap();
        let json = serde_json::to_string(&mark).unwrap();
        assert_eq!(serde_json::from_str::<Mark>(&json).unwrap(), mark);
    }
}
