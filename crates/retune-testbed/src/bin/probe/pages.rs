//! What the probe shows over HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use retune::Snapshot;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::config::Probed;
use crate::invariants::revisions;
use crate::output::tell;

/// How an end is asked for.
#[derive(Deserialize)]
struct End {
    code: Option<u8>,
}

/// The pages of a service, retune's own included.
pub(crate) fn router<T: Probed>(app: Arc<App<T>>) -> Router {
    Router::new()
        .route("/values", get(values::<T>))
        .route("/generations", get(generations::<T>))
        .route("/counters", get(counters::<T>))
        .with_state(app.clone())
        .merge(common())
        .merge(retune_axum::router(app.live.clone()))
}

/// What every mode of the probe that serves has.
pub(crate) fn common() -> Router {
    Router::new()
        .route("/ready", get(|| async { "ready\n" }))
        .route("/name", get(|| async { host() }))
        .route("/mounts", get(mounts))
        .route("/exit", get(exit).post(exit))
}

/// Which pod answers.
pub(crate) fn host() -> String {
    let asked = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    std::env::var("HOSTNAME").unwrap_or_else(|_| asked().trim_end().to_owned())
}

pub(crate) fn show(value: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, format!("{value}\n")).into_response()
}

async fn values<T: Probed>(State(app): State<Arc<App<T>>>) -> Response {
    let now = app.live.load();
    let fields = now.fields();
    let shown = fields
        .iter()
        .map(|(name, field)| ((*name).to_owned(), field.shown()));
    show(&json!({
        "generation": Snapshot::generation(&now),
        "revisions": revisions(&fields),
        "values": shown.collect::<Map<_, _>>(),
    }))
}

async fn generations<T: Probed>(State(app): State<Arc<App<T>>>) -> Response {
    app.ledger.note(app.live.status());
    show(&app.ledger.list().into())
}

async fn counters<T: Probed>(State(app): State<Arc<App<T>>>) -> Response {
    let status = app.live.status();
    show(&json!({
        "started": app.started,
        "pid": std::process::id(),
        "reads": app.reads.load(Ordering::Relaxed),
        "generation": status.generation,
        "health": status.health,
        "retune": status.counters,
    }))
}

/// As the process itself sees them.
async fn mounts() -> String {
    std::fs::read_to_string("/proc/self/mounts").unwrap_or_default()
}

async fn exit(Query(end): Query<End>) -> String {
    let code = end.code.unwrap_or(0);
    tell("end", json!({ "code": code }));
    thread::spawn(move || {
        // The answer is to be on its way.
        thread::sleep(Duration::from_millis(200));
        std::process::exit(code.into());
    });
    format!("ends with {code}\n")
}
