//! Readers of several keys while a publisher swaps, is abandoned between any
//! two steps, or is killed. How long is set by the environment:
//!
//! - `RETUNE_TORTURE_SWAPS`: publishes, in all (default 1,000)
//! - `RETUNE_TORTURE_KILLS`: publishers killed (default 12)
//! - `RETUNE_TORTURE_SEED`: the seed that a failed run printed
#![allow(clippy::print_stdout)]

mod support;

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use retune_mount::{
    Content, Limits, LinkOrder, Pins, Publisher, Reading, Signal, Watch, read_once,
};
use support::{Follower, ORDERS, PATIENCE};

const KEYS: usize = 8;

/// A small generator, so that a seed means the same run for ever.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let seed = number("RETUNE_TORTURE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("RETUNE_TORTURE_SEED={seed}");
        Self(seed)
    }

    /// splitmix64
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
    )
}

/// One version: always the same keys and one that comes and goes, all with the same text.
fn payload(version: u64) -> Vec<(String, String)> {
    let names = (0..KEYS).map(|n| format!("key-{n}"));
    let names = names.chain(
        version
            .is_multiple_of(2)
            .then(|| format!("extra-{}", version % 3)),
    );
    let text = format!("{version:012}");
    names.map(|name| (name, text.clone())).collect()
}

/// Follows the volume until it is done; every snapshot is whole and none is older than the last.
fn follow_whole(dir: &Path, done: &AtomicBool) {
    let mut follower = Follower::events_only(dir);
    let mut newest = String::new();
    let check = |follower: &mut Follower, newest: &mut String| {
        assert!(follower.errors.is_empty(), "{:?}", follower.errors);
        for snapshot in follower.seen.drain(..) {
            let text = String::from_utf8_lossy(snapshot.get("key-0").unwrap()).into_owned();
            let expected = payload(text.parse().unwrap());
            let found = snapshot.iter().map(|(key, bytes)| (key, &**bytes));
            let found: Vec<_> = found.collect();
            let mut expected: Vec<_> = expected
                .iter()
                .map(|(key, text)| (Path::new(key), text.as_bytes()))
                .collect();
            expected.sort();
            assert_eq!(found, expected, "torn");
            assert!(text >= *newest, "{text} after {newest}");
            *newest = text;
        }
    };
    // Only events make it read: the poll is an hour away.
    let mut give_up = None;
    loop {
        let was_done = done.load(Ordering::SeqCst);
        let wake = follower
            .signal
            .wait(Some(Instant::now() + Duration::from_millis(20)));
        if wake.noticed.is_some() {
            follower.read();
        }
        check(&mut follower, &mut newest);
        if was_done {
            let last = read_once(dir, Limits::default()).unwrap();
            if last.get("key-0").and_then(Content::as_str) == Some(&*newest) {
                return;
            }
            let give_up = *give_up.get_or_insert_with(|| Instant::now() + PATIENCE);
            assert!(
                Instant::now() < give_up,
                "the last value was lost: {newest}, not {last:?}"
            );
        }
    }
}

/// Reads two single files below one pin, again and again.
fn follow_two_files(dir: &Path, done: &AtomicBool) {
    let signal = Signal::new();
    let mut files = ["key-1", "key-6"].map(|key| Watch::new(dir.join(key), &signal));
    while !done.load(Ordering::SeqCst) {
        let mut pins = Pins::new(Limits::default());
        let [one, two] = files.each_mut().map(|file| match file.read(&mut pins) {
            Ok(Reading::Ready(found)) => Some(found.file().unwrap().to_vec()),
            Ok(other) => panic!("settling below a pin: {other:?}"),
            Err(error) if error.is_moved() => None,
            Err(error) => panic!("{error}"),
        });
        if let (Some(one), Some(two)) = (one, two) {
            assert_eq!(one, two, "two files of two generations");
        }
    }
}

fn under_readers(dir: &Path, publish: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = [
            scope.spawn(|| follow_whole(dir, &done)),
            scope.spawn(|| follow_two_files(dir, &done)),
        ];
        // The readers end whatever happens to the publisher.
        let published = std::panic::catch_unwind(std::panic::AssertUnwindSafe(publish));
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.join().unwrap();
        }
        published.unwrap();
    });
}

fn volume(order: LinkOrder) -> (tempfile::TempDir, Publisher) {
    let tmp = tempfile::tempdir().unwrap();
    let publisher = Publisher::open(tmp.path()).unwrap().link_order(order);
    publisher.publish(payload(0)).unwrap();
    (tmp, publisher)
}

#[test]
fn a2_a3_no_reader_is_ever_torn_by_swaps_and_abandoned_publishes() {
    let mut random = Random::seeded();
    let swaps = number("RETUNE_TORTURE_SWAPS").unwrap_or(1_000) / 2;
    for order in ORDERS {
        let (tmp, publisher) = volume(order);
        under_readers(tmp.path(), || {
            for version in 1..=swaps {
                // About every third is abandoned after a random step; the last one is not.
                let mut left = match random.below(3) {
                    0 if version < swaps => random.below(20),
                    _ => u64::MAX,
                };
                let mut hook = |_| {
                    left = left.saturating_sub(1);
                    match left {
                        0 => ControlFlow::Break(()),
                        _ => ControlFlow::Continue(()),
                    }
                };
                publisher
                    .publish_stepwise(payload(version), &mut hook)
                    .unwrap();
            }
        });
        let found = read_once(tmp.path(), Limits::default()).unwrap();
        let expected = format!("{swaps:012}");
        assert_eq!(
            found.get("key-0").and_then(Content::as_str),
            Some(&*expected),
            "{order:?}"
        );
        let entries = std::fs::read_dir(tmp.path()).unwrap().count();
        assert_eq!(
            entries,
            found.len() + 2,
            "nothing is left over: ..data, one directory"
        );
    }
}

/// In the child: publishes versions from the given one on, until it is killed.
#[test]
fn publisher_to_be_killed() {
    let Some(dir) = env::var_os("RETUNE_TORTURE_DIR").map(PathBuf::from) else {
        return;
    };
    let order = ORDERS[number("RETUNE_TORTURE_ORDER").unwrap() as usize];
    let publisher = Publisher::open(dir).unwrap().link_order(order);
    let mut out = std::io::stdout();
    for version in number("RETUNE_TORTURE_FROM").unwrap().. {
        publisher.publish(payload(version)).unwrap();
        // Told only after it was published; cut short by the kill itself.
        if writeln!(out, "published {version}")
            .and_then(|()| out.flush())
            .is_err()
        {
            return;
        }
    }
}

#[test]
fn a3_a12_a_killed_publisher_tears_nothing_and_the_next_one_goes_on() {
    let mut random = Random::seeded();
    let kills = number("RETUNE_TORTURE_KILLS").unwrap_or(12);
    for (index, order) in ORDERS.into_iter().enumerate() {
        let (tmp, publisher) = volume(order);
        let mut version = 1;
        under_readers(tmp.path(), || {
            for _ in 0..kills.div_ceil(2) {
                let mut child = Command::new(env::current_exe().unwrap())
                    .args(["--exact", "publisher_to_be_killed", "--nocapture"])
                    .env("RETUNE_TORTURE_DIR", tmp.path())
                    .env("RETUNE_TORTURE_ORDER", index.to_string())
                    .env("RETUNE_TORTURE_FROM", version.to_string())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
                let mut told = |line: Option<std::io::Result<String>>| {
                    let line = line?.ok()?;
                    version = line.strip_prefix("published ")?.parse::<u64>().ok()? + 1;
                    Some(())
                };
                // After some publishes, at a moment in the middle of one.
                let mut publishes = 1 + random.below(5);
                while publishes > 0 {
                    let line = lines.next();
                    assert!(line.is_some(), "the publisher ended by itself");
                    publishes -= u64::from(told(line).is_some());
                }
                std::thread::sleep(Duration::from_micros(random.below(2_000)));
                child.kill().unwrap();
                child.wait().unwrap();
                for line in lines {
                    told(Some(line));
                }
                let found = read_once(tmp.path(), Limits::default()).unwrap();
                let text = String::from_utf8_lossy(found.get("key-0").unwrap()).into_owned();
                let found: u64 = text.parse().unwrap();
                // The one that was told, or the next, if it was killed before it could tell.
                assert!(
                    (version - 1..=version).contains(&found),
                    "{found} after {version}"
                );
                version = found + 1;
            }
            publisher.publish(payload(version)).unwrap();
        });
        let found = read_once(tmp.path(), Limits::default()).unwrap();
        assert_eq!(
            found.get("key-0").and_then(Content::as_str),
            Some(&*format!("{version:012}"))
        );
        let entries = std::fs::read_dir(tmp.path()).unwrap().count();
        assert_eq!(entries, found.len() + 2, "nothing is left over");
    }
}
