//! The kinds of system calls, as tests that make one fail know them.

/// What is asked of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(not(feature = "faults"), allow(unreachable_pub))]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub enum Call {
    /// `open`, `openat`
    Open,
    /// `fstat`, `fstatat`
    Stat,
    /// `readlinkat`
    ReadLink,
    /// `read` of a file
    Read,
    /// `getdents`
    List,
    /// `fstatfs`, `statx`
    FileSystem,
    /// `inotify_init`, and the `eventfd` beside it
    Instance,
    /// `inotify_add_watch`
    Watch,
    /// `poll` of the watching thread
    Poll,
    /// `read` of events
    Events,
}
