//! What an idle configuration costs: nothing changes for ten minutes.
//!
//! Each number of volumes is followed by a process of its own, which this program starts; all are
//! looked at over the same ten minutes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use retune::{Retune, source::Env};
use retune_bench::{Check, Memory, Table, quick, say};

#[derive(Debug, Retune)]
struct Config {
    #[expect(dead_code, reason = "nobody looks")]
    #[retune(default = "")]
    message: String,
}

/// Follows so many volumes until its input ends.
fn follow(volumes: usize) -> io::Result<()> {
    let memory = Memory::new()?;
    let mut loader = Config::loader().env(Env::from_iter("IDLE", [("", ""); 0]));
    for i in 0..volumes {
        let volume = memory.volume(&format!("volume-{i}"));
        volume
            .publish([("message", "hello")])
            .map_err(io::Error::other)?;
        loader = loader.mount(volume.dir());
    }
    let live = loader.watch().map_err(io::Error::other)?;
    let mut stdout = io::stdout();
    stdout.write_all(b"!")?;
    stdout.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    live.stop().map_err(io::Error::other)
}

/// What a thread has used so far.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    wake_ups: u64,
    /// On a processor, in user and in kernel.
    nanoseconds: u64,
}

/// A process that follows volumes.
struct Follower {
    volumes: usize,
    process: Child,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--follow") {
        return follow(arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1));
    }
    let span = Duration::from_secs(if quick() { 2 } else { 600 });
    let mut followers = Vec::new();
    for volumes in [1, 200, 1000] {
        followers.push(Follower::start(volumes)?);
    }
    // What a start leaves to do.
    thread::sleep(Duration::from_secs(1));
    say(format_args!("idle for {} s", span.as_secs()));
    let before: Vec<_> = followers.iter().map(Follower::used).collect();
    thread::sleep(span);
    let after: Vec<_> = followers.iter().map(Follower::used).collect();

    let minutes = span.as_secs_f64() / 60.0;
    let mut table = Table {
        title: "Idle".into(),
        how: format!(
            "What the threads of a process use over {} minutes in which nothing changes: how often a minute \
             each wakes up (voluntary context switches), and the processor's time of all, user and kernel. \
             Each number of volumes is followed by a process of its own, in the same minutes.",
            (minutes * 10.0).round() / 10.0
        ),
        columns: [
            "volumes",
            "watching thread, wake-ups a minute",
            "reload thread",
            "all",
            "processor time, ms a minute",
            "of a core",
        ]
        .map(Into::into)
        .into(),
        ..Table::default()
    };
    for ((follower, before), after) in followers.iter().zip(before).zip(after) {
        let difference = |name: &String, now: &Used| {
            let then = before.get(name).copied().unwrap_or_default();
            (
                now.wake_ups - then.wake_ups,
                now.nanoseconds - then.nanoseconds,
            )
        };
        let used: BTreeMap<_, _> = after
            .iter()
            .map(|(name, now)| (name.as_str(), difference(name, now)))
            .collect();
        let wake_ups = |name| used.get(name).map_or(0, |used| used.0) as f64 / minutes;
        let all = used.values().map(|used| used.0).sum::<u64>() as f64 / minutes;
        let time = used.values().map(|used| used.1).sum::<u64>() as f64 / 1e6 / minutes;
        table.row([
            follower.volumes.to_string(),
            format!("{:.1}", wake_ups("retune-mount")),
            format!("{:.1}", wake_ups("retune-reload")),
            format!("{all:.1}"),
            format!("{time:.2}"),
            format!("{:.5} %", time / 600.0),
        ]);
        let what = format!("wake-ups a minute with {} followed", follower.volumes);
        table.checks.push(Check::at_most(what, all, 6.0, ""));
    }
    for follower in followers {
        follower.stop()?;
    }
    table.print()
}

// === impl Follower ===

impl Follower {
    /// Starts one, and waits until it follows.
    fn start(volumes: usize) -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--follow", &volumes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdout.read_exact(&mut [0])?;
        Ok(Self { volumes, process })
    }

    /// By the name of the thread.
    fn used(&self) -> BTreeMap<String, Used> {
        let mut threads = BTreeMap::<_, Used>::new();
        let tasks = Path::new("/proc")
            .join(self.process.id().to_string())
            .join("task");
        for task in fs::read_dir(tasks).into_iter().flatten().flatten() {
            let read = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
            let wake_ups = read("status").lines().find_map(|line| {
                line.strip_prefix("voluntary_ctxt_switches:")?
                    .trim()
                    .parse()
                    .ok()
            });
            let nanoseconds = read("schedstat")
                .split(' ')
                .next()
                .and_then(|n| n.parse().ok());
            let thread = threads.entry(read("comm").trim().to_owned()).or_default();
            thread.wake_ups += wake_ups.unwrap_or(0_u64);
            thread.nanoseconds += nanoseconds.unwrap_or(0_u64);
        }
        threads
    }

    /// Ends it well, so that its folders go too.
    fn stop(mut self) -> io::Result<()> {
        drop(self.process.stdin.take());
        self.process.wait().map(|_| ())
    }
}
