//! Changes a running service's configuration and secrets without restarting it.
#![forbid(unsafe_code)]

// The derive's output says `::retune`, in the tests of this crate too.
#[cfg(test)]
extern crate self as retune;

mod bind;
mod collide;
mod decode;
mod error;
mod explain;
mod flat;
mod format;
mod generation;
mod live;
mod loader;
mod merge;
mod name;
mod node;
mod origin;
mod pipeline;
mod problem;
mod reload;
mod report;
mod schema;
mod secret;
pub mod source;
pub mod status;
mod text;
mod time;
mod values;

pub use decode::{Decoder, Value};
pub use error::{Error, OrExit};
pub use explain::{Explanation, Given};
pub use generation::{Change, Snapshot};
pub use live::{ChangeStream, Changes, Gate, Live, Reader, Setter, Subscription, View};
pub use loader::Loader;
pub use node::Node;
pub use origin::{Origin, Place, Span};
pub use problem::Problem;
pub use retune_derive::Retune;
pub use retune_mount::Limits;
pub use secret::Secret;
pub use values::ByteSize;

/// What a type looks like from outside, as the derive describes it.
pub mod shape {
    pub use crate::schema::{Alias, Default, Field, Schema, Shape, Variant};
}

/// A configuration: a struct with `#[derive(Retune)]`.
pub trait Retune: Value + Send + Sync + 'static {
    /// Its fields, as the derive describes them.
    const SCHEMA: &'static shape::Schema;

    /// Names the sources to load it from.
    fn loader() -> Loader<Self> {
        Loader::new()
    }

    /// Adds a flag for each value to the program's own clap command, with its docs and default.
    /// Give what the command parsed to [`Loader::flags`]. Secrets have no flag: a command line is
    /// for everybody to read.
    #[cfg(feature = "clap")]
    fn augment(command: clap::Command) -> clap::Command {
        source::augment(command, &flat::Flat::new(Self::SCHEMA), None)
    }

    /// The same, and the help names the variables as well, for programs that read the environment
    /// with this prefix.
    #[cfg(feature = "clap")]
    fn augment_with_env(command: clap::Command, prefix: &str) -> clap::Command {
        source::augment(command, &flat::Flat::new(Self::SCHEMA), Some(prefix))
    }
}

/// What the derive's output names; not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::collide::{count_names, refuse_collisions};
    pub use crate::values::{by_serde, content, optional, secret};
}
