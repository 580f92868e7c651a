//! A real browser, driven by its own driver: W3C WebDriver, which is JSON over HTTP.

use std::env;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PATIENCE, lines};

/// Chromium with one window. It ends when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    agent: ureq::Agent,
    /// The address of everything that concerns this window.
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts it with a profile of its own; `preferences` are those of Chromium.
    #[track_caller]
    pub(crate) fn start(preferences: &Value) -> Self {
        let program = |name: &str, usual: &str| env::var(name).unwrap_or(usual.to_owned());
        let mut driver = Command::new(program("CHROMEDRIVER", "chromedriver"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver, of the package chromium-driver");
        let output = lines(driver.stdout.take().unwrap());
        let profile = tempfile::tempdir().unwrap();
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(3 * PATIENCE))
            // The driver says in words what it refuses.
            .http_status_as_error(false);
        let mut browser = Self {
            driver,
            agent: agent.build().new_agent(),
            session: String::new(),
            _profile: profile,
        };
        let port = loop {
            let line = output.recv_timeout(PATIENCE).expect("the driver's port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let data = browser._profile.path().join("data");
        let options = json!({
            "binary": program("CHROMIUM", "/usr/bin/chromium"),
            "prefs": preferences,
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
                format!("--user-data-dir={}", data.display()),
            ],
        });
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let driver = format!("http://127.0.0.1:{port}/session");
        let session = answer(browser.agent.post(&driver).send(wanted.to_string()));
        browser.session = format!("{driver}/{}", session["sessionId"].as_str().unwrap());
        browser
    }

    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        self.tell("/url", &json!({ "url": url }));
    }

    /// How wide and high the window is, in pixels.
    #[track_caller]
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.tell("/window/rect", &json!({"width": width, "height": height}));
    }

    #[track_caller]
    pub(crate) fn title(&self) -> String {
        let url = format!("{}/title", self.session);
        answer(self.agent.get(url).call())
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// What a script returns.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.tell("/execute/sync", &json!({"script": script, "args": []}))
    }

    #[track_caller]
    fn tell(&self, what: &str, content: &Value) -> Value {
        let url = format!("{}{what}", self.session);
        answer(self.agent.post(url).send(content.to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // Ends the browser; the driver alone would leave it.
            _ = self.agent.delete(&self.session).call();
        }
        _ = self.driver.kill();
        _ = self.driver.wait();
    }
}

/// What the driver answers with.
#[track_caller]
fn answer(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    let text = answer.unwrap().into_body().read_to_string().unwrap();
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    let value = answer["value"].take();
    assert!(value["error"].is_null(), "{value:#}");
    value
}
