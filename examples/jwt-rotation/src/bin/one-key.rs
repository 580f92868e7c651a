//! How it is not done: signs and checks by the one key that is there, without an id. Whoever replaces it makes
//! every process refuse what the others sign, until all have the new one.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::net::SocketAddr;
use std::time::Duration;
use std::{env, io};

use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;
use axum::{Json, Router};
use jwt_rotation::{listen, terminated, token};
use retune::{OrExit, Retune, Secret};
use retune_axum::Current;
use serde_json::{Value, json};

/// Signs and checks tokens.
#[derive(Debug, Retune)]
struct Config {
    /// The key.
    #[retune(not_from(env, flags))]
    signing_key: Secret<String>,
    /// How long a token is valid.
    #[retune(default = "10m")]
    token_lifetime: Duration,
    /// Address to listen on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    let keys = env::var_os("KEYS_DIR").unwrap_or("/etc/jwt".into());
    let config = Config::loader().mount(keys).env("").watch().or_exit();
    let terminated = terminated();
    let listener = listen(config.with(|c| c.listen)).await?;
    println!("one-key on {}", listener.local_addr()?);
    let pages = Router::new()
        .route("/token", get(sign).post(sign))
        .route("/whoami", get(whoami))
        .with_state(config.clone())
        .merge(retune_axum::router(config));
    axum::serve(listener, pages)
        .with_graceful_shutdown(terminated)
        .await
}

async fn sign(config: Current<Config>) -> Result<Json<Value>, (StatusCode, String)> {
    let lifetime = config.token_lifetime;
    let token = token::sign(None, &config.signing_key, "somebody", lifetime);
    let token = token.map_err(|e| (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
    let expires_in = lifetime.as_secs();
    Ok(Json(
        json!({ "token": token, "kid": "", "expires_in": expires_in }),
    ))
}

async fn whoami(config: Current<Config>, headers: HeaderMap) -> (StatusCode, String) {
    let bearer = headers.get(header::AUTHORIZATION);
    let bearer = bearer.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match token::check(bearer.unwrap_or_default(), |_| Some(&config.signing_key)) {
        Ok(sub) => (StatusCode::OK, sub),
        Err(refusal) => (StatusCode::UNAUTHORIZED, refusal.to_string()),
    }
}
