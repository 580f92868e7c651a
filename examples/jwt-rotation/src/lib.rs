//! What the programs share: tokens, and how the others are found and asked.
#![forbid(unsafe_code)]

mod hs256;
pub mod peers;
pub mod token;

use tokio::signal::unix::{SignalKind, signal};

/// Heeds from now on that Kubernetes wants the process to end; what is returned waits for it.
pub fn terminated() -> impl Future<Output = ()> {
    let signal = signal(SignalKind::terminate());
    let mut signal = signal.expect("SIGTERM can be waited for");
    async move { _ = signal.recv().await }
}
