//! Answers on port 8080. Its log level follows a mounted ConfigMap.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, routing::get};
use log_level::{start_log, terminated};
use retune::source::Env;
use retune::{LogFilter, OrExit, Retune};
use tokio::net::TcpListener;
use tracing::info;

/// Answers every request, and logs it.
#[derive(Debug, Retune)]
struct Config {
    /// Which events are logged: `info`, or `info,retune=debug`.
    #[retune(default = "info")]
    log_level: LogFilter,
    /// Address to listen on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let log = start_log();
    // No secrets here, even where the volume lies in memory.
    let config = Config::loader()
        .source(Env::new("").not_secret())
        .watch()
        .or_exit();
    let terminated = terminated();
    let listener = TcpListener::bind(config.with(|c| c.listen)).await?;
    info!(address = %listener.local_addr()?, "starting http server ...");
    log.follow(&config.view(|c| &c.log_level)).detach();

    tokio::spawn(count());
    let app = Router::new()
        .route("/", get(greet))
        // For everybody who reaches the port: all values but secrets, and the metrics.
        .merge(retune_axum::router(config.clone()));
    axum::serve(listener, app)
        .with_graceful_shutdown(terminated)
        .await
}

async fn greet() -> &'static str {
    info!("new request received");
    "Hello, World!\n"
}

/// A long job, which a restart would throw back to its beginning.
async fn count() {
    for steps in 1u64.. {
        tokio::time::sleep(Duration::from_secs(1)).await;
        info!(steps, "background job goes on");
    }
}
