//! Signs tokens. A new key signs when every `api` has it.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};
use std::{env, io};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use jwt_rotation::{listen, peers, terminated, token};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use retune::{KeySet, Live, OrExit, Retune, Signer};
use serde::Deserialize;
use serde_json::{Value, json};

/// Signs tokens.
#[derive(Debug, Retune)]
struct Config {
    /// The keys. In files alone: a variable stays as it is.
    #[retune(not_from(env, flags))]
    jwt: KeySet,
    /// Who checks tokens: names with ports. Each address behind a name is asked.
    #[retune(default = "api:8080")]
    apis: Vec<String>,
    /// How long a token is valid.
    #[retune(default = "10m")]
    token_lifetime: Duration,
    /// Address to listen on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    listen: SocketAddr,
}

#[derive(Clone)]
struct Auth {
    config: Live<Config>,
    signer: Signer<Config>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "somebody")]
    sub: String,
}

fn somebody() -> String {
    "somebody".to_owned()
}

#[tokio::main]
async fn main() -> io::Result<()> {
    // retune's own words: which key signs, which waits, and for whom.
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    let keys = env::var_os("KEYS_DIR").unwrap_or("/etc/jwt".into());
    let config = Config::loader().mount(keys).env("").watch().or_exit();

    let (agent, apis) = (peers::agent(), config.view(|c| &c.apis));
    let ask = move |kid: &str| peers::all_have(&agent, &apis.get(), kid);
    let signer = Signer::start(config.view(|c| &c.jwt), ask);

    let terminated = terminated();
    let listener = listen(config.with(|c| c.listen)).await?;
    println!("auth on {}", listener.local_addr()?);
    let pages = Router::new()
        .route("/token", get(sign).post(sign))
        .route("/signer", get(status))
        .route("/metrics", get(metrics))
        .with_state(Auth {
            config: config.clone(),
            signer,
        })
        .merge(retune_axum::configz(config));
    axum::serve(listener, pages)
        .with_graceful_shutdown(terminated)
        .await
}

/// Whoever asks gets a token: this story is about keys.
async fn sign(
    State(auth): State<Auth>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let lifetime = auth.config.with(|c| c.token_lifetime);
    auth.signer.with(|kid, key| {
        let token = token::sign(Some(kid), key, &asked.sub, lifetime);
        let token = token.map_err(|e| (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
        Ok(Json(json!({
            "token": token,
            "kid": kid,
            "expires_in": lifetime.as_secs(),
        })))
    })
}

/// Which key signs, and who the others wait for.
async fn status(State(auth): State<Auth>) -> Json<Value> {
    let status = auth.signer.status();
    let waiting = status.waiting().map(|key| {
        json!({
            "kid": key.kid,
            "seconds": age(key.since),
            "asked": key.asked,
            "lacking": key.lacking,
        })
    });
    Json(json!({
        "generation": status.generation,
        "kid": status.kid,
        "by": format!("{:?}", status.by),
        "waiting": waiting.collect::<Vec<_>>(),
    }))
}

async fn metrics(State(auth): State<Auth>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(retune_axum::collector(auth.config)));
    let (signs, waits) = (
        Family::<[(&str, String); 1], Gauge>::default(),
        Family::<[(&str, String); 1], Gauge>::default(),
    );
    let status = auth.signer.status();
    let of = |kid: &str| [("kid", kid.to_owned())];
    signs.get_or_create(&of(&status.kid)).set(1);
    for key in status.waiting() {
        let seconds = i64::try_from(age(key.since)).unwrap_or(i64::MAX);
        waits.get_or_create(&of(&key.kid)).set(seconds);
    }
    registry.register("jwt_signs", "Key that signs", signs);
    registry.register("jwt_waits_seconds", "For how long a key has waited", waits);
    let mut text = String::new();
    // A string takes whatever is written.
    _ = encode(&mut text, &registry);
    text
}

fn age(since: SystemTime) -> u64 {
    since.elapsed().unwrap_or_default().as_secs()
}
