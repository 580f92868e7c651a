//! Answers on port 8080 with what a database says, as the user of a mounted Secret.
#![forbid(unsafe_code)]

use std::io;

use postgres_rotation::{Config, Pool, app, follow, gate};
use retune::{LogFilter, OrExit, Retune};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

#[tokio::main]
async fn main() -> io::Result<()> {
    let (filter, log) = LogFilter::starting_at(LevelFilter::INFO);
    registry().with(fmt::layer()).with(filter).init();
    let mut terminated = signal(SignalKind::terminate())?;
    // DATABASE_URL, DATABASE_USERNAME_FILE, DATABASE_PASSWORD_FILE, ...
    let config = Config::loader().env("").watch().or_exit();
    log.follow(&config.view(|c| &c.log_level)).detach();

    let pool = Pool::new(&config);
    if config.with(|c| c.database.gate) {
        gate(&config, &pool).detach();
    }
    tokio::spawn(follow(config.clone(), pool.clone()));

    let address = config.with(|c| c.listen);
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
    info!(address = %listener.local_addr()?, "listening");
    axum::serve(listener, app(config, pool.clone()))
        .with_graceful_shutdown(async move {
            _ = terminated.recv().await;
            pool.end();
        })
        .await
}
