//! The servers and clients: real processes, whose log lines arrive here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::{Result, sh};

/// A running server or client. It ends when this is dropped.
pub(super) struct Process {
    pub(super) name: String,
    child: Child,
    /// Where it serves its status.
    address: Option<SocketAddr>,
}

/// What can happen.
pub(super) enum Event {
    /// A process logged something.
    Logged(Entry),
    /// A process closed its log: it has ended.
    Ended(String),
    /// The user wants to stop.
    Interrupted,
}

/// A log line.
pub(super) struct Entry {
    pub(super) process: String,
    fields: Map<String, Value>,
}

// === impl Process ===

impl Process {
    /// Starts it; every line that it logs is sent as an event.
    pub(super) fn start(name: &str, command: &mut Command, events: Sender<Event>) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let mut process = Self {
            name: name.to_owned(),
            child,
            address: None,
        };
        let name = name.to_owned();
        if let Some(log) = process.child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(log).lines().map_while(|line| line.ok()) {
                    let event = Event::Logged(Entry::new(&name, &line));
                    if events.send(event).is_err() {
                        return;
                    }
                }
                _ = events.send(Event::Ended(name));
            });
        }
        Ok(process)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn served_at(&mut self, address: SocketAddr) {
        self.address = Some(address);
    }

    /// What `/configz` says.
    pub(super) fn status(&self) -> Result<Value> {
        let body = self.get("/configz")?;
        serde_json::from_str(&body)
            .map_err(|error| format!("the status of {}: {error}: {body:?}", self.name))
    }

    /// Asks it for a page.
    pub(super) fn get(&self, path: &str) -> Result<String> {
        let failed = |error: std::io::Error| format!("{path} of {}: {error}", self.name);
        let address = self
            .address
            .ok_or_else(|| format!("{} serves nothing", self.name))?;
        let patience = Duration::from_secs(5);
        let mut stream = TcpStream::connect_timeout(&address, patience).map_err(failed)?;
        stream.set_read_timeout(Some(patience)).map_err(failed)?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.0 200") => Ok(body.to_owned()),
            _ => Err(format!("{path} of {}: {answer:?}", self.name)),
        }
    }

    /// Asks it to end as Kubernetes does, and waits until it has.
    pub(super) fn terminate(mut self, patience: Duration) -> Result {
        sh::terminate(&mut self.child, &self.name, patience)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // No effect on a process that has ended and was waited for.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

// === impl Entry ===

impl Entry {
    fn new(process: &str, line: &str) -> Self {
        let fields = match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => fields,
            // Shown as it is.
            _ => Map::from_iter([("message".to_owned(), line.into())]),
        };
        Self {
            process: process.to_owned(),
            fields,
        }
    }

    pub(super) fn get(&self, field: &str) -> &str {
        self.fields
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field)?.as_u64()
    }

    /// Where the process says that it listens.
    pub(super) fn address(&self) -> &str {
        match self.get("address") {
            "" => self.get("status"),
            address => address,
        }
    }

    /// What the line tells beside the usual.
    pub(super) fn others(&self) -> String {
        let usual = ["level", "logger", "message", "report", "timestamp"];
        let others = self
            .fields
            .iter()
            .filter(|(name, _)| !usual.contains(&name.as_str()));
        let others = others.map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            Value::Number(number) if number.is_f64() => {
                format!("{name}={:.5}", number.as_f64().unwrap_or_default())
            }
            other => format!("{name}={other}"),
        });
        others.collect::<Vec<_>>().join(" ")
    }
}
