//! The server's listener, and the client's connections.
#![forbid(unsafe_code)]

mod client;
mod listener;

pub use client::Connection;
pub use listener::TlsListener;
