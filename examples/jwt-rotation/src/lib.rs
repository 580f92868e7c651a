//! What the programs share: tokens, and how the others are found and asked.
#![forbid(unsafe_code)]

mod hs256;
pub mod peers;
pub mod token;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Heeds from now on that Kubernetes wants the process to end; what is returned waits for it.
pub fn terminated() -> impl Future<Output = ()> {
    let signal = signal(SignalKind::terminate());
    let mut signal = signal.expect("SIGTERM can be waited for");
    async move { _ = signal.recv().await }
}

/// Listens; an error names the address.
///
/// # Errors
///
/// When somebody else listens there, or nobody may.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}
