//! `probe record`: what is done to the directory of a volume, over HTTP and on standard output.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use retune_testbed::recorder::Recorder;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde::Deserialize;
use serde_json::json;

use crate::output::{end_on_signal, tell};
use crate::pages::{self, show};

/// Records what is done to the directory of a volume: each event is a line, and `/mark` shows what
/// came of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory that the volume is mounted at.
    dir: PathBuf,
    /// Address of the HTTP pages.
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
}

#[derive(Deserialize)]
struct Asked {
    name: Option<String>,
}

type Shared = Arc<Mutex<Recorder>>;

pub(crate) fn run(args: Args) -> Result<(), String> {
    end_on_signal()?;
    let failed = |error| format!("cannot record {}: {error}", args.dir.display());
    let mut recorder = Recorder::start(&args.dir).map_err(failed)?;
    let tree = recorder.tree().map_err(failed)?;
    tell(
        "start",
        json!({ "dir": args.dir.display().to_string(), "tree": tree }),
    );
    let descriptor = recorder.descriptor();
    let recorder: Shared = Arc::new(Mutex::new(recorder));

    let router = Router::new()
        .route("/mark", get(mark).post(mark))
        .route("/events", get(events))
        .with_state(recorder.clone())
        .merge(pages::common());
    let server = retune_axum::serve(args.listen, router)
        .map_err(|error| format!("cannot serve on {}: {error}", args.listen))?;
    tell(
        "listening",
        json!({ "address": server.address().to_string() }),
    );
    loop {
        match poll(&mut [PollFd::new(&*descriptor, PollFlags::IN)], None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
        tell_events(&mut lock(&recorder)).map_err(failed)?;
    }
}

async fn mark(State(recorder): State<Shared>, Query(asked): Query<Asked>) -> Response {
    let mut recorder = lock(&recorder);
    let marked =
        tell_events(&mut recorder).and_then(|()| recorder.mark(asked.name.unwrap_or_default()));
    match marked {
        Ok(mark) => {
            let mark = json!(mark);
            tell("mark", mark.clone());
            show(&mark)
        }
        Err(error) => fail(error),
    }
}

async fn events(State(recorder): State<Shared>) -> Response {
    let mut recorder = lock(&recorder);
    match tell_events(&mut recorder).and_then(|()| recorder.events().map(|all| json!(all))) {
        Ok(events) => show(&events),
        Err(error) => fail(error),
    }
}

fn fail(error: std::io::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}

/// Whoever takes the events tells them.
fn tell_events(recorder: &mut Recorder) -> std::io::Result<()> {
    for event in recorder.drain()? {
        tell("inotify", json!(event));
    }
    Ok(())
}

fn lock(recorder: &Shared) -> MutexGuard<'_, Recorder> {
    recorder.lock().unwrap_or_else(PoisonError::into_inner)
}
