//! The program as a real process, with a volume as a kubelet writes it.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

mod browser;
mod page;

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

pub(crate) use browser::Browser;
pub(crate) use page::Page;

/// The key of the volume.
pub(crate) const KEY: &str = "config.yaml";

/// Long enough for a loaded machine; only a failing test waits as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program with a volume of its own. It ends when this is dropped.
pub(crate) struct Pod {
    child: Child,
    volume: Publisher,
    lines: Receiver<String>,
    log: Receiver<String>,
    /// Where it listens.
    address: String,
    _dir: TempDir,
}

/// The program, on a volume that is elsewhere than in a pod, and on a port that is free.
pub(crate) fn feature_flags(volume: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_feature-flags"));
    command
        .env("CONFIG_DIR", volume)
        .env("LISTEN", "127.0.0.1:0");
    command
}

/// The document.
pub(crate) fn document(log_level: &str, new_ui: &str) -> String {
    format!("logLevel: {log_level}\nfeatureFlags:\n  newUI: {new_ui}\n")
}

impl Pod {
    pub(crate) fn start(document: &str) -> Self {
        Self::start_with(document, &[])
    }

    /// With arguments.
    pub(crate) fn start_with(document: &str, args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let volume = Publisher::create(dir.path().join("config")).unwrap();
        volume.publish([(KEY, document)]).unwrap();
        let mut command = feature_flags(volume.dir());
        command.args(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pod = Self {
            lines: lines(child.stdout.take().unwrap()),
            log: lines(child.stderr.take().unwrap()),
            child,
            volume,
            address: String::new(),
            _dir: dir,
        };
        let line = pod.line();
        let address = line.strip_prefix("Listening on '");
        let address = address.and_then(|rest| rest.strip_suffix("'...."));
        pod.address = address.expect(&line).to_owned();
        pod
    }

    /// Where it listens, for those who ask on other threads.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.expect("a line is printed")
    }

    /// The next line of its log that holds this.
    #[track_caller]
    pub(crate) fn logged(&self, part: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{part} is logged"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// A new version of the document.
    pub(crate) fn publish(&self, document: &str) {
        self.volume.publish([(KEY, document)]).unwrap();
    }

    /// Asks it for a page.
    pub(crate) fn get(&self, path: &str) -> String {
        get(&self.address, path)
    }

    /// Asks it for the page, in which all places must tell the same.
    #[track_caller]
    pub(crate) fn page(&self) -> Page {
        Page::read(self.get("/"))
    }

    /// Waits for the page to be so.
    #[track_caller]
    pub(crate) fn wait_page(&self, what: &str, is_so: impl Fn(&Page) -> bool) -> Page {
        wait(what, || {
            let page = self.page();
            if is_so(&page) { Ok(page) } else { Err(page) }
        })
    }

    /// Waits for its status to be so.
    #[track_caller]
    pub(crate) fn wait_status(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait(what, || {
            let status: Value = serde_json::from_str(&self.get("/configz")).unwrap();
            if is_so(&status) {
                Ok(status)
            } else {
                Err(status)
            }
        })
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

/// Asks again until it is so.
#[track_caller]
pub(crate) fn wait<T, E: std::fmt::Debug>(what: &str, ask: impl Fn() -> Result<T, E>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(found) => return found,
            Err(found) => assert!(Instant::now() < until, "still not so: {what}: {found:#?}"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// What somebody writes, line by line. Ends when they do, or when nobody listens any more.
pub(crate) fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(output).lines().map(Result::unwrap);
        let _ = lines.map(|line| sender.send(line)).find(Result::is_err);
    });
    lines
}

/// Asks for a page.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
