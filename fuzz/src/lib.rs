//! What the fuzz targets do with the bytes that they are given; `cargo xtask fuzz --help` says how to run them.
//!
//! A library, so that the code under test is compiled once and each target is only linked. Beyond panics, hangs
//! and overflows each target holds what it does to rules of its own: a wrong answer is a crash as well.
#![forbid(unsafe_code)]

mod alike;
mod check;
mod documents;
#[path = "../../crates/retune/tests/support/every_shape.rs"]
mod every_shape;
// As `manifest.rs` asks for it.
#[allow(dead_code)]
#[path = "../../crates/retune-cli/src/failure.rs"]
mod failure;
mod flags;
mod manifest;
mod names;
mod pem;
#[path = "../../crates/retune/tests/support/three_ways.rs"]
mod three_ways;
mod token;
mod told;
mod values;
mod variables;

pub use alike::alike;
pub use check::check;
pub use documents::{dotenv, json, toml, yaml};
pub use flags::flags;
pub use manifest::manifest;
pub use names::names;
pub use pem::pem;
pub use token::token;
pub use values::values;
pub use variables::variables;
