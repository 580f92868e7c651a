//! The pages: `/configz` for people and programs, `/metrics` for Prometheus.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use retune::status::Status;
use retune::{Explanation, Live};
use serde::{Deserialize, Serialize};

use crate::collector;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What `/configz` shows.
#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    status: Status,
    values: Vec<Explanation>,
}

/// What `/configz` says when it is asked for a value that there is not.
#[derive(Serialize)]
struct Unknown {
    error: String,
    help: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    path: Option<String>,
}

/// Both pages: [`configz`] and [`metrics`].
pub fn router<S>(live: Live<impl Send + Sync + 'static>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    configz(live.clone()).merge(metrics(live))
}

/// `GET /configz`: the status as JSON, with every value and where it came from. Secrets are
/// redacted; everything else is shown, so it is for those who may read the configuration.
///
/// `GET /configz?path=logLevel` explains one value, by any writing of its path.
pub fn configz<S>(live: Live<impl Send + Sync + 'static>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/configz", get(show_config))
        .with_state(live)
}

/// `GET /metrics`: the metrics of [`collector`](crate::collector()) in the OpenMetrics text format,
/// for programs that have no registry of their own. No value of the configuration is in it.
pub fn metrics<S>(live: Live<impl Send + Sync + 'static>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/metrics", get(show_metrics))
        .with_state(live)
}

async fn show_config<T: Send + Sync + 'static>(
    State(live): State<Live<T>>,
    Query(asked): Query<Asked>,
) -> Response {
    let Some(path) = asked.path else {
        return json(StatusCode::OK, &Page::of(&live));
    };
    match live.explain(&path) {
        Some(explanation) => json(StatusCode::OK, &explanation),
        None => {
            let unknown = Unknown {
                error: format!("no value has the path `{path}`"),
                help: live
                    .nearest(&path)
                    .map(|near| format!("did you mean `{near}`?")),
            };
            json(StatusCode::NOT_FOUND, &unknown)
        }
    }
}

async fn show_metrics<T: Send + Sync + 'static>(State(live): State<Live<T>>) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(collector(live)));
    let mut body = String::new();
    match text::encode(&mut body, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPENMETRICS)], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

// === impl Page ===

impl Page {
    /// Asks anew when a change came between the status and the values; where changes come that
    /// fast, the next look shows another page anyway.
    fn of(live: &Live<impl Send + Sync + 'static>) -> Self {
        let mut status = live.status();
        let mut values = live.explain_all();
        for _ in 0..3 {
            let now = live.status();
            if now.generation == status.generation {
                break;
            }
            status = now;
            values = live.explain_all();
        }
        Self { status, values }
    }
}

/// People read it as well, so it is indented; and nothing on the way may keep it.
fn json(status: StatusCode, content: &impl Serialize) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    match serde_json::to_string_pretty(content) {
        Ok(body) => (status, headers, body + "\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
