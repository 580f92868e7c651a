//! How often the threads of an idle configuration wake up.
//!
//! `cargo bench -p retune --bench idle`
//!
//! Counts the voluntary context switches of retune's threads over two minutes in which nothing
//! changes: with one mounted volume and with 200, all followed by events.

#![allow(missing_docs, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use retune::{Live, Retune, source::Env};
use retune_mount::Publisher;

#[derive(Debug, Retune)]
struct Config {
    #[allow(dead_code)]
    #[retune(default = "")]
    message: String,
}

/// Voluntary context switches so far, by the name of the thread.
fn wake_ups() -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
    {
        let read = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let status = read("status");
        let count = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .and_then(|count| count.trim().parse::<u64>().ok());
        let name = read("comm").trim().to_owned();
        if name.starts_with("retune") {
            *counts.entry(name).or_default() += count.unwrap_or(0);
        }
    }
    counts
}

fn follow(volumes: usize, root: &Path) -> Live<Config> {
    let mut loader = Config::loader().env(Env::from_iter("IDLE", [("", ""); 0]));
    for i in 0..volumes {
        let dir = root.join(format!("volume-{i}"));
        let publisher = Publisher::create(&dir).expect("the directory is writable");
        publisher
            .publish([("message", "hello")])
            .expect("the volume is writable");
        loader = loader.mount(dir);
    }
    loader.watch().expect("the volumes are there")
}

fn main() {
    let is_bench = std::env::args().any(|arg| arg == "--bench");
    let span = Duration::from_secs(if is_bench { 120 } else { 1 });
    for volumes in [1, 200] {
        // In memory, so that waiting for a disk does not count; and not below /tmp: every file that
        // others make there is an event.
        let memory = Path::new("/dev/shm");
        let place = memory.is_dir().then_some(memory);
        let place = place.unwrap_or(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let root = tempfile::tempdir_in(place).expect("it is writable");
        let live = follow(volumes, root.path());
        thread::sleep(Duration::from_secs(1));
        let before = wake_ups();
        thread::sleep(span);
        let minutes = span.as_secs_f64() / 60.0;
        println!("{volumes} volumes, wake-ups a minute over {span:?}:");
        for (name, count) in wake_ups() {
            let count = count - before.get(&name).copied().unwrap_or(0);
            println!("  {name:<16} {:.1}", count as f64 / minutes);
        }
        live.stop().expect("not called from a callback");
    }
}
