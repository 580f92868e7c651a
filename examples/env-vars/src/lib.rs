//! Which variables there are for whom, and how they are answered.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use retune::{EnvView, Live, Retune};

pub mod typed;

/// What the program itself is told by its environment. Read once.
#[derive(Debug, Retune)]
pub struct Settings {
    /// Where the ConfigMap is mounted.
    #[retune(default = "/config")]
    pub config_dir: PathBuf,
    /// Address to listen on.
    #[retune(default = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Variables that are answered besides those of the ConfigMap.
    #[retune(default)]
    pub allowed_vars: BTreeSet<String>,
}

/// Who asks for a variable gets one of these, or nothing.
#[derive(Clone)]
struct App {
    env: Live<EnvView>,
    /// Answered whether or not the ConfigMap has them.
    allowed: Arc<BTreeSet<String>>,
}

/// The pages, which show whatever `env` holds when they are asked for.
pub fn app(env: Live<EnvView>, mut allowed: BTreeSet<String>) -> Router {
    allowed.extend(env.with(given_by_env_from));
    let app = App {
        env: env.clone(),
        allowed: Arc::new(allowed),
    };
    Router::new()
        .route("/getEnvValue", get(value))
        .with_state(app)
        // For everybody who reaches the port: the mounted keys, and the metrics.
        .merge(retune_axum::router(env))
}

/// Names of the mounted ConfigMap that the process was started with as well: the ConfigMap's own
/// values, that may be answered when a key is removed. What a variable of the same name holds
/// otherwise is none of its business.
fn given_by_env_from(start: &EnvView) -> BTreeSet<String> {
    let is_twin = |name: &&str| {
        // As of a mounted value, one final newline says nothing.
        let inherited = start.inherited(name).map(OsStr::as_bytes);
        let inherited = inherited.map(|value| value.strip_suffix(b"\n").unwrap_or(value));
        inherited == start.get_os(name).map(OsStr::as_bytes)
    };
    start.mounted().filter(is_twin).map(str::to_owned).collect()
}

async fn value(
    State(app): State<App>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Result<Response, (StatusCode, String)> {
    let name = asked.get("var").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        let help = "Which variable? Ask for one as in /getEnvValue?var=KEY1\n";
        (StatusCode::BAD_REQUEST, help.to_owned())
    })?;
    let now = app.env.load();
    let answered = now.is_mounted(name) || app.allowed.contains(name);
    // The same answer for what there is not and for what is nobody's business.
    let value = now.get_os(name).filter(|_| answered).ok_or_else(|| {
        let message = format!("There is no variable {name:?} in the ConfigMap.\n");
        (StatusCode::NOT_FOUND, message)
    })?;
    // As it is: nothing is formatted, and nothing added.
    let text = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((text, value.as_bytes().to_vec()).into_response())
}
