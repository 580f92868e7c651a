//! Why a command ends without success.

use std::fmt::Display;
use std::io::{self, Write};

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A sentence for people: what is wrong, where, and what to do. It never holds a value.
    Message(String),
    /// The same, about arguments that make no sense.
    Usage(String),
    /// The same, about input that cannot be used, by a command that finds fault with it otherwise.
    Unusable(String),
    /// What was asked about is not good. All is said.
    Refused,
    /// Nobody reads the output any more.
    Closed,
}

/// What every command returns.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// Says something on the standard error, if anybody hears it.
pub(crate) fn tell(what: impl Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

// === impl Failure ===

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// For `map_err`: an error met at a place that its own text does not name.
    pub(crate) fn at<E: Display>(place: impl Display) -> impl FnOnce(E) -> Self {
        move |error| Self::Message(format!("{place}: {error}"))
    }

    /// For `map_err`: what a command could not even begin with.
    pub(crate) fn unusable(self) -> Self {
        match self {
            Self::Message(message) => Self::Unusable(message),
            other => other,
        }
    }

    /// The same, with the place that it was met at in front.
    pub(crate) fn within(self, place: impl Display) -> Self {
        match self {
            Self::Message(message) => Self::Message(format!("{place}: {message}")),
            other => other,
        }
    }
}

/// An error of writing to the standard output; those of files go through [`Failure::at`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Message(format!("cannot write the output: {error}")),
        }
    }
}

impl From<retune_mount::Error> for Failure {
    fn from(error: retune_mount::Error) -> Self {
        Self::Message(error.to_string())
    }
}
