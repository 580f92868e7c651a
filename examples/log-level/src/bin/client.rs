//! Calls the server every second. Its log level and the server's address follow a mounted ConfigMap.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::time::Duration;
use std::{io, thread};

use log_level::{start_log, terminated};
use retune::source::Env;
use retune::{Live, LogFilter, OrExit, Retune};
use tracing::{info, warn};
use ureq::{Agent, http::Uri};

/// Calls a server every second, and logs what it answers.
#[derive(Debug, Retune)]
struct Config {
    /// Which events are logged: `info`, or `info,retune=debug`.
    #[retune(default = "info")]
    log_level: LogFilter,
    /// Where the server is.
    #[retune(default = "http://app-server:8080", from_str, expects = "a URL")]
    server_address: Uri,
    /// Address to serve the status on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    listen: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let log = start_log();
    // No secrets here, even where the volume lies in memory.
    let config = Config::loader()
        .source(Env::new("").not_secret())
        .watch()
        .or_exit();
    let terminated = terminated();
    let pages = retune_axum::router(config.clone());
    let status = retune_axum::serve(config.with(|c| c.listen), pages)?;
    info!(status = %status.address(), "start sending requests ...");
    log.follow(&config.view(|c| &c.log_level)).detach();

    thread::spawn(move || call_server(&config));
    terminated.await;
    Ok(())
}

fn call_server(config: &Live<Config>) {
    let agent = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        // A connection for each request, so that the Service can choose among its servers.
        .max_idle_connections(0)
        .build()
        .new_agent();
    loop {
        thread::sleep(Duration::from_secs(1));
        let server = config.with(|c| c.server_address.clone());
        match agent.get(server).call() {
            Ok(response) => info!(
                "http.statusCode" = response.status().as_u16(),
                "response received from server"
            ),
            Err(error) => warn!(%error, "no response from server"),
        }
    }
}
