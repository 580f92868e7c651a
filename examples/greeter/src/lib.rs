//! What the greeter's configuration is, and how it answers.
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use axum::{Router, routing::get};
use retune::{Live, Retune};
use retune_axum::Current;

/// Answers with a message.
#[derive(Debug, Retune)]
pub struct Config {
    /// Text that `GET /` answers with. Without a default: a document that lacks it is refused.
    pub message: String,
    /// Address to listen on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    pub listen: SocketAddr,
}

/// The pages, which show whatever `config` holds when they are asked for.
pub fn app(config: Live<Config>) -> Router {
    Router::new()
        .route("/", get(greet))
        .with_state(config.clone())
        // For everybody who reaches the port: all values but secrets, and the metrics.
        .merge(retune_axum::router(config))
}

async fn greet(config: Current<Config>) -> String {
    config.message.clone()
}
