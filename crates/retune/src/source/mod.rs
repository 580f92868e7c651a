//! Sources: where configuration comes from. Each gives one layer.
//!
//! | | gives | may be absent by |
//! |---|---|---|
//! | [`File`] | a document | [`optional`](File::optional) |
//! | [`Mount`] | the keys of a volume, and documents among them | [`optional`](Mount::optional), [`defaults_when_lost`](Mount::defaults_when_lost) |
//! | [`from_fn`] | keys, by a closure of the program | [`optional`](Closure::optional) |
//! | [`Env`] | variables, and the files that `X_FILE` names | [`optional_files`](Env::optional_files) |
//! | `Flags` | flags of a command line (feature `clap`) | |
//!
//! A source that must be there and is lost while the program runs leaves the last good generation in
//! place. What a field does not take from some of them, `#[retune(not_from(…))]` says.

mod about;
mod closure;
mod code;
mod env;
mod file;
#[cfg(feature = "clap")]
mod flags;
mod followed;
mod heartbeat;
mod kept;
mod keys;
mod layer;
mod mount;
#[cfg(feature = "check")]
mod object;
#[cfg(feature = "clap")]
mod refused;
mod revision;
mod scrub;
mod secrecy;
mod service;
mod variable;

pub use closure::{Closure, Hint, Keys, from_fn};
pub(crate) use code::Code;
pub use env::Env;
pub use file::File;
#[cfg(feature = "clap")]
pub use flags::{FlagNames, Flags};
pub(crate) use kept::Kept;
pub use mount::Mount;
#[cfg(feature = "check")]
pub(crate) use object::Object;
pub(crate) use variable::VariableNames;

pub(crate) use heartbeat::Heartbeat;
pub(crate) use layer::{Context, Layer, Wanted};
pub(crate) use revision::{Revision, apart};
pub(crate) use sealed::Sealed;

/// Something that gives configuration: a file, a mount, the environment, flags, a closure.
///
/// Sealed for now: its methods may still change.
pub trait Source: Sealed + Send + 'static {}

impl<S: Sealed + Send + 'static> Source for S {}

mod sealed {
    /// What a source can do, known to this crate alone.
    pub trait Sealed {
        /// How people call it: `mount /etc/greeter`.
        fn name(&self) -> String;

        /// What kind of layer it gives.
        fn kind(&self) -> super::Kind;

        /// Reads everything it gives, as it is now. May block on the file system.
        fn read(&mut self, context: &mut super::Context<'_>) -> super::Layer;

        /// What is kept of an earlier reading is out of date: somebody asks for what is there now.
        fn distrust(&mut self) {}

        /// Absolute paths are to be taken from this directory instead of `/`.
        fn rebase(&mut self, _root: &std::path::Path) {}

        /// What stands before the names of its flags; `None` if it has none.
        fn flag_prefix(&self) -> Option<&str> {
            None
        }

        /// What was last read is now live.
        fn accepted(&mut self) {}
    }
}

/// What kind of thing a source is, in the usual order of sources from the lowest to the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// A configuration file.
    File,
    /// A mounted volume.
    Mount,
    /// A closure of the program.
    Closure,
    /// Environment variables.
    Env,
    /// Command-line flags.
    Flags,
    /// Values set by the program itself.
    Code,
}

// === impl Kind ===

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Mount => "mount",
            Self::Closure => "closure",
            Self::Env => "env",
            Self::Flags => "flags",
            Self::Code => "code",
        })
    }
}
