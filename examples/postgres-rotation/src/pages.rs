//! What is shown: the answer of the database, and who asked.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router, routing::get};
use retune::Live;
use serde_json::{Value, json};

use crate::config::Config;
use crate::pool::Pool;

/// The pages: `/` asks the database; `/configz` and `/metrics` are retune's.
pub fn app(config: Live<Config>, pool: Pool) -> Router {
    Router::new()
        .route("/", get(ask))
        .with_state(pool)
        // For everybody who reaches the port: all values but secrets, and the metrics.
        .merge(retune_axum::router(config))
}

async fn ask(State(pool): State<Pool>) -> Result<Json<Value>, (StatusCode, String)> {
    let unavailable = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why + "\n");
    let connection = pool.get().await.map_err(unavailable)?;
    let row = connection
        .client
        .query_one("select current_user::text", &[]);
    let row = row.await.map_err(|error| unavailable(error.to_string()))?;
    let user: &str = row.get(0);
    let [connections, made, waited] = pool.counts();
    Ok(Json(json!({
        "user": user,
        "generation": connection.with.generation,
        "connections": connections,
        "made": made,
        "waited": waited,
    })))
}
