//! One snapshot a request, and a server of its own.

mod support;

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::extract::{FromRef, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use retune::{Live, Snapshot};
use retune_axum::Current;
use support::{Config, Volume, ask, eventually, fetch};

/// A state in which the configuration is one thing among others.
#[derive(Clone)]
struct App {
    config: Live<Config>,
    volume: Arc<Mutex<Volume>>,
}

impl FromRef<App> for Live<Config> {
    fn from_ref(app: &App) -> Self {
        app.config.clone()
    }
}

impl App {
    fn new() -> Self {
        let volume = Volume::new(&[("message", "before")]);
        let config = volume.live();
        let volume = Arc::new(Mutex::new(volume));
        Self { config, volume }
    }

    /// Changes the volume, and returns when readers see it.
    fn change(&self, message: &str) {
        self.volume.lock().unwrap().publish(&[("message", message)]);
        eventually("the change is seen", || {
            self.config.with(|c| c.message == message)
        });
    }
}

#[derive(Clone)]
struct ByMiddleware(String);

/// Sees the configuration first, and then it changes, with the request half way.
async fn change_after_a_look(
    State(app): State<App>,
    first: Current<Config>,
    mut request: Request,
    next: Next,
) -> Response {
    app.change("after");
    request
        .extensions_mut()
        .insert(ByMiddleware(first.message.clone()));
    next.run(request).await
}

async fn both(
    Extension(ByMiddleware(middleware)): Extension<ByMiddleware>,
    one: Current<Config>,
    Current(two): Current<Config>,
) -> String {
    assert_eq!(Snapshot::generation(&one.0), Snapshot::generation(&two));
    format!("{middleware} {} {}", one.message, two.message)
}

#[test]
fn g10_request_consistency_across_middleware_and_extractors() {
    let app = App::new();
    let router = Router::new()
        .route("/", get(both))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            change_after_a_look,
        ))
        .with_state(app.clone());
    assert_eq!(ask(&router, "/").1, "before before before");
    app.config
        .with(|config| assert_eq!(config.message, "after"));
    // The next request is another one.
    app.change("later");
    assert_eq!(ask(&router, "/").1, "later later later");
}

#[test]
fn the_pages_are_merged_or_nested_in_a_router_with_any_state() {
    let app = App::new();
    let router: Router = Router::new()
        .route(
            "/",
            get(|config: Current<Config>| async move { config.message.clone() }),
        )
        .merge(retune_axum::metrics(app.config.clone()))
        .nest("/debug", retune_axum::configz(app.config.clone()))
        .with_state(app.clone());
    for (path, status) in [
        ("/", StatusCode::OK),
        ("/metrics", StatusCode::OK),
        ("/debug/configz", StatusCode::OK),
        ("/configz", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ask(&router, path).0, status, "{path}");
    }
    // Where the state is the configuration itself, or there is none.
    let plain = Router::new()
        .route(
            "/",
            get(|config: Current<Config>| async move { config.message.clone() }),
        )
        .with_state(app.config.clone())
        .merge(retune_axum::router(app.config.clone()));
    assert_eq!(ask(&plain, "/").1, "before");
    assert_eq!(ask(&plain, "/configz").0, StatusCode::OK);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = retune_axum::serve(address, Router::new()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    let told = error.to_string();
    assert!(
        told.starts_with(&format!("cannot listen on {address}: ")),
        "{told}"
    );
}

#[test]
fn a_server_needs_no_runtime_and_frees_its_port_when_dropped() {
    let live = Volume::new(&[("message", "hi")]).live();
    let server = retune_axum::serve("127.0.0.1:0", retune_axum::router(live.clone())).unwrap();
    let address = server.address();
    assert!(fetch(address, "/configz").0.starts_with("HTTP/1.1 200 "));
    let taken = retune_axum::serve(address, retune_axum::router(live.clone()));
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    drop(server);
    TcpListener::bind(address).expect("the port is free");

    let kept = retune_axum::serve("127.0.0.1:0", retune_axum::configz(live)).unwrap();
    let address = kept.address();
    kept.detach();
    assert!(fetch(address, "/configz").0.starts_with("HTTP/1.1 200 "));
    assert!(fetch(address, "/metrics").0.starts_with("HTTP/1.1 404 "));
}
