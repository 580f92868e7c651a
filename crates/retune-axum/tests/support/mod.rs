//! What the tests share: a configuration on a real volume, and reading pages.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use retune::source::Mount;
use retune::{Live, Loader, Retune, Secret};
use retune_mount::Publisher;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Retune)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Debug, Retune)]
pub struct Config {
    #[retune(default = "info")]
    pub log_level: Level,
    #[retune(default = "hello")]
    pub message: String,
    pub greeting: Option<String>,
    #[retune(default = "none")]
    pub signing_key: Secret<String>,
    #[retune(default = 0)]
    pub pin: Secret<u16>,
    #[retune(default = 8080, restart)]
    pub port: u16,
    #[retune(default = "none", restart)]
    pub certificate: Secret<String>,
}

/// A volume as a kubelet writes it, in a directory of its own, with room beside it.
pub struct Volume {
    dir: TempDir,
    publisher: Publisher,
}

// === impl Volume ===

impl Volume {
    pub fn new(keys: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::create(dir.path().join("mount")).unwrap();
        let mut volume = Self { dir, publisher };
        volume.publish(keys);
        volume
    }

    pub fn publish(&mut self, keys: &[(&str, &str)]) {
        let keys = keys
            .iter()
            .map(|(key, value)| (PathBuf::from(key), value.as_bytes().to_vec()))
            .collect::<BTreeMap<_, _>>();
        self.publisher.publish(&keys).unwrap();
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("mount")
    }

    /// As a source that shows its values, also where temporary directories lie in memory.
    pub fn not_secret(&self) -> Mount {
        Mount::new(self.path()).not_secret()
    }

    /// A file beside the volume.
    pub fn beside(&self, name: &str, content: &str) -> PathBuf {
        let file = self.dir.path().join(name);
        fs::write(&file, content).unwrap();
        file
    }

    /// The configuration that this volume alone gives.
    pub fn live(&self) -> Live<Config> {
        self.loader().watch().unwrap()
    }

    pub fn loader(&self) -> Loader<Config> {
        Config::loader().mount(self.not_secret())
    }
}

/// Waits for a condition, and fails with what was waited for.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs a future to its end.
pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Asks a router, without a socket.
pub fn ask(router: &Router, path: &str) -> (StatusCode, String) {
    wait(async {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    })
}

/// What `/configz` of a configuration says, whole or of one path.
pub fn configz(live: &Live<Config>, query: &str) -> Value {
    let (status, body) = ask(
        &retune_axum::configz(live.clone()),
        &format!("/configz{query}"),
    );
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Asks a server by its socket: head and body of the answer.
pub fn fetch(address: SocketAddr, path: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// A place's text as origins show it.
pub fn shown(path: &Path) -> String {
    path.display().to_string()
}
