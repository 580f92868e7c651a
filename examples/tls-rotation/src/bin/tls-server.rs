//! Answers over TLS, with whatever certificate is mounted when a connection is made.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::net::SocketAddr;
use std::{env, io};

use axum::{Router, routing::get};
use retune::{OrExit, Retune, Snapshot};
use retune_axum::Current;
use retune_rustls::Identity;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tls_rotation::TlsListener;
use tokio::signal::unix::{SignalKind, signal};

/// Answers over TLS.
#[derive(Debug, Retune)]
struct Config {
    /// The certificate and its key: `tls.crt` and `tls.key`.
    tls: Identity,
    /// Address to answer on over TLS. A change waits for a restart.
    #[retune(default = "0.0.0.0:8443", restart)]
    listen: SocketAddr,
    /// Address to serve the status on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    status: SocketAddr,
}

/// The certificate that new connections have.
async fn answer(Current(config): Current<Config>) -> String {
    let (serial, generation) = (config.tls.serial(), Snapshot::generation(&config));
    format!("certificate {serial}, generation {generation}\n")
}

#[tokio::main]
async fn main() -> io::Result<()> {
    // retune's own words: what was changed or refused, and where the mistake is.
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    // It fails where there is one already.
    _ = ring::default_provider().install_default();

    let volume = env::var_os("TLS_DIR").unwrap_or("/etc/tls".into());
    let loader = Config::loader().mount(volume).env("HTTPS");
    let config = loader.watch().or_exit();

    let mut terminated = signal(SignalKind::terminate())?;
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(retune_rustls::follow(config.view(|c| &c.tls)));
    let listener = TlsListener::bind(config.with(|c| c.listen), tls).await?;
    let address = axum::serve::Listener::local_addr(&listener)?;
    let pages = retune_axum::router(config.clone());
    let status = retune_axum::serve(config.with(|c| c.status), pages)?;
    println!(
        "Listening on https://{address}, status on http://{}/configz",
        status.address()
    );
    let tls = config.view(|c| &c.tls);
    tls.subscribe(|tls| println!("{tls}")).detach();

    let app = Router::new().route("/", get(answer)).with_state(config);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move { _ = terminated.recv().await })
        .await
}
