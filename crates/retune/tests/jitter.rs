//! C15: replicas do not all change at once.
#![allow(missing_docs, dead_code)]

mod support;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use retune::status::{Delayed, Health};
use retune::{Jitter, Live, Loader, Retune, Secret};
use support::{Notes, Volume, eventually, until_ok, until_rejected, warnings};
use tempfile::tempdir;

/// Nothing that waits for some part of that is taken in a test: also of many replicas none has a part so small.
const LONG: Duration = Duration::from_secs(1000 * 24 * 3600);

#[derive(Debug, Retune)]
struct Config {
    pool_size: u32,
    password: Option<Secret<String>>,
}

fn volume(dir: &Path) -> Volume {
    Volume::new(dir.join("v"), &[("pool-size", "1"), ("password", "old")])
}

fn loader(volume: &Volume) -> Loader<Config> {
    Config::loader().mount(volume.not_secret())
}

#[track_caller]
fn until_delayed(live: &Live<Config>) -> Delayed {
    eventually("a change that waits", || live.status().delayed.is_some());
    live.status().delayed.unwrap()
}

fn pool_size(live: &Live<Config>) -> u32 {
    live.with(|config| config.pool_size)
}

#[test]
fn c15_replicas_of_one_volume_take_a_change_each_at_its_own_time_within_the_bound() {
    const REPLICAS: usize = 32;
    let dir = tempdir().unwrap();
    let volume = volume(dir.path());
    let replica = |_| loader(&volume).jitter(LONG).watch().unwrap();
    let replicas: Vec<_> = (0..REPLICAS).map(replica).collect();
    for live in &replicas {
        let status = live.status();
        assert_eq!((status.generation, status.delayed), (1, None));
    }
    volume.publish(&[("pool-size", "2")]);
    let mut shares = Vec::new();
    for live in &replicas {
        let Delayed {
            since,
            until,
            generation,
            ..
        } = until_delayed(live);
        assert_eq!((generation, pool_size(live)), (2, 1));
        assert_eq!(live.status().health, Health::Ok);
        shares.push(until.duration_since(since).unwrap());
    }
    assert!(shares.iter().all(|share| *share <= LONG), "{shares:?}");
    // By chance, all of 32 are in one half once in two thousand million runs.
    let early = shares.iter().filter(|share| **share < LONG / 2).count();
    assert!((1..REPLICAS).contains(&early), "{shares:?}");
    shares.sort_unstable();
    shares.dedup();
    assert_eq!(shares.len(), REPLICAS, "no two of them at once");
}

#[test]
fn c15_a_change_is_taken_when_its_time_has_come() {
    let dir = tempdir().unwrap();
    let volume = volume(dir.path());
    let jitter = Duration::from_millis(300);
    let live = loader(&volume).jitter(jitter).watch().unwrap();
    let notes = Notes::of(&live, |config| config.pool_size);
    for size in 2..6 {
        volume.publish(&[("pool-size", &size.to_string())]);
        notes.until_last(size);
        assert_eq!(live.status().delayed, None);
    }
    assert_eq!(notes.values(), [1, 2, 3, 4, 5]);
}

#[test]
fn c15_what_is_asked_for_waits_for_nothing_and_takes_along_what_waits() {
    let dir = tempdir().unwrap();
    let volume = volume(dir.path());
    let live = loader(&volume).jitter(LONG).watch().unwrap();
    volume.publish(&[("pool-size", "2")]);
    let since = until_delayed(&live).since;
    assert_eq!(live.reload().unwrap(), 2);
    let status = live.status();
    assert_eq!((pool_size(&live), status.delayed), (2, None));
    assert_eq!(status.times.noticed, since, "the wait is a part of the lag");

    volume.publish(&[("pool-size", "3")]);
    until_delayed(&live);
    live.set("password", "new").unwrap();
    assert_eq!((pool_size(&live), live.status().delayed), (3, None));

    volume.publish(&[("pool-size", "4")]);
    until_delayed(&live);
    live.stop().unwrap();
    assert_eq!(pool_size(&live), 3);
}

#[test]
fn c15_a_newer_change_goes_with_the_one_that_waits_and_a_bad_or_reverted_one_ends_the_wait() {
    let dir = tempdir().unwrap();
    let volume = volume(dir.path());
    let live = loader(&volume).jitter(LONG).watch().unwrap();
    volume.publish(&[("pool-size", "2")]);
    let first = until_delayed(&live);
    volume.publish(&[("pool-size", "3"), ("typo", "1")]);
    eventually("the newer change is seen", || !warnings(&live).is_empty());
    eventually("both wait", || live.status().delayed == Some(first));

    volume.publish(&[("pool-size", "many")]);
    until_rejected(&live);
    assert_eq!(live.status().delayed, None, "a bad one is told at once");

    volume.publish(&[("pool-size", "4")]);
    until_ok(&live);
    let mended = until_delayed(&live);
    assert!(mended.since > first.since, "a wait of its own");

    volume.publish(&[("pool-size", "1"), ("password", "old")]);
    eventually("nothing to wait for", || live.status().delayed.is_none());
    let status = live.status();
    assert_eq!((status.generation, pool_size(&live)), (1, 1));
    assert_eq!(status.health, Health::Ok);
}

#[test]
fn c15_a_secret_does_not_wait_where_that_is_said_and_takes_along_what_waits() {
    let dir = tempdir().unwrap();
    let volume = volume(dir.path());
    let live = loader(&volume).jitter(LONG).watch().unwrap();
    volume.publish(&[("pool-size", "1"), ("password", "new")]);
    until_delayed(&live);

    let jitter = Jitter::up_to(LONG).except_secrets();
    let live = loader(&volume).jitter(jitter).watch().unwrap();
    volume.publish(&[("pool-size", "2"), ("password", "new")]);
    until_delayed(&live);
    assert_eq!(pool_size(&live), 1);
    volume.publish(&[("pool-size", "2"), ("password", "newer")]);
    eventually("the secret", || live.status().generation == 2);
    assert_eq!((pool_size(&live), live.status().delayed), (2, None));
}

#[test]
fn c15_what_a_gate_refuses_is_refused_as_long_as_it_is_there_without_another_wait() {
    let dir = tempdir().unwrap();
    let volume = volume(dir.path());
    let live = loader(&volume)
        .jitter(Duration::from_millis(100))
        .watch()
        .unwrap();
    let (ask, asked) = mpsc::channel();
    live.gate(move |config: &Config| {
        _ = ask.send(config.pool_size);
        match config.pool_size {
            2 => Err("not two"),
            _ => Ok(()),
        }
    })
    .detach();
    volume.publish(&[("pool-size", "2"), ("password", "old")]);
    until_rejected(&live);
    let refused = live.status().rejection.unwrap();
    // What is found again and again is the one rejection, which is never cleared between.
    for other in ["a", "b", "c"] {
        asked.try_iter().for_each(drop);
        volume.publish(&[("pool-size", "2"), ("password", "old"), ("other", other)]);
        eventually("asked again", || {
            assert_eq!(live.status().delayed, None, "no other wait");
            asked.try_recv() == Ok(2)
        });
        let status = live.status();
        assert_eq!((status.delayed, status.health), (None, Health::Degraded));
        assert_eq!(status.rejection.map(|r| r.since), Some(refused.since));
    }
    assert_eq!(live.status().counters.rejected_gate, 1);
    volume.publish(&[("pool-size", "3")]);
    until_ok(&live);
    assert_eq!(pool_size(&live), 3);
}

#[test]
fn c15_a_set_that_is_refused_leaves_what_waits_waiting() {
    let dir = tempdir().unwrap();
    let volume = volume(dir.path());
    let live = loader(&volume).jitter(LONG).watch().unwrap();
    volume.publish(&[("pool-size", "2")]);
    let waits = until_delayed(&live);
    live.set("pool-size", "many").unwrap_err();
    let status = live.status();
    assert_eq!((pool_size(&live), status.delayed), (1, Some(waits)));
    assert_eq!(status.health, Health::Ok);
}
