//! What the configuration is, and the pages that show it.
#![forbid(unsafe_code)]

mod html;
mod lag;
mod log;
mod page;

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use retune::{Live, Retune, Snapshot};
use retune_axum::Current;
use tracing::debug;

pub use log::{Level, start_log};

/// A page whose look follows a flag.
#[derive(Debug, Retune)]
pub struct Start {
    /// Volume that holds `config.yaml`.
    #[retune(default = "/etc/app/config")]
    pub config_dir: PathBuf,
    /// Refuses a document with a key that nothing answers to, such as a misspelt one.
    #[retune(default = false)]
    pub strict: bool,
    /// Address to listen on.
    #[retune(default = "0.0.0.0:8080")]
    pub listen: SocketAddr,
}

/// What changes while the program runs: the document `config.yaml`.
#[derive(Debug, Retune)]
pub struct Config {
    /// What is logged.
    #[retune(default = "info")]
    pub log_level: Level,
    /// Which parts of the program are on.
    pub feature_flags: FeatureFlags,
}

/// One of them, and room for more.
#[derive(Debug, Retune)]
pub struct FeatureFlags {
    /// Shows the page in its new look.
    #[retune(default = false)]
    pub new_ui: bool,
}

/// The pages, which show whatever `config` holds when they are asked for.
pub fn app(config: Live<Config>) -> Router {
    Router::new()
        .route("/", get(show_page))
        .route("/lag.svg", get(show_lag))
        .with_state(config.clone())
        // For everybody who reaches the port: all values but secrets, and the metrics.
        .merge(retune_axum::router(config))
}

async fn show_page(State(live): State<Live<Config>>, config: Current<Config>) -> impl IntoResponse {
    let generation = Snapshot::generation(&config.0);
    debug!(
        generation,
        new_ui = config.feature_flags.new_ui,
        "page shown"
    );
    let page = page::render(&config, generation, &live.status());
    ([(CACHE_CONTROL, "no-store")], Html(page))
}

async fn show_lag(State(live): State<Live<Config>>) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "no-store")];
    let bars = lag::last_changes(live.status().history.iter());
    (headers, lag::picture_alone(&bars))
}
