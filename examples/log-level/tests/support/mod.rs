//! Servers and clients as real processes, each with a volume as a kubelet writes it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use retune_mount::Publisher;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Long enough for a loaded machine; only a failing test waits as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server or client with a volume of its own. It ends when this is dropped.
pub(crate) struct Pod {
    child: Child,
    volume: Publisher,
    lines: Receiver<Value>,
    /// Every line that was logged, as far as it was waited for.
    pub(crate) log: Vec<Value>,
    /// Where it listens.
    pub(crate) address: String,
    _dir: TempDir,
}

impl Pod {
    pub(crate) fn server(keys: &[(&str, &str)]) -> Self {
        Self::start(env!("CARGO_BIN_EXE_server"), keys)
    }

    pub(crate) fn client(keys: &[(&str, &str)]) -> Self {
        Self::start(env!("CARGO_BIN_EXE_client"), keys)
    }

    fn start(program: &str, keys: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let volume = Publisher::create(dir.path().join("configs")).unwrap();
        volume.publish(keys.iter().copied()).unwrap();
        let mut command = Command::new(program);
        command.env("LISTEN", "127.0.0.1:0");
        for (key, _) in keys {
            let variable = key.to_uppercase().replace('-', "_") + "_FILE";
            command.env(variable, volume.dir().join(key));
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in log.lines() {
                let line = line.unwrap();
                let parsed = serde_json::from_str(&line).unwrap_or_else(|_| line.into());
                if sender.send(parsed).is_err() {
                    return;
                }
            }
        });
        let mut pod = Self {
            child,
            volume,
            lines,
            log: Vec::new(),
            address: String::new(),
            _dir: dir,
        };
        let line = pod.logs("the line that it starts", |_| true);
        let address = line.get("address").or(line.get("status"));
        pod.address = address.unwrap().as_str().unwrap().to_owned();
        pod
    }

    pub(crate) fn publish(&self, keys: &[(&str, &str)]) {
        self.volume.publish(keys.iter().copied()).unwrap();
    }

    /// Waits for a line of the log, and gives it.
    #[track_caller]
    pub(crate) fn logs(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("not logged: {what}; {:#?}", self.log),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended without {what}: {:#?}", self.log)
                }
            };
            self.log.push(line.clone());
            if is_it(&line) {
                return line;
            }
        }
    }

    /// How often something was logged, as far as it was waited for.
    pub(crate) fn logged(&self, message: &str) -> usize {
        let same = |line: &&Value| line["message"] == message;
        self.log.iter().filter(same).count()
    }

    /// Asks it for a page.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Waits for its status to be so.
    #[track_caller]
    pub(crate) fn status(&self, what: &str, is_so: impl Fn(&Value) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let status: Value = serde_json::from_str(&self.get("/configz")).unwrap();
            if is_so(&status) {
                return;
            }
            assert!(Instant::now() < until, "still not so: {what}: {status:#}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a generation is applied: its subscriber has set the level.
    #[track_caller]
    pub(crate) fn applied(&self, generation: u64) {
        self.status(&format!("generation {generation} is applied"), |status| {
            status["generation"] == generation && !status["times"]["applied"].is_null()
        });
    }

    /// Whether it is still the process that was started.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn terminate(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "still there after SIGTERM");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
