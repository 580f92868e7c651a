//! Consistent reads, watching and publishing of mounted configuration volumes.
//!
//! This crate knows nothing of typed configuration. It answers three
//! questions about a path: what is there now, as one whole; when is it worth
//! looking again; and how is such a thing written.
//!
//! # The model
//!
//! The kubelet writes a ConfigMap, Secret or projected volume into a new
//! directory, and then renames one link, `..data`, onto it:
//!
//! ```text
//! /etc/greeter/..2026_11_21_02_07_56.3142519382/log-level
//! /etc/greeter/..data      -> ..2026_11_21_02_07_56.3142519382
//! /etc/greeter/log-level   -> ..data/log-level
//! ```
//!
//! **Reading.** A path is resolved component by component with directory
//! descriptors. The first time that it passes a directory's `..data`, the link
//! is read once and *pinned* in [`Pins`]; whatever else is read with the same
//! `Pins`, be it the whole volume or single files of it, is read below the same
//! directory. Afterwards the link is read again: if it moved, the read starts
//! over. The same holds of every other link on the way, as git-sync swaps one,
//! and of what was not there: all paths find what the first found. The links
//! that users see are never followed for a volume: they are made after the
//! rename, or before it, and are missing now and then; the path of one key is
//! followed through its link, or as if the link were there. Regular files only;
//! nothing blocks on a FIFO; [`Limits`] are checked before bytes are read. A
//! plain directory gives its regular files (those in sub-directories as `a/b`;
//! links to files are followed, links to directories are not), a single file
//! gives itself.
//!
//! **Watching.** A [`Watch`] arms each directory that resolving its path goes
//! through for the one name that is looked up in it, *before* looking it up.
//! One rule covers volumes, `mv`, editors, git-sync's parent links and
//! directories that vanish and come back; below a pin nothing is watched, as
//! nothing changes there. One inotify instance and one thread serve the whole
//! process, from the first read of a `Watch` to the drop of the last. That
//! thread opens no file of the user and runs no code of the user: it sets
//! [`Signal`]s. The reader's own thread waits on the signal and calls
//! [`Watch::read`], so that a file system that hangs holds up nobody else.
//!
//! Events are hints, content decides. Behind them stands a slow poll, one
//! jittered tick for all paths (30 s); where events are not to be had the same
//! poll comes every 2 s, and [`Watch::state`] says why. An overflow of the
//! kernel's queue or a panic of the thread tells everybody to look, and is
//! counted in [`health`].
//!
//! **Settling.** A swap of `..data` is taken at once. Plain files are taken
//! when they have been seen unchanged for 200 ms, or after 2 s of
//! restlessness; a half that was taken for want of quiet is looked at again.
//! So is an absence: editors remove a file for a moment. The very first read
//! takes what is there, unless it changes while
//! it is being read.
//!
//! **Publishing.** [`Publisher`] writes a volume as the kubelet does, for
//! developing and testing without a cluster.
//!
//! ```
//! use retune_mount::{Limits, Pins, Publisher, Reading, Signal, Watch};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let tmp = tempfile::tempdir()?;
//! # let dir = tmp.path();
//! let publisher = Publisher::open(dir)?;
//! publisher.publish([("user", "a"), ("password", "1")])?;
//!
//! let signal = Signal::new();
//! let mut user = Watch::new(dir.join("user"), &signal);
//! let mut password = Watch::new(dir.join("password"), &signal);
//! let mut reload = || loop {
//!     let mut pins = Pins::new(Limits::default());
//!     match (user.read(&mut pins), password.read(&mut pins)) {
//!         (Ok(Reading::Ready(user)), Ok(Reading::Ready(password))) if pins.still_current() => {
//!             return Some((user.file()?.to_vec(), password.file()?.to_vec()));
//!         }
//!         _ => {} // swapped meanwhile: once more, with new pins
//!     }
//! };
//! assert_eq!(reload(), Some((b"a".to_vec(), b"1".to_vec())));
//!
//! publisher.publish([("user", "b"), ("password", "2")])?;
//! let wake = signal.wait(None);
//! assert!(wake.noticed.is_some());
//! assert_eq!(reload(), Some((b"b".to_vec(), b"2".to_vec())));
//! # Ok(())
//! # }
//! ```
//!
//! # What no watcher can see
//!
//! - What replaces a file behind a `subPath` mount of it: [`PathState::SubPath`]
//!   (told by `statx`, Linux 5.8 or newer; a sandbox that does not answer it,
//!   such as gVisor, leaves it untold).
//! - A volume that the kubelet tore down under a running container:
//!   [`PathState::Orphaned`] for directories on the node's disk. A detached
//!   tmpfs (Secrets, projected volumes) keeps its last content and cannot be
//!   told from a quiet one.
//! - NFS, 9p, FUSE and their like report only what is done through the same
//!   mount; they are polled. An overlay reports what is done through it, and
//!   counts as having events.
//!
//! # Off Linux
//!
//! Any other Unix polls (every 2 s by default), and says so. Directories on
//! the way must be readable, not only searchable. A `subPath`-like mount of one
//! file is not told apart. Everything else is the same.
#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!("retune-mount needs a Unix: it reads by directory descriptors");

mod arm;
mod call;
mod clock;
mod content;
mod dir;
mod engine;
mod error;
#[cfg(any(test, feature = "faults"))]
#[cfg_attr(not(feature = "faults"), allow(dead_code, unreachable_pub))]
#[doc(hidden)]
pub mod faults;
#[cfg(any(test, feature = "faults"))]
#[cfg_attr(not(feature = "faults"), allow(dead_code, unreachable_pub))]
mod injected;
mod keys;
mod limits;
mod pins;
mod platform;
mod publish;
mod read;
mod settle;
mod signal;
mod snapshot;
mod stamp;
mod state;
mod sys;
mod utc;
mod walk;
mod watch;

#[doc(hidden)]
pub use clock::wall_clock;
pub use content::Content;
pub use engine::{Health, health, wait_until_stopped};
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use pins::Pins;
#[doc(hidden)]
pub use publish::Step;
pub use publish::{LinkOrder, Published, Publisher};
pub use read::read_once;
pub use signal::{Noticed, NoticedBy, Signal, Wake};
pub use snapshot::{Kind, Snapshot, lag};
pub use state::{PathState, PollReason};
pub use utc::Utc;
pub use watch::{Reading, Watch};
