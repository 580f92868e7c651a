//! Answers on port 8080 with environment variables as they are now.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::{io, thread};

use env_vars::{Settings, app, typed};
use retune::{EnvView, OrExit, Retune};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    // retune's own words: what was changed or refused, and where the mistake is.
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    let settings = Settings::loader().env("").once().or_exit();
    // Variables by any name, and the same as a type.
    let env = EnvView::watch(&settings.config_dir).or_exit();
    let typed = typed::Config::loader().mount(&settings.config_dir).env("");
    let typed = typed.watch().or_exit();
    let pages = app(env.clone(), settings.allowed_vars);
    let pages = pages.nest("/typed", typed::app(typed));

    let mut terminated = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(settings.listen).await?;
    let mut changes = env.changes();
    // The first is what holds at the start.
    changes.next();
    println!("Listening on {}", listener.local_addr()?);
    thread::spawn(|| {
        let names = changes.flat_map(|change| change.paths());
        names.for_each(|name| println!("{name} changed"));
    });

    axum::serve(listener, pages)
        .with_graceful_shutdown(async move { _ = terminated.recv().await })
        .await
}
