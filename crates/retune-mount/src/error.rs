use std::fmt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Why a path could not be read or published.
///
/// The message says what is wrong, where, and what to do; it never holds a
/// byte of a file's content.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    path: PathBuf,
    message: String,
    source: Option<std::io::Error>,
}

/// What kind of trouble an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing is at the path (yet).
    Missing,
    /// The kernel refused to open or list it.
    Permission,
    /// A FIFO, a socket, a device or something else that is no regular file.
    NotRegular,
    /// A component in the middle of the path is no directory.
    NotDirectory,
    /// More than 40 links, most likely a loop.
    LinkLoop,
    /// More keys or bytes than [`Limits`](crate::Limits) allows.
    TooLarge,
    /// A link leads out of the place that the path is confined to.
    Escapes,
    /// The volume was swapped while the paths of one [`Pins`](crate::Pins) were
    /// being read. Start over with new `Pins`.
    Moved,
    /// The volume lost its `..data` link.
    LostData,
    /// The volume was torn down under the process; only a restart of the
    /// container connects it to the new one.
    Orphaned,
    /// A key that no volume can hold, given to a [`Publisher`](crate::Publisher).
    InvalidKey,
    /// Any other failure of the operating system.
    Io,
}

// === impl Error ===

impl Error {
    pub(crate) fn new(kind: ErrorKind, path: &Path, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            path: path.to_owned(),
            message: message.into(),
            source: None,
        }))
    }

    /// An operating system's error met while doing `what` ("open", "list", …).
    pub(crate) fn os(what: &str, path: &Path, errno: Errno) -> Self {
        let kind = match errno {
            Errno::NOENT => ErrorKind::Missing,
            Errno::ACCESS | Errno::PERM => ErrorKind::Permission,
            Errno::NOTDIR => ErrorKind::NotDirectory,
            Errno::LOOP => ErrorKind::LinkLoop,
            _ => ErrorKind::Io,
        };
        let message = match errno {
            Errno::NOENT => String::from("there is nothing at this path"),
            Errno::MFILE | Errno::NFILE => {
                format!("cannot {what} it: no file descriptor is left (ulimit -n, fs.file-max)")
            }
            _ => format!("cannot {what} it"),
        };
        let source = (errno != Errno::NOENT).then(|| errno.into());
        Self(Box::new(Inner {
            kind,
            path: path.to_owned(),
            message,
            source,
        }))
    }

    pub(crate) fn io(what: &str, path: &Path, error: std::io::Error) -> Self {
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        Self::os(what, path, errno)
    }

    /// A path leads to or through a directory that has no name any more.
    pub(crate) fn orphaned(path: &Path) -> Self {
        let message = "the volume was torn down under the process: its directory has no name any \
                       more and is empty; only a restart of the container connects it to the new \
                       volume";
        Self::new(ErrorKind::Orphaned, path, message)
    }

    /// What kind of trouble this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The path that the trouble is at: the watched one, or one below it.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether nothing is at the path (yet).
    pub fn is_missing(&self) -> bool {
        self.0.kind == ErrorKind::Missing
    }

    /// Whether the reads of one [`Pins`](crate::Pins) no longer fit together,
    /// so that all of them are to be repeated with new `Pins`.
    pub fn is_moved(&self) -> bool {
        self.0.kind == ErrorKind::Moved
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.path.display(), self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .finish()
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b19_what_the_system_says_is_told_by_kind_with_its_own_words() {
        let told = |errno| {
            let error = Error::os("open", Path::new("/v"), errno);
            (error.kind(), error.to_string())
        };
        for (errno, kind, words) in [
            (
                Errno::NOENT,
                ErrorKind::Missing,
                "there is nothing at this path",
            ),
            (Errno::ACCESS, ErrorKind::Permission, "cannot open it"),
            (Errno::PERM, ErrorKind::Permission, "cannot open it"),
            (Errno::NOTDIR, ErrorKind::NotDirectory, "cannot open it"),
            (Errno::LOOP, ErrorKind::LinkLoop, "cannot open it"),
            (Errno::MFILE, ErrorKind::Io, "no file descriptor is left"),
            (Errno::NFILE, ErrorKind::Io, "no file descriptor is left"),
            (Errno::IO, ErrorKind::Io, "cannot open it"),
        ] {
            let (told_kind, told_words) = told(errno);
            assert_eq!(told_kind, kind, "{errno}");
            assert!(told_words.contains(words), "{errno}: {told_words}");
        }
    }
}
