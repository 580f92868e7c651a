//! `cargo demo`: two servers and two clients follow their volumes, for everybody to see.
//!
//! Everything that is claimed here is checked, and what is not so within [`PATIENCE`] ends the demo
//! as a failure. Whatever its end, no process and no file stays behind.

mod lag;
mod process;
mod screen;

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use retune_mount::Publisher;
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

use crate::Result;
use crate::sh::{self, cargo, target_dir};
use lag::Lag;
use process::{Entry, Event, Process};
use screen::{Line, Screen, Style};

/// The demo as far as it has come.
struct Demo {
    screen: Screen,
    pods: Vec<Pod>,
    /// What the processes logged.
    log: Vec<Entry>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    dir: TempDir,
}

/// A process and its own volume, as in a pod.
struct Pod {
    process: Process,
    volume: Publisher,
    server_address: Option<String>,
}

/// How long anything may take that is claimed to happen.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long it must be silent to be called so. Each client calls its server every second.
const SILENCE: Duration = Duration::from_millis(2500);

/// How long what has happened at once may take to arrive here.
const GRACE: Duration = Duration::from_millis(200);

/// What a server logs for a request, and a client for its answer.
const REQUESTS: [&str; 2] = ["new request received", "response received from server"];

/// Shows it; `svg` is where to leave a picture of what was printed.
///
/// # Errors
///
/// When the example does not build, or something that is claimed did not happen.
pub(crate) fn run(svg: Option<&Path>) -> Result {
    sh::run(&mut cargo("build --package log-level --bins"))?;
    println!();
    let mut demo = Demo::new()?;
    demo.start()?;
    demo.silence()?;
    demo.level_to_info()?;
    demo.level_to_warn()?;
    demo.bad_edit()?;
    demo.revert()?;
    demo.end()?;
    svg.map_or(Ok(()), |path| demo.screen.save(path))
}

// === impl Demo: the story ===

impl Demo {
    fn new() -> Result<Self> {
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

    fn start(&mut self) -> Result {
        let title =
            "Two servers and two clients follow their mounted ConfigMaps, without a restart.";
        self.screen.print(Line::default().and(Style::Bold, title));
        let title = "Four real processes; each has a volume, written as a kubelet writes it.";
        self.screen.print(Line::default().and(Style::Dim, title));
        self.screen
            .step("start, with `log-level: warn` in every volume");
        for number in [1, 2] {
            let server = self.start_one("server", number, None)?;
            self.start_one("client", number, Some(format!("http://{server}")))?;
        }
        let pids: Vec<_> = self
            .pods
            .iter()
            .map(|pod| format!("{} {}", pod.process.name, pod.process.pid()))
            .collect();
        self.screen
            .shown(format!("all run; process ids: {}", pids.join(", ")));
        Ok(())
    }

    /// Starts a server or client, and gives the address that it serves.
    fn start_one(&mut self, program: &str, number: u32, calls: Option<String>) -> Result<String> {
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

    /// Nothing may be logged for a while.
    fn silence(&mut self) -> Result {
        let until = Instant::now() + SILENCE;
        if self.next(until)? {
            return Err("that line was logged although the level is `warn`".into());
        }
        self.screen.shown(format!(
            "silence: no line in {} s, while each client calls its server every second",
            SILENCE.as_secs_f64()
        ));
        Ok(())
    }

    fn level_to_info(&mut self) -> Result {
        let from = self.edit("warn", "info")?;
        let names = self.names();
        self.wait("every process logs its requests", from, |log| {
            names.iter().all(|name| {
                log.iter()
                    .any(|entry| entry.process == *name && REQUESTS.contains(&entry.get("message")))
            })
        })?;
        self.wait("a server's background job goes on", from, |log| {
            let steps = |entry: &Entry| entry.number("steps");
            log.iter().filter_map(steps).any(|steps| steps > 2)
        })?;
        self.screen
            .shown("both sides log their requests; the servers' background jobs never stopped");
        let lags = self.applied(2)?;
        self.screen
            .shown("generation 2 is applied in all four; its way, from the rename in each volume:");
        lag::draw(&mut self.screen, &lags);
        Ok(())
    }

    fn level_to_warn(&mut self) -> Result {
        self.edit("info", "warn")?;
        let lags = self.applied(3)?;
        let longest = lags.iter().map(|lag| lag.applied).fold(0.0, f64::max);
        self.screen.shown(format!(
            "generation 3 is applied in all four, {longest:.2} ms after the rename at most"
        ));
        // What was logged before the change was applied may still be on its way.
        self.drain(GRACE)?;
        self.silence()
    }

    fn bad_edit(&mut self) -> Result {
        let from = self.edit("warn", "wran")?;
        let names = self.names();
        let refused = |entry: &&Entry| {
            let message = entry.get("message");
            let place = format!("{}/log-level:1:1", entry.process);
            entry.get("level") == "warn"
                && message.contains(&place)
                && message.contains("did you mean `warn`?")
        };
        self.wait(
            "every process refuses it, with place and suggestion",
            from,
            |log| {
                names.iter().all(|name| {
                    log.iter()
                        .filter(refused)
                        .any(|entry| entry.process == *name)
                })
            },
        )?;
        self.statuses(
            "every status is degraded and still at generation 3",
            |status| {
                status["health"] == "degraded"
                    && !status["rejection"].is_null()
                    && status["generation"] == 3
            },
        )?;
        self.screen
            .shown("refused by all four: degraded, and generation 3 serves on");
        Ok(())
    }

    fn revert(&mut self) -> Result {
        self.edit("wran", "warn")?;
        self.statuses("the revert clears every status", |status| {
            status["health"] == "ok" && status["rejection"].is_null() && status["generation"] == 3
        })?;
        self.screen
            .shown("cleared in all four: ok, still generation 3, nothing to apply");
        Ok(())
    }

    fn end(&mut self) -> Result {
        self.screen.step("end: SIGTERM to each");
        let pods = std::mem::take(&mut self.pods);
        let pids: Vec<_> = pods.iter().map(|pod| pod.process.pid()).collect();
        for pod in pods {
            pod.process.terminate(PATIENCE)?;
        }
        self.screen
            .shown(format!("all four, {pids:?} as at the start, ended with 0"));
        self.screen.blank();
        let lines = [
            "Shown: running processes follow an edit within milliseconds, refuse a bad one and say why,",
            "and forget it when it is reverted; none was restarted.",
            "Next: examples/log-level/README.md has the code, and the same run in a cluster.",
        ];
        for line in lines {
            self.screen.print(Line::default().and(Style::Bold, line));
        }
        Ok(())
    }
}

// === impl Demo: its means ===

impl Demo {
    /// Publishes another level to every volume. Gives the length of the log before it.
    fn edit(&mut self, from: &str, to: &str) -> Result<usize> {
        self.screen.step(format!(
            "edit both ConfigMaps: `log-level: {from}` becomes `log-level: {to}`"
        ));
        for pod in &self.pods {
            publish(&pod.volume, to, pod.server_address.as_deref())?;
        }
        Ok(self.log.len())
    }

    /// Waits until a generation is applied everywhere, and gives how long that took.
    fn applied(&mut self, generation: u64) -> Result<Vec<Lag>> {
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
    fn statuses(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Vec<Value>> {
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
    fn wait(&mut self, what: &str, from: usize, holds: impl Fn(&[Entry]) -> bool) -> Result {
        let until = Instant::now() + PATIENCE;
        while !holds(self.log.get(from..).unwrap_or_default()) {
            if !self.next(until)? {
                return Err(format!("not so within {PATIENCE:?}: {what}"));
            }
        }
        Ok(())
    }

    /// Shows what is logged for some time.
    fn drain(&mut self, time: Duration) -> Result {
        let until = Instant::now() + time;
        while self.next(until)? {}
        Ok(())
    }

    /// Shows the next line that is logged; whether there was one in time.
    fn next(&mut self, until: Instant) -> Result<bool> {
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
        let message = entry.get("message").replace(&place, "");
        let mut lines = message.lines();
        let first = self
            .screen
            .now()
            .and(Style::Name, format!("{:<9} ", entry.process))
            .and(level, format!("{:<5} ", entry.get("level")))
            .and(Style::Plain, lines.next().unwrap_or_default())
            .and(Style::Dim, format!("  {}", entry.others()));
        self.screen.print(first);
        // Of a report that all give, one is enough.
        if entry.process == "server-1" {
            for line in lines.filter(|line| !line.is_empty()) {
                self.screen
                    .print(Screen::below().and(level, format!("  {line}")));
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let names = self.pods.iter().map(|pod| pod.process.name.clone());
        names.collect()
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
