//! What went wrong, in words.

use std::fmt;

/// A result of this crate.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What went wrong, in words for whoever reads a test's output.
///
/// `Debug` is `Display`, so that `unwrap` says it too.
#[derive(Clone)]
pub struct Error {
    message: String,
    status: Option<u16>,
}

// === impl Error ===

impl Error {
    pub(crate) fn refused(status: u16, message: String) -> Self {
        Self {
            message,
            status: Some(status),
        }
    }

    /// The HTTP status, if something answered.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether there is no such object (404).
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404)
    }

    /// Puts what was tried in front.
    pub(crate) fn in_trying_to(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self {
            message,
            status: None,
        }
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}
