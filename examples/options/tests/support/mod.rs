//! The token's program as a real process, with a Secret's volume as a kubelet writes it.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use retune_mount::Publisher;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Where the Secret is mounted in the container.
pub(crate) const MOUNT: &str = "/secrets/example-secret";

/// The key of the Secret.
pub(crate) const KEY: &str = "auth-token";

/// Long enough for a loaded machine; only a failing test waits as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A container's file system that is seen from outside of it, at a plain folder.
pub(crate) struct Container {
    dir: TempDir,
    pub(crate) secret: Publisher,
}

/// The program outside of its container. It ends when this is dropped.
pub(crate) struct Outside {
    child: Child,
    lines: Receiver<String>,
    /// What it has logged.
    log: RefCell<Vec<String>>,
    /// Where it serves its status.
    address: String,
}

// === impl Container ===

impl Container {
    pub(crate) fn new(token: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mount = dir.path().join(MOUNT.trim_start_matches('/'));
        std::fs::create_dir_all(mount.parent().unwrap()).unwrap();
        let secret = Publisher::create(mount).unwrap();
        secret.publish([(KEY, token)]).unwrap();
        Self { dir, secret }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Where the token really is.
    pub(crate) fn token(&self) -> PathBuf {
        self.secret.dir().join(KEY)
    }

    /// The program with the variables of the container, and its root.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_token"));
        command
            .env("AUTH_TOKEN_FILE", format!("{MOUNT}/{KEY}"))
            .env("TELEPRESENCE_ROOT", self.root())
            .env("LISTEN", "127.0.0.1:0");
        command
    }

    pub(crate) fn start(&self) -> Outside {
        Outside::start(&mut self.command())
    }
}

// === impl Outside ===

impl Outside {
    pub(crate) fn start(command: &mut Command) -> Self {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = output.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        // Both end when the program does, or when nobody listens any more.
        let (stdout, log) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let log_sender = sender.clone();
        thread::spawn(move || pass_on(stdout, |line| sender.send(line).is_ok()));
        thread::spawn(move || pass_on(log, |line| log_sender.send(format!("log: {line}")).is_ok()));
        let mut outside = Self {
            child,
            lines,
            log: RefCell::default(),
            address: String::new(),
        };
        let line = outside.line();
        let address = line.strip_prefix("status on http://");
        let address = address.and_then(|rest| rest.strip_suffix("/configz"));
        outside.address = address.expect(&line).to_owned();
        outside
    }

    /// The next line that it prints, without those of its log.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.expect("a line is printed");
            if !line.starts_with("log: ") {
                return line;
            }
            self.log.borrow_mut().push(line);
        }
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

    /// Ends it as Kubernetes does, and gives what it logged, and what it printed since the last line that
    /// was asked for.
    pub(crate) fn terminate(mut self) -> (ExitStatus, Vec<String>) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut last = self.log.take();
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

impl Drop for Outside {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn pass_on(output: impl Read, mut send: impl FnMut(String) -> bool) {
    let lines = BufReader::new(output).lines().map(Result::unwrap);
    let _ = lines.map(&mut send).find(|sent| !sent);
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
