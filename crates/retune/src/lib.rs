//! Changes a running service's configuration and secrets without restarting it.
#![forbid(unsafe_code)]

// The derive's output says `::retune`, in the tests of this crate too.
#[cfg(test)]
extern crate self as retune;

mod bind;
mod collide;
mod decode;
mod format;
mod name;
mod node;
mod origin;
mod problem;
mod report;
mod schema;
mod secret;
mod text;
mod values;

pub use decode::{Decoder, Value};
pub use node::Node;
pub use origin::{Origin, Place, Span};
pub use problem::Problem;
pub use retune_derive::Retune;
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
}

/// What the derive's output names; not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::collide::{count_names, refuse_collisions};
    pub use crate::values::{by_serde, content, optional, secret};
}
