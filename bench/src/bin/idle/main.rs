//! What an idle configuration costs: nothing changes for ten minutes.
//!
//! Each contender follows in a process of its own, which this program starts; all are looked at over the
//! same ten minutes.

mod follow;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use retune_bench::{Check, Table, quick, say};

use follow::Followed;

/// What a thread has used so far.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    wake_ups: u64,
    /// On a processor, in user and in kernel.
    nanoseconds: u64,
}

/// A process that follows.
struct Follower {
    followed: Followed,
    process: Child,
}

/// What a process used a minute.
struct Idle {
    followed: Followed,
    /// By the name of the thread.
    wake_ups: BTreeMap<String, f64>,
    milliseconds: f64,
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--follow") {
        let followed: Followed = arguments.next().unwrap_or_default().parse()?;
        return followed.follow();
    }
    let span = Duration::from_secs(if quick() { 2 } else { 600 });
    let all = [
        Followed::Volumes(1),
        Followed::Volumes(200),
        Followed::Volumes(1000),
        Followed::DynamicConfig,
        Followed::RtbConfig,
    ];
    Ok(table(span, &measure(&all, span)?).print()?)
}

fn measure(all: &[Followed], span: Duration) -> io::Result<Vec<Idle>> {
    let followers: io::Result<Vec<_>> = all.iter().copied().map(Follower::start).collect();
    let followers = followers?;
    // What a start leaves to do.
    thread::sleep(Duration::from_secs(1));
    say(format_args!("nothing changes for {} s", span.as_secs()));
    let before: Vec<_> = followers.iter().map(Follower::used).collect();
    thread::sleep(span);
    let after: Vec<_> = followers.iter().map(Follower::used).collect();

    let minutes = span.as_secs_f64() / 60.0;
    let mut idle = Vec::new();
    for ((follower, before), after) in followers.into_iter().zip(before).zip(after) {
        let mut wake_ups = BTreeMap::new();
        let mut nanoseconds = 0;
        for (name, now) in after {
            let then = before.get(&name).copied().unwrap_or_default();
            nanoseconds += now.nanoseconds - then.nanoseconds;
            wake_ups.insert(name, (now.wake_ups - then.wake_ups) as f64 / minutes);
        }
        idle.push(Idle {
            followed: follower.followed,
            wake_ups,
            milliseconds: nanoseconds as f64 / 1e6 / minutes,
        });
        follower.stop()?;
    }
    Ok(idle)
}

fn table(span: Duration, idle: &[Idle]) -> Table {
    let minutes = (span.as_secs_f64() / 6.0).round() / 10.0;
    let mut table = Table {
        title: "Idle".into(),
        how: format!(
            "What a process uses over {minutes} minutes in which nothing changes: how often a minute its threads \
             wake up (voluntary context switches), and the processor's time, in user and in kernel. \"÷ retune\" \
             is against retune with one volume. Each contender has a process of its own, all in the same minutes. \
             dynamic-config waits for events alone; rtb-config's debouncer and its own thread look around many \
             times a second."
        ),
        columns: [
            "followed by",
            "wake-ups a minute",
            "÷ retune",
            "of them retune-mount",
            "retune-reload",
            "processor, ms a minute",
            "of a core",
        ]
        .map(Into::into)
        .into(),
        contenders: vec!["dynamic-config".into(), "rtb-config".into()],
        ..Table::default()
    };
    let ours = idle.first().map_or(f64::NAN, Idle::all);
    for one in idle {
        let is_ours = matches!(one.followed, Followed::Volumes(_));
        let of = |thread| match is_ours {
            true => format!("{:.1}", one.wake_ups.get(thread).copied().unwrap_or(0.0)),
            false => "–".into(),
        };
        table.row([
            one.followed.to_string(),
            format!("{:.1}", one.all()),
            format!("{:.1}", one.all() / ours),
            of("retune-mount"),
            of("retune-reload"),
            format!("{:.2}", one.milliseconds),
            format!("{:.5} %", one.milliseconds / 600.0),
        ]);
        let check = match one.followed {
            Followed::Volumes(_) => Check::at_most(
                format!("{}: wake-ups a minute", one.followed),
                one.all(),
                6.0,
                "",
            ),
            Followed::DynamicConfig | Followed::RtbConfig => beside(one, ours),
        };
        table.checks.push(check);
    }
    table
}

/// retune beside a peer; a ratio to one that never wakes up would be none.
fn beside(peer: &Idle, ours: f64) -> Check {
    let held = ours <= peer.all();
    let check = Check {
        what: format!("wake-ups a minute, retune beside {}", peer.followed),
        value: format!("{ours:.1}"),
        limit: format!("at most its {:.1}", peer.all()),
        held,
        why: None,
    };
    match held {
        true => check,
        false => check.because(
            "twice a minute retune looks at the paths itself, for what no event tells of: an edit over a network \
             file system, a watch that the kernel refuses. Who waits for events alone sleeps on",
        ),
    }
}

// === impl Idle ===

impl Idle {
    /// Wake-ups of all threads.
    fn all(&self) -> f64 {
        self.wake_ups.values().sum()
    }
}

// === impl Follower ===

impl Follower {
    /// Starts one, and waits until it follows.
    fn start(followed: Followed) -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--follow", &followed.argument()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdout.read_exact(&mut [0])?;
        Ok(Self { followed, process })
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

    /// Ends it well, so that its folder goes too.
    fn stop(mut self) -> io::Result<()> {
        drop(self.process.stdin.take());
        self.process.wait().map(drop)
    }
}
