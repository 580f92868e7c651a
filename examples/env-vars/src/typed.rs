//! The same variables as a type: for who knows their names.

use axum::{Router, routing::get};
use retune::{Live, Retune};
use retune_axum::Current;

/// The two keys of the ConfigMap.
#[derive(Debug, Retune)]
pub struct Config {
    /// The first.
    pub key1: String,
    /// The second.
    pub key2: String,
}

/// `GET /` tells both, of one moment.
pub fn app(config: Live<Config>) -> Router {
    Router::new()
        .route("/", get(both))
        .with_state(config.clone())
        .merge(retune_axum::router(config))
}

async fn both(config: Current<Config>) -> String {
    format!("key1: {}\nkey2: {}\n", config.key1, config.key2)
}
