//! Answers on port 8080 with the message of a mounted document.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::{env, io};

use greeter::{Config, app};
use retune::source::Mount;
use retune::{OrExit, Retune, Snapshot};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    if env::args().nth(1).as_deref() == Some("schema") {
        // For `retune check`, and for editors.
        println!("{}", Config::json_schema());
        return Ok(());
    }
    // retune's own words: what was changed or refused, and where the mistake is.
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    let volume = env::var_os("CONFIG_DIR").unwrap_or("/etc/config".into());
    // No secrets here, even where the volume lies in memory.
    let volume = Mount::new(volume).not_secret();
    let loader = Config::loader().mount(volume).env("GREETER");
    let config = loader.watch().or_exit();

    let mut terminated = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(config.with(|c| c.listen)).await?;
    println!("Listening on '{}'....", listener.local_addr()?);
    let printing = config.subscribe(|change| {
        // The first call is about what holds by then: the start, or an update that was quicker.
        if Snapshot::generation(change.new_value()) > 1 {
            println!("Configfile Updated");
        }
    });
    printing.detach();

    axum::serve(listener, app(config))
        .with_graceful_shutdown(async move { _ = terminated.recv().await })
        .await
}
