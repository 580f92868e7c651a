//! The processes and their volumes, and what is seen of them.

use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use retune_mount::Publisher;
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

use super::lag::Lag;
use super::process::{Entry, Event, Process};
use super::screen::{Screen, Style};
use super::{GRACE, PATIENCE};
use crate::Result;
use crate::sh::target_dir;

/// All that is there.
pub(super) struct Stage {
    pub(super) screen: Screen,
    pub(super) pods: Vec<Pod>,
    /// What the processes logged.
    pub(super) log: Vec<Entry>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    dir: TempDir,
}

/// A process and its own volume, as in a pod.
pub(super) struct Pod {
    pub(super) process: Process,
    volume: Publisher,
    /// What it calls, if it is a client.
    server_address: Option<String>,
}

// === impl Stage ===

impl Stage {
    pub(super) fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("retune-demo-").tempdir();
        let dir = dir.map_err(|error| format!("no temporary directory: {error}"))?;
        let (sender, events) = mpsc::channel();
        let signals = Signals::new([SIGHUP, SIGINT, SIGTERM]);
        let mut signals = signals.map_err(|error| format!("signals: {error}"))?;
        let interrupts = sender.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                _ = interrupts.send(Event::Interrupted);
            }
        });
        Ok(Self {
            screen: Screen::new(),
            pods: Vec::new(),
            log: Vec::new(),
            events,
            sender,
            dir,
        })
    }

    /// Starts a server or client, and gives the address that it serves.
    pub(super) fn start_one(
        &mut self,
        program: &str,
        number: u32,
        calls: Option<String>,
    ) -> Result<String> {
        let name = format!("{program}-{number}");
        let dir = self.dir.path().join(&name);
        let volume = Publisher::create(&dir).map_err(|error| error.to_string())?;
        let mut command = Command::new(target_dir().join("debug").join(program));
        command.env("LISTEN", "127.0.0.1:0");
        command.env("LOG_LEVEL_FILE", dir.join("log-level"));
        if calls.is_some() {
            command.env("SERVER_ADDRESS_FILE", dir.join("server-address"));
        }
        publish(&volume, "warn", calls.as_deref())?;
        let process = Process::start(&name, &mut command, self.sender.clone())?;
        self.pods.push(Pod {
            process,
            volume,
            server_address: calls,
        });
        let from = self.log.len();
        self.wait(&format!("{name} logs that it starts"), from, |log| {
            !log.is_empty()
        })?;
        let address = self.log.get(from).map(Entry::address).unwrap_or_default();
        let parsed = address.parse();
        let parsed = parsed.map_err(|_| format!("{name} does not say where it listens"))?;
        if let Some(pod) = self.pods.last_mut() {
            pod.process.served_at(parsed);
        }
        Ok(address.to_owned())
    }

    /// Publishes another level to every volume. Gives the length of the log before it.
    pub(super) fn edit(&mut self, from: &str, to: &str) -> Result<usize> {
        self.screen.step(format!(
            "edit both ConfigMaps: `log-level: {from}` becomes `log-level: {to}`"
        ));
        for pod in &self.pods {
            publish(&pod.volume, to, pod.server_address.as_deref())?;
        }
        Ok(self.log.len())
    }

    /// Waits until a generation is applied everywhere, and gives how long that took.
    pub(super) fn applied(&mut self, generation: u64) -> Result<Vec<Lag>> {
        let what = format!("generation {generation} is applied everywhere");
        let statuses = self.statuses(&what, |status| {
            status["generation"] == generation && !status["times"]["applied"].is_null()
        })?;
        let names = self.names();
        let lags = names.iter().zip(&statuses);
        let lags: Option<_> = lags.map(|(name, status)| Lag::of(name, status)).collect();
        lags.ok_or_else(|| "a status has no times of the generation".to_owned())
    }

    /// Asks every process for its status until `holds`.
    pub(super) fn statuses(
        &mut self,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Value>> {
        let until = Instant::now() + PATIENCE;
        loop {
            self.drain(Duration::from_millis(20))?;
            let statuses = self.pods.iter().map(|pod| pod.process.status());
            let statuses = statuses.collect::<Result<Vec<_>>>()?;
            if statuses.iter().all(&holds) {
                return Ok(statuses);
            }
            if Instant::now() > until {
                return Err(format!("not so within {PATIENCE:?}: {what}"));
            }
        }
    }

    /// Shows what is logged until it makes `holds` true, of the log from `from` on.
    pub(super) fn wait(
        &mut self,
        what: &str,
        from: usize,
        holds: impl Fn(&[Entry]) -> bool,
    ) -> Result {
        let until = Instant::now() + PATIENCE;
        while !holds(self.log.get(from..).unwrap_or_default()) {
            if !self.next(until)? {
                return Err(format!("not so within {PATIENCE:?}: {what}"));
            }
        }
        Ok(())
    }

    /// Shows what is logged for some time.
    pub(super) fn drain(&mut self, time: Duration) -> Result {
        let until = Instant::now() + time;
        while self.next(until)? {}
        Ok(())
    }

    /// Shows the next line that is logged; whether there was one in time.
    pub(super) fn next(&mut self, until: Instant) -> Result<bool> {
        let left = until.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(left) {
            Ok(Event::Logged(entry)) => {
                self.show(&entry);
                self.log.push(entry);
                Ok(true)
            }
            // Ctrl-C reaches the processes as well, and they may be the first to say so.
            Ok(Event::Ended(name)) => {
                let mut soon = std::iter::from_fn(|| self.events.recv_timeout(GRACE).ok());
                match soon.any(|event| matches!(event, Event::Interrupted)) {
                    true => Err("interrupted".into()),
                    false => Err(format!("{name} has ended")),
                }
            }
            Ok(Event::Interrupted) => Err("interrupted".into()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(false),
        }
    }

    fn show(&mut self, entry: &Entry) {
        let level = match entry.get("level") {
            "info" | "debug" => Style::Plain,
            _ => Style::Warn,
        };
        let place = format!("{}/", self.dir.path().display());
        let report = entry.get("report").replace(&place, "");
        let first = self
            .screen
            .now()
            .and(Style::Name, format!("{:<9} ", entry.process))
            .and(level, format!("{:<5} ", entry.get("level")))
            .and(Style::Plain, entry.get("message"))
            .and(Style::Dim, format!("  {}", entry.others()));
        self.screen.print(first);
        // Of a report that all give, one is enough.
        if entry.process == "server-1" {
            for line in report.lines() {
                self.screen
                    .print(Screen::below().and(level, format!("  {line}")));
            }
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        let names = self.pods.iter().map(|pod| pod.process.name.clone());
        names.collect()
    }
}

// === impl Pod ===

impl Pod {
    pub(super) fn is_server(&self) -> bool {
        self.server_address.is_none()
    }
}

fn publish(volume: &Publisher, level: &str, server_address: Option<&str>) -> Result {
    let keys = [
        ("log-level", Some(level)),
        ("server-address", server_address),
    ];
    let keys = keys
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    match volume.publish(keys) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
