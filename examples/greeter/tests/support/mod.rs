//! The greeter as a real process, with a volume as a kubelet writes it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use retune_mount::Publisher;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The key of the volume.
pub(crate) const KEY: &str = "configmap-microservice-demo.yaml";

/// Long enough for a loaded machine; only a failing test waits as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A greeter with a volume of its own. It ends when this is dropped.
pub(crate) struct Pod {
    child: Child,
    volume: Publisher,
    lines: Receiver<String>,
    /// Where it listens.
    address: String,
    _dir: TempDir,
}

/// The program, on a volume that is elsewhere than in a pod, and on a port that is free.
pub(crate) fn greeter(volume: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_greeter"));
    command
        .env("CONFIG_DIR", volume)
        .env("GREETER_LISTEN", "127.0.0.1:0");
    command
}

impl Pod {
    pub(crate) fn start(document: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let volume = Publisher::create(dir.path().join("config")).unwrap();
        volume.publish([(KEY, document)]).unwrap();
        let mut command = greeter(volume.dir());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // Ends when the program does, or when nobody listens any more.
        thread::spawn(move || {
            let lines = output.lines().map(Result::unwrap);
            let _ = lines.map(|line| sender.send(line)).find(Result::is_err);
        });
        let mut pod = Self {
            child,
            volume,
            lines,
            address: String::new(),
            _dir: dir,
        };
        let line = pod.line();
        let address = line.strip_prefix("Listening on '");
        let address = address.and_then(|rest| rest.strip_suffix("'...."));
        pod.address = address.expect(&line).to_owned();
        pod
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.expect("a line is printed")
    }

    /// A new version of the document.
    pub(crate) fn publish(&self, document: &str) {
        self.publish_keys(&[(KEY, document)]);
    }

    /// A new version of the volume.
    pub(crate) fn publish_keys(&self, keys: &[(&str, &str)]) {
        self.volume.publish(keys.iter().copied()).unwrap();
    }

    /// Asks it for a page.
    pub(crate) fn get(&self, path: &str) -> String {
        get(&self.address, path)
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

    /// Ends it as Kubernetes does, and gives what it printed since the last line that was asked for.
    pub(crate) fn terminate(mut self) -> (ExitStatus, Vec<String>) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut last = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => last.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("still there after SIGTERM"),
            }
        }
        (self.child.wait().unwrap(), last)
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Asks for a page.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
