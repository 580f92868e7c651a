//! A program as a real process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{PATIENCE, eventually};

/// One process of a program. It ends when this is dropped.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
    log: Arc<Mutex<String>>,
}

// === impl Process ===

impl Process {
    /// Starts a program of this example, on a port that is free.
    #[track_caller]
    pub(crate) fn start(program: &str, environment: &[(&str, &str)]) -> Self {
        let path = match program {
            "auth" => env!("CARGO_BIN_EXE_auth"),
            "api" => env!("CARGO_BIN_EXE_api"),
            "visitor" => env!("CARGO_BIN_EXE_visitor"),
            "one-key" => env!("CARGO_BIN_EXE_one-key"),
            other => panic!("no program {other}"),
        };
        let mut command = Command::new(path);
        command.env("LISTEN", "127.0.0.1:0");
        command.envs(environment.iter().copied());
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = output.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, told) = (child.stderr.take().unwrap(), log.clone());
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut told = told.lock().unwrap();
                told.push_str(&line);
                told.push('\n');
            }
        });
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix(&format!("{program} on "));
        let address = address.expect(&line).to_owned();
        Self {
            child,
            address,
            log,
        }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        get(&self.address, path)
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path)).unwrap()
    }

    /// The generation of its configuration.
    pub(crate) fn generation(&self) -> u64 {
        self.json("/configz")["generation"].as_u64().unwrap()
    }

    #[track_caller]
    pub(crate) fn until_generation(&self, generation: u64) {
        let what = format!("generation {generation} at {}", self.address);
        eventually(&what, || self.generation() == generation);
    }

    /// What `GET /whoami` says to this token: whether it is accepted, and why not.
    pub(crate) fn show(&self, token: &str) -> Result<String, String> {
        show(&self.address, token)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// It is still the process of the start.
    #[track_caller]
    pub(crate) fn assert_alive(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {}", self.log());
    }

    /// Ends it as Kubernetes does.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Asks for a page.
pub(crate) fn get(address: &str, path: &str) -> String {
    let (status, body) = ask(address, path, "");
    assert_eq!(status, "200", "{path}: {body}");
    body
}

/// Shows a token to an `api`.
pub(crate) fn show(address: &str, token: &str) -> Result<String, String> {
    let header = format!("Authorization: Bearer {token}\r\n");
    match ask(address, "/whoami", &header) {
        (status, body) if status == "200" => Ok(body),
        (status, body) if status == "401" => Err(body),
        (status, body) => panic!("{status}: {body}"),
    }
}

fn ask(address: &str, path: &str, header: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n{header}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let status = head.split(' ').nth(1).expect("a status");
    (status.to_owned(), body.to_owned())
}
