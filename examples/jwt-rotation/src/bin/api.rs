//! Tells whoever has a valid token who he is.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::net::SocketAddr;
use std::{env, io};

use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;
use axum::{Json, Router};
use jwt_rotation::{listen, terminated, token};
use retune::{KeySet, OrExit, Retune};
use retune_axum::Current;

/// Checks tokens.
#[derive(Debug, Retune)]
struct Config {
    /// The keys. In files alone: a variable stays as it is.
    #[retune(not_from(env, flags))]
    jwt: KeySet,
    /// Address to listen on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    let keys = env::var_os("KEYS_DIR").unwrap_or("/etc/jwt".into());
    let config = Config::loader().mount(keys).env("").watch().or_exit();
    config.view(|c| &c.jwt).refuse_reused_ids().detach();

    let terminated = terminated();
    let listener = listen(config.with(|c| c.listen)).await?;
    println!("api on {}", listener.local_addr()?);
    let pages = Router::new()
        .route("/whoami", get(whoami))
        .route("/keys", get(keys_known))
        .with_state(config.clone())
        .merge(retune_axum::router(config));
    axum::serve(listener, pages)
        .with_graceful_shutdown(terminated)
        .await
}

async fn whoami(config: Current<Config>, headers: HeaderMap) -> (StatusCode, String) {
    let bearer = headers.get(header::AUTHORIZATION);
    let bearer = bearer.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match token::check(bearer.unwrap_or_default(), |kid| config.jwt.get(kid?)) {
        Ok(sub) => (StatusCode::OK, sub),
        Err(refusal) => (StatusCode::UNAUTHORIZED, refusal.to_string()),
    }
}

/// Ids are no secrets.
async fn keys_known(config: Current<Config>) -> Json<Vec<String>> {
    Json(config.jwt.ids().map(str::to_owned).collect())
}
