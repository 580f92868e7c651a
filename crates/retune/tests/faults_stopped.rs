//! A process that is stopped (SIGSTOP) and continued at random follows all the same. Stopped for longer
//! than any timer, it is what a machine is that was suspended.
//!
//! `RETUNE_FAULTS_SEED`: the seed that a failed run printed.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::print_stdout)]

mod support;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use retune::status::Health;
use retune::{Retune, Snapshot};
use rustix::process::{Pid, Signal, kill_process};
use support::random::{Random, number, seed};
use support::{Volume, eventually, replace};
use tempfile::tempdir;

const DIR: &str = "RETUNE_STOPPED_DIR";
const LAST: &str = "RETUNE_STOPPED_LAST";

/// `one` and `two` are of one volume.
#[derive(Debug, Retune)]
struct Config {
    one: u64,
    two: u64,
    plain: u64,
}

/// In the child: follows until the last values have come.
#[test]
fn who_is_stopped() {
    let Some(dir) = env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let last = number(LAST).unwrap();
    let hour = Duration::from_secs(3600);
    let live = Config::loader()
        .mount(dir.join("v"))
        .file(dir.join("plain.yaml"))
        // Only events tell.
        .poll_every(hour, hour)
        .watch()
        .unwrap();
    println!("\nfollows");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut before = (0, 0, 0);
            while !stop.load(Ordering::Relaxed) {
                let now = live.load();
                assert_eq!(now.one, now.two, "torn");
                let now = (Snapshot::generation(&now), now.one, now.plain);
                assert!(
                    now.0 >= before.0 && now.1 >= before.1 && now.2 >= before.2,
                    "{now:?} after {before:?}"
                );
                before = now;
                thread::sleep(Duration::from_millis(1));
            }
        });
        eventually("the last values", || {
            let now = live.load();
            (now.one, now.two, now.plain) == (last, last, last)
        });
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    let status = live.status();
    let rejected = status.counters.rejected();
    assert_eq!((status.health, rejected), (Health::Ok, 0), "{status:#?}");
    let health = retune_mount::health();
    assert_eq!((health.threads, health.panics), (1, 0), "{health:?}");
    println!("overflows: {}", health.overflows);
}

/// What is followed, by whom.
struct Followed {
    dir: tempfile::TempDir,
    volume: Volume,
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Followed {
    fn until(last: u64) -> Self {
        let dir = tempdir().unwrap();
        let volume = Volume::new(dir.path().join("v"), &[("one", "0"), ("two", "0")]);
        replace(&dir.path().join("plain.yaml"), "plain: 0");
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "who_is_stopped", "--nocapture"])
            .env(DIR, dir.path())
            .env(LAST, last.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line != "follows\n" {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it follows");
        }
        Self {
            dir,
            volume,
            child,
            output,
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn write(&self, n: u64) {
        let text = n.to_string();
        self.volume.publish(&[("one", &text), ("two", &text)]);
        replace(&self.dir.path().join("plain.yaml"), &format!("plain: {n}"));
    }

    /// What it said in the end.
    fn end(mut self) -> String {
        // It gives up by itself when the last values do not come.
        let mut output = String::new();
        self.output.read_to_string(&mut output).unwrap();
        assert!(self.child.wait().unwrap().success(), "{output}");
        output
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        // Nothing stays that is stopped.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn a_process_that_is_stopped_and_continued_at_random_ends_with_the_last_values() {
    let seed = seed("RETUNE_FAULTS_SEED");
    println!("RETUNE_FAULTS_SEED={seed}");
    let mut random = Random::new(seed);
    let last = 60;
    let followed = Followed::until(last);
    for n in 1..=last {
        followed.write(n);
        let pause = Duration::from_micros(random.below(10_000));
        match random.below(4) {
            0 => {
                followed.signal(Signal::STOP);
                thread::sleep(pause);
            }
            1 => {
                followed.signal(Signal::CONT);
                thread::sleep(pause);
            }
            2 => {
                // Continued before it has come to rest, and again.
                for _ in 0..random.below(20) {
                    followed.signal(Signal::STOP);
                    followed.signal(Signal::CONT);
                }
            }
            _ => {}
        }
    }
    followed.signal(Signal::CONT);
    followed.end();
}

#[test]
fn c3_what_happens_while_a_process_is_stopped_may_be_more_than_the_kernel_keeps() {
    let followed = Followed::until(2);
    followed.signal(Signal::STOP);
    followed.write(1);
    let kept = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let kept: u64 = kept.trim().parse().unwrap();
    if kept > 100_000 {
        println!("skipped: the kernel keeps {kept} events");
        return;
    }
    for n in 0..kept {
        let other = followed.volume.path().join(format!("..other-{n}"));
        fs::write(&other, "").unwrap();
        fs::remove_file(&other).unwrap();
    }
    followed.write(2);
    followed.signal(Signal::CONT);
    let output = followed.end();
    assert!(
        output.contains("overflows: ") && !output.contains("overflows: 0"),
        "{output}"
    );
}
