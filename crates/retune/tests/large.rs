//! Many values, and values that come and go: what is remembered of them stays bounded, and a status
//! is of one moment.

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use retune::Retune;
use support::Volume;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "{}")]
    labels: BTreeMap<String, String>,
    #[retune(default = 4)]
    workers: u32,
}

#[test]
fn entries_of_a_map_that_come_and_go_are_not_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("labels.n0", "x"), ("workers", "9")],
    );
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    for n in 1..=20 {
        volume.publish(&[(&*format!("labels.n{n}"), "x"), ("workers", "9")]);
        live.reload().unwrap();
    }
    assert_eq!(live.with(|config| config.labels.len()), 1);
    let warnings = live.status().warnings;
    assert!(warnings.is_empty(), "{warnings:?}");
    // A field that is removed is still told.
    volume.publish(&[("labels.n1", "y")]);
    live.reload().unwrap();
    let status = live.status();
    assert_eq!(status.warnings.len(), 1, "{:?}", status.warnings);
    assert!(
        status.warnings[0]
            .message()
            .contains("now the default holds")
    );
}

#[test]
fn an_entry_that_falls_back_to_a_lower_source_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    std::fs::write(&file, "labels: {a: low}").unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("labels.a", "high"), ("workers", "9")],
    );
    let loader = Config::loader().file(&file).mount(volume.path());
    let live = loader.watch().unwrap();
    volume.publish(&[("workers", "9")]);
    live.reload().unwrap();
    assert_eq!(live.with(|config| config.labels["a"].clone()), "low");
    let warnings = live.status().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].message().contains("c.yaml"), "{warnings:?}");
}

#[test]
fn i1_a_status_during_a_swap_is_of_one_generation() {
    let dir = tempfile::tempdir().unwrap();
    let document = |n: u32| {
        let labels = (0..300).map(|i| format!("  k{i}: v{n}\n"));
        format!("labels:\n{}workers: {n}\n", labels.collect::<String>())
    };
    let volume = Volume::new(dir.path().join("v"), &[("c.yaml", &document(0))]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let status = live.status();
                let counters = status.counters;
                assert_eq!(counters.applied + 1, status.generation, "half a swap");
                let refused = status.rejection.is_some();
                let rejected_now =
                    counters.rejected_invalid + 1 == status.generation + u64::from(refused);
                assert!(
                    rejected_now,
                    "cleared before the swap: {counters:?} {}",
                    status.generation
                );
            }
        });
        for n in 1..=20 {
            volume.publish(&[("c.yaml", &document(n).replace("workers: ", "workers: x"))]);
            live.reload().unwrap_err();
            volume.publish(&[("c.yaml", &document(n))]);
            live.reload().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        looking.join().unwrap();
    });
}

#[test]
fn who_asks_for_a_reload_does_not_wait_for_the_window() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("workers", "1")]);
    let loader = Config::loader().mount(volume.path());
    let live = loader.gather(std::time::Duration::MAX).watch().unwrap();
    assert_eq!(live.reload().unwrap(), 1, "nothing else is noticed");
    volume.publish(&[("workers", "2")]);
    assert_eq!(live.reload().unwrap(), 2);
    assert_eq!(live.with(|config| config.workers), 2);
}
