//! Serves the page on port 8080, in the look that a mounted document says.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::{env, io};

use feature_flags::{Config, Start, app, start_log};
use retune::source::Mount;
use retune::{OrExit, Retune};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    let set_level = start_log();
    // CONFIG_DIR, STRICT, LISTEN; or --config-dir, --strict, --listen.
    let start = Start::loader().env("").args(env::args_os());
    let start = start.once().or_exit();

    // No secrets here, even where the volume lies in memory.
    let volume = Mount::new(start.config_dir).not_secret();
    let loader = Config::loader().mount(volume);
    let loader = if start.strict {
        loader.strict()
    } else {
        loader
    };
    let config = loader.watch().or_exit();
    config.view(|c| &c.log_level).subscribe(set_level).detach();

    let mut terminated = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(start.listen).await?;
    println!("Listening on '{}'....", listener.local_addr()?);
    axum::serve(listener, app(config))
        .with_graceful_shutdown(async move { _ = terminated.recv().await })
        .await
}
