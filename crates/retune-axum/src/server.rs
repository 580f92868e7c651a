//! Serving on an address of its own, beside whatever else the program does.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::thread::{self, JoinHandle};

use axum::Router;
use tokio::runtime;
use tokio::sync::oneshot;

/// A running [`serve`]. Dropping it closes the port; [`detach`](Server::detach) keeps it for as long
/// as the process runs.
#[derive(Debug)]
#[must_use = "dropping the server ends it; `detach()` keeps it"]
pub struct Server {
    address: SocketAddr,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    /// A signal to stop. Dropped without one, it lets the server run on.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Serves `router` on `address`, on a thread of its own: it needs no async runtime, and where there
/// is one it answers even while that is blocked.
///
/// For [`configz`](crate::configz()) give a loopback address. The page shows every value that is no
/// secret and asks for no password; on loopback it is read from inside the pod, or by those whom
/// the cluster allows `kubectl port-forward`. [`metrics`](crate::metrics()) hold no value, and
/// Prometheus has to reach them: they may go on all addresses, on another port.
///
/// ```
/// use retune::Live;
///
/// # fn main() -> std::io::Result<()> {
/// let live = Live::fixed(());
/// let status = retune_axum::serve("127.0.0.1:0", retune_axum::configz(live.clone()))?;
/// let metrics = retune_axum::serve("0.0.0.0:0", retune_axum::metrics(live))?;
/// println!("status on http://{}/configz", status.address());
/// # drop(metrics);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the address cannot be listened on, which the error names, or no thread is to be had.
pub fn serve(address: impl ToSocketAddrs, router: Router) -> io::Result<Server> {
    let addresses: Vec<_> = address.to_socket_addrs()?.collect();
    let listener = TcpListener::bind(&*addresses).map_err(|error| {
        let tried: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let message = format!("cannot listen on {}: {error}", tried.join(", "));
        io::Error::new(error.kind(), message)
    })?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            served = axum::serve(listener, router) => served,
            Ok(()) = stopped => Ok(()),
        }
    };
    let thread = thread::Builder::new()
        .name("retune-http".to_owned())
        .spawn(move || {
            if let Err(error) = runtime.block_on(serving) {
                tracing::error!("status is no longer served on {address}: {error}");
            }
        })?;
    Ok(Server {
        address,
        running: Some(Running { stop, thread }),
    })
}

// === impl Server ===

impl Server {
    /// The address that it listens on: with the port that was chosen, when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Goes on serving for as long as the process runs.
    pub fn detach(mut self) {
        self.running = None;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // Where nobody listens any more, it has ended by itself.
            _ = running.stop.send(());
            // The port is free again when this returns.
            _ = running.thread.join();
        }
    }
}
