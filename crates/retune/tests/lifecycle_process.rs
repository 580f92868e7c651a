//! What a process keeps of a configuration that has ended: no thread, descriptor or watch.
//!
//! Counted for the whole process, so that one test runs at a time.
#![cfg(target_os = "linux")]

mod support;

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use retune::{Live, Retune};
use support::kept::Kept;
use support::{Volume, eventually};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "info")]
    level: String,
    #[expect(dead_code, reason = "only its form counts")]
    #[retune(default = 1)]
    port: u16,
}

fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watched(volumes: &[&Volume]) -> Live<Config> {
    let loader = Config::loader();
    let loader = volumes
        .iter()
        .fold(loader, |loader, volume| loader.mount(volume.path()));
    loader.watch().unwrap()
}

#[test]
fn c9_after_stop_no_thread_descriptor_or_watch_is_left() {
    let _turn = one_at_a_time();
    let before = Kept::now();
    assert_eq!((&before.threads, before.watches), (&vec![], 0));
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    let other = Volume::new(dir.path().join("w"), &[("port", "2")]);
    let live = watched(&[&volume, &other]);
    live.subscribe(|_| ()).detach();
    let _kept = live.subscribe(|_| ());
    volume.publish(&[("level", "warn")]);
    eventually("taken", || live.with(|config| config.level == "warn"));
    let names = [
        "retune-mount\n",
        "retune-reload\n",
        "retune-subscrib\n",
        "retune-subscrib\n",
    ];
    // A thread gives itself its name.
    eventually("each has its name", || Kept::now().threads == names);
    let during = Kept::now();
    assert!(during.watches > 0 && during.descriptors.len() > before.descriptors.len());
    // A second one shares the watching thread, and keeps it when the first has ended.
    let second = watched(&[&volume]);
    live.stop().unwrap();
    volume.publish(&[("level", "debug")]);
    eventually("the second follows", || second.with(|c| c.level == "debug"));
    assert_eq!(live.with(|config| config.level.clone()), "warn");
    eventually("its own alone is left", || {
        Kept::now().threads == ["retune-mount\n", "retune-reload\n"]
    });
    let inotifies = |kept: &Kept| {
        let descriptors = kept.descriptors.iter();
        descriptors.filter(|d| d.contains("inotify")).count()
    };
    assert_eq!(inotifies(&Kept::now()), 1);
    second.stop().unwrap();
    eventually("nothing is left", || Kept::now() == before);
    drop((live, second));
    assert_eq!(Kept::now(), before);
}

#[test]
fn c9_dropping_the_last_handle_leaves_nothing_either() {
    let _turn = one_at_a_time();
    let before = Kept::now();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    let live = watched(&[&volume]);
    live.subscribe(|_| ()).detach();
    live.gate(|_| Ok::<_, String>(())).detach();
    let mut changes = live.changes();
    assert!(changes.next().is_some());
    let clone = live.clone();
    drop(live);
    volume.publish(&[("level", "warn")]);
    assert_eq!(changes.next().unwrap().new_value().level, "warn");
    drop(clone);
    assert!(changes.next().is_none());
    eventually("nothing is left", || Kept::now() == before);
}

#[test]
fn c10_a_thousand_starts_and_stops_leak_nothing() {
    let _turn = one_at_a_time();
    let before = Kept::now();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    for round in 0..1_000 {
        let live = watched(&[&volume]);
        let subscription = live.subscribe(|_| ());
        match round % 3 {
            0 => live.stop().unwrap(),
            1 => drop(live),
            _ => {
                drop(subscription);
                live.reload().unwrap();
            }
        }
        assert!(Kept::now().threads.len() < 50, "{:?}", Kept::now());
    }
    eventually("nothing is left", || Kept::now() == before);
}

#[test]
fn c9_a_start_that_fails_leaves_nothing() {
    let _turn = one_at_a_time();
    let before = Kept::now();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("port", "no-port")]);
    for _ in 0..10 {
        Config::loader().mount(volume.path()).watch().unwrap_err();
        let missing = dir.path().join("missing");
        let loader = Config::loader().mount(volume.path()).mount(missing);
        loader.watch().unwrap_err();
    }
    eventually("nothing is left", || Kept::now() == before);
}

#[test]
fn c11_a_child_inherits_no_descriptor_of_the_library() {
    let _turn = one_at_a_time();
    let before = Kept::now();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("level", "info")]);
    let live = watched(&[&volume]);
    let own = Kept::now().descriptors;
    assert!(own.iter().any(|d| d.contains("inotify")), "{own:?}");
    let output = Command::new("ls").args(["-l", "/proc/self/fd"]).output();
    let inherited = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(
        inherited.contains("/proc/"),
        "it lists descriptors: {inherited}"
    );
    assert!(!inherited.contains("anon_inode"), "{inherited}");
    assert!(
        !inherited.contains(dir.path().to_str().unwrap()),
        "{inherited}"
    );
    live.stop().unwrap();
    eventually("nothing is left", || Kept::now() == before);
}
