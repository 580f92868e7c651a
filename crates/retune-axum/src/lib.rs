//! Status of a retune configuration over HTTP: JSON and Prometheus metrics.
#![forbid(unsafe_code)]

mod collector;
mod current;
mod pages;
mod server;

pub use collector::collector;
pub use current::Current;
pub use pages::{configz, metrics, router};
pub use server::{Server, serve};
