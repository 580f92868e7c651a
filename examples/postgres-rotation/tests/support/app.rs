//! The program as a real process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use retune_mount::Publisher;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{PATIENCE, Server, eventually};

/// The program with a Secret's volume. It ends when this is dropped.
pub(crate) struct App {
    child: Child,
    secret: Publisher,
    log: Arc<Mutex<Vec<String>>>,
    pub(crate) address: String,
    _dir: TempDir,
}

impl App {
    /// A program that is let in as `user`. More of its environment is `settings`.
    pub(crate) fn start(
        server: &Server,
        user: &str,
        password: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let url = server.url();
        let mut settings = settings.to_vec();
        settings.push(("DATABASE_URL", &url));
        Self::with_keys(&[("username", user), ("password", password)], &settings)
    }

    /// A program whose Secret has these keys.
    pub(crate) fn with_keys(keys: &[(&str, &str)], settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let secret = Publisher::create(dir.path().join("database")).unwrap();
        secret.publish(keys.iter().copied()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_postgres-rotation"));
        command.env("LISTEN", "127.0.0.1:0").env("NO_COLOR", "1");
        for (key, _) in keys {
            let variable = format!("DATABASE_{}_FILE", key.to_uppercase());
            command.env(variable, secret.dir().join(key));
        }
        command.envs(settings.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let keep = log.clone();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| keep.lock().unwrap().push(line));
        });
        let mut app = Self {
            child,
            secret,
            log,
            address: String::new(),
            _dir: dir,
        };
        app.logs("listening");
        let log = app.log();
        let address = log.split("address=").nth(1).unwrap();
        app.address = address.lines().next().unwrap().to_owned();
        app
    }

    /// What a kubelet does with a Secret of a user and a password.
    pub(crate) fn publish(&self, user: &str, password: &str) {
        self.publish_keys(&[("username", user), ("password", password)]);
    }

    pub(crate) fn publish_keys(&self, keys: &[(&str, &str)]) {
        self.secret.publish(keys.iter().copied()).unwrap();
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Waits for a part of its log.
    #[track_caller]
    pub(crate) fn logs(&self, part: &str) {
        eventually(&format!("logged: {part}: {}", self.log()), || {
            self.log().contains(part)
        });
    }

    /// Asks for a page: its status and its text.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(&self.address, path)
    }

    /// Asks for a page, and does not wait for the answer.
    pub(crate) fn begin(&self, path: &str) -> TcpStream {
        begin(&self.address, path)
    }

    /// What the database says.
    #[track_caller]
    pub(crate) fn ask(&self) -> Value {
        let (status, text) = self.get("/");
        assert_eq!(status, 200, "{text}\n{}", self.log());
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.get("/configz").1).unwrap()
    }

    /// Everything that it shows to anybody.
    pub(crate) fn everything(&self) -> String {
        ["/", "/configz", "/metrics"]
            .map(|path| self.get(path).1)
            .concat()
            + &self.log()
    }

    pub(crate) fn terminate(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut ended = None;
        eventually("it ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Asks a program for a page.
pub(super) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = begin(address, path);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let text = answer
        .split_once("\r\n\r\n")
        .map(|(_, text)| text.to_owned());
    (status.unwrap_or_default(), text.unwrap_or_default())
}

fn begin(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    stream
}
