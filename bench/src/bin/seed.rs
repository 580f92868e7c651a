//! A comparison that a Go service made of its own configuration's two managers, a mutex and a channel,
//! once more and beside retune: nanoseconds a Get, as Go's benchmarks count.
//!
//! Go's ways run in a process of their own, `bench/go/seed`, which is asked for one round at a time, so
//! that all take turns all the same.

use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use retune::Live;
use retune_bench::{Check, Clock, Contender, Rounds, Table, Way, go_program, quick};

/// Why an owned generation may take longer than a pointer that Go's collector looks after.
const COUNTED: &str = "what it gives is counted, by an instruction that locks the word to take it and another to give \
    it back; who reads often has the other two, which count nothing";

/// What a Get returns a reference to.
struct Config {
    message: String,
}

/// One way to get it.
enum Getter {
    Go {
        name: &'static str,
        way: &'static str,
    },
    Rust(Contender),
}

/// The process of Go's ways.
struct Go {
    process: Child,
    answers: BufReader<ChildStdout>,
}

const MUTEX: &str = "Go, mutex";
const CHANNEL: &str = "Go, channel";
const POINTER: &str = "Go, `atomic.Pointer`";
const GET: &str = "retune `Reader::get`";
const WITH: &str = "retune `Live::with`";
const LOAD: &str = "retune `Live::load`";

fn live<R: FnMut() -> u64 + 'static>(
    name: &'static str,
    prepare: impl Fn(&Live<Config>) -> R + Send + Sync + 'static,
) -> Getter {
    let live = Live::fixed(Config {
        message: "Hello World".into(),
    });
    Getter::Rust(Contender::new(name, move || prepare(&live), |_| ()))
}

fn getters() -> Vec<Getter> {
    let length = |config: &Config| black_box(&config.message).len() as u64;
    vec![
        Getter::Go {
            name: MUTEX,
            way: "mutex",
        },
        Getter::Go {
            name: CHANNEL,
            way: "channel",
        },
        Getter::Go {
            name: POINTER,
            way: "pointer",
        },
        live(GET, move |live| {
            let mut reader = live.reader();
            move || length(reader.get())
        }),
        live(WITH, move |live| {
            let live = live.clone();
            move || live.with(length)
        }),
        live(LOAD, move |live| {
            let live = live.clone();
            move || length(&live.load())
        }),
    ]
}

fn main() -> io::Result<()> {
    let (rounds, round) = match quick() {
        true => (1, Duration::from_millis(5)),
        false => (15, Duration::from_millis(40)),
    };
    let mut go = Go::start()?;
    let mut getters = getters();
    let callers = [1, 2, 4];
    let ways = callers.map(|threads| Way {
        threads,
        writer: false,
        round,
    });
    let measured =
        Rounds::measure(
            rounds,
            &ways,
            &mut getters,
            Getter::name,
            |getter, way| match getter {
                Getter::Rust(contender) => Ok(contender.round(*way, Clock::Passing)),
                Getter::Go { way: name, .. } => go.ask(name, *way),
            },
        )?;
    go.stop()?;

    let mut table = Table {
        title: "A read, beside Go".into(),
        how: format!(
            "Nanoseconds that pass per Get, over all that 1, 2 and 4 threads or goroutines do, as `go test -bench` \
             counts: the median of {rounds} rounds in which all take turns. \"÷ mutex\" and \"÷ channel\" are medians \
             of the ratios round by round, over all columns. Below 1 is faster."
        ),
        columns: ["callers", "1", "2", "4", "÷ mutex", "÷ channel"]
            .map(Into::into)
            .into(),
        ..Table::default()
    };
    for name in measured.names() {
        let of_all = [MUTEX, CHANNEL].map(|other| measured.ratio(name, other));
        let cells = measured.medians(name).chain(of_all);
        let cells = cells.map(|figure| format!("{figure:.3}"));
        table.row([(*name).to_owned()].into_iter().chain(cells));
    }
    for name in [GET, WITH, LOAD] {
        let ratio = measured.ratio(name, MUTEX);
        let what = format!("{name} ÷ {MUTEX}");
        let check = Check::at_most(what, ratio, 1.0, "");
        table.checks.push(match name {
            LOAD => check.because(COUNTED),
            _ => check,
        });
    }
    table.contenders = vec![go_version()];
    table.print()
}

/// Such as `Go 1.26.8`.
fn go_version() -> String {
    let said = Command::new("go").args(["env", "GOVERSION"]).output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!("Go {}", said.unwrap_or_default().trim_start_matches("go"))
}

// === impl Getter ===

impl Getter {
    fn name(&self) -> &'static str {
        match self {
            Self::Go { name, .. } => name,
            Self::Rust(contender) => contender.name,
        }
    }
}

// === impl Go ===

impl Go {
    fn start() -> io::Result<Self> {
        let missing =
            || io::Error::other("bench/go/seed is not built; `cargo xtask bench seed` does it");
        let mut process = Command::new(go_program("seed").ok_or_else(missing)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            process,
            answers: BufReader::new(stdout),
        })
    }

    /// One round.
    fn ask(&mut self, name: &str, way: Way) -> io::Result<f64> {
        let mut stdin = self
            .process
            .stdin
            .as_ref()
            .ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(stdin, "{name} {} {}", way.threads, way.round.as_millis())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        answer.trim().parse().map_err(io::Error::other)
    }

    fn stop(mut self) -> io::Result<()> {
        drop(self.process.stdin.take());
        self.process.wait().map(drop)
    }
}
