//! Holds a token that a Secret gives, follows it, and never shows it.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::io;
use std::net::SocketAddr;

use retune::{OrExit, Retune, Secret};
use tokio::signal::unix::{SignalKind, signal};

/// Holds a token.
#[derive(Debug, Retune)]
struct Config {
    /// By what others know this program. In a file alone: a variable is there for every child, and in
    /// many a dump.
    #[retune(validate = not_empty, not_from(env))]
    auth_token: Secret<String>,
    /// Address to serve the status on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    listen: SocketAddr,
}

fn not_empty(token: &Secret<String>) -> Result<(), &'static str> {
    match token.expose().is_empty() {
        true => Err("it is empty"),
        false => Ok(()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    // retune's own words: what was changed or refused, and where the mistake is.
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    // AUTH_TOKEN_FILE, and where the container's files are when this runs outside of it.
    let loader = Config::loader().env("").root_from_env("TELEPRESENCE_ROOT");
    let config = loader.watch().or_exit();
    let mut terminated = signal(SignalKind::terminate())?;
    let pages = retune_axum::router(config.clone());
    let status = retune_axum::serve(config.with(|c| c.listen), pages)?;
    println!("status on http://{}/configz", status.address());

    let explained = config.clone();
    let mut has = "has a token";
    let printing = config.view(|c| &c.auth_token).subscribe(move |_token| {
        if let Some(given) = explained.explain("auth_token").and_then(|told| told.winner) {
            println!("{has}: {given}");
        }
        has = "has another token";
    });
    printing.detach();

    terminated.recv().await;
    Ok(())
}
