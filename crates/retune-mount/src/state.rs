use std::fmt;
use std::time::Duration;

/// How changes of a path are noticed now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathState {
    /// The path was not read yet, so nothing is watched.
    Unread,
    /// By inotify events, with a slow poll behind them.
    Events,
    /// By looking again and again, since events are not to be had.
    Polling {
        /// Why there are no events.
        reason: PollReason,
        /// How often it is looked at, on average.
        every: Duration,
    },
    /// Nothing is at the path; it is picked up when it appears.
    Missing,
    /// The volume was torn down under the process. It never updates again:
    /// only a restart of the container connects it to the new volume.
    Orphaned,
    /// The path is a mount of one single file, as `subPath` makes it, or a
    /// directory that holds such: a new file in its place never arrives as long
    /// as the container runs, hence no update of a volume.
    SubPath,
}

/// Why a path is polled although events would be better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PollReason {
    /// `inotify_init` failed: too many instances of this user, or too many open files.
    NoInstances,
    /// `inotify_add_watch` failed: too many watches of this user.
    NoWatches,
    /// The path passes a file system of this name, which does not tell of
    /// changes that are made elsewhere.
    FileSystem(&'static str),
    /// A directory on the way may be searched by this process, but not read;
    /// that is needed to watch it.
    Unreadable,
    /// `/proc` is not mounted; it is needed to watch exactly the directory that is read.
    NoProc,
    /// Events are only used on Linux.
    NotLinux,
    /// Another error of the operating system, by its number; of `inotify`, or when asked for the file system.
    Os(i32),
}

// === impl PathState ===

impl PathState {
    /// Whether changes of the path can no longer reach this process.
    pub fn is_dead_end(&self) -> bool {
        matches!(self, Self::Orphaned | Self::SubPath)
    }
}

impl fmt::Display for PathState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread => f.write_str("not read yet"),
            Self::Events => f.write_str("watched by events"),
            Self::Polling { reason, every } => write!(f, "polled every {every:?}: {reason}"),
            Self::Missing => f.write_str("missing; picked up when it appears"),
            Self::Orphaned => f.write_str(
                "orphaned: the volume was torn down under the process and never updates again; \
                 only a restart of the container reconnects it",
            ),
            Self::SubPath => f.write_str(
                "a mount of a single file (subPath), or a directory of such: it never updates while \
                 the container runs, as the mount stays on the file that was there at its start, and \
                 an update of a volume is a new file; mount the whole volume, without subPath",
            ),
        }
    }
}

// === impl PollReason ===

impl fmt::Display for PollReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInstances => f.write_str(
                "no inotify instance is to be had (fs.inotify.max_user_instances, or ulimit -n)",
            ),
            Self::NoWatches => {
                f.write_str("no inotify watch is left (raise fs.inotify.max_user_watches)")
            }
            Self::FileSystem(name) => {
                write!(f, "{name} does not report changes that are made elsewhere")
            }
            Self::Unreadable => f.write_str(
                "a directory on the way may be searched but not read, which events need; \
                 let the process read it",
            ),
            Self::NoProc => f.write_str("/proc is not mounted"),
            Self::NotLinux => f.write_str("events are only used on Linux"),
            Self::Os(errno) => {
                write!(
                    f,
                    "events may not be had: {}",
                    std::io::Error::from_raw_os_error(*errno)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_orphan_and_a_mount_of_one_file_are_dead_ends() {
        let polling = PathState::Polling {
            reason: PollReason::NoWatches,
            every: Duration::from_secs(1),
        };
        for alive in [
            PathState::Unread,
            PathState::Events,
            polling,
            PathState::Missing,
        ] {
            assert!(!alive.is_dead_end(), "{alive}");
        }
        for dead in [PathState::Orphaned, PathState::SubPath] {
            assert!(dead.is_dead_end(), "{dead}");
        }
    }
}
