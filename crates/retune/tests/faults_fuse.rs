//! A volume on a real file system that is slow, hangs for a while, or fails.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

mod support;

use std::time::Duration;

use retune::status::{Health, WatchMode};
use retune::{Live, Loader, Retune};
use rustix::io::Errno;
use support::fuse::{FuseVolume, Manner};
use support::{Volume, eventually, with_own_mounts};
use tempfile::{TempDir, tempdir};

const OFTEN: Duration = Duration::from_millis(20);

#[derive(Debug, Retune)]
struct Config {
    key: u64,
    #[retune(default = 0)]
    other: u64,
}

/// One volume on that file system, and one beside it.
struct Place {
    dir: TempDir,
    fuse: FuseVolume,
    other: Volume,
}

impl Place {
    fn new() -> Option<Self> {
        let dir = tempdir().unwrap();
        let mount = dir.path().join("fuse");
        std::fs::create_dir(&mount).unwrap();
        let fuse = FuseVolume::mount(&mount)?;
        let other = Volume::new(dir.path().join("other"), &[("key", "1"), ("other", "1")]);
        Some(Self { dir, fuse, other })
    }

    fn loader(&self) -> Loader<Config> {
        Config::loader()
            .mount(self.other.path())
            .mount(self.dir.path().join("fuse"))
            .patience(OFTEN)
            .poll_every(OFTEN, OFTEN)
    }

    fn publish_other(&self, n: u64) {
        let text = n.to_string();
        self.other.publish(&[("key", &text), ("other", &text)]);
    }
}

fn key(live: &Live<Config>) -> u64 {
    live.with(|config| config.key)
}

#[test]
fn c4_a_volume_on_a_slow_file_system_is_followed_by_the_poll_and_slows_nobody_else() {
    let test = "c4_a_volume_on_a_slow_file_system_is_followed_by_the_poll_and_slows_nobody_else";
    if !with_own_mounts(test) {
        return;
    }
    let Some(place) = Place::new() else { return };
    let live = place.loader().watch().unwrap();
    assert_eq!(key(&live), 1);
    let status = live.status();
    let path = &status.sources[1].paths[0];
    assert_eq!(path.mode, WatchMode::Polling);
    assert!(path.detail.contains("FUSE"), "{}", path.detail);
    let beside = Config::loader().mount(place.other.path()).watch().unwrap();
    place.fuse.answer(Manner::After(Duration::from_millis(10)));
    for n in 2..6 {
        place.fuse.publish(n);
        place.publish_other(n);
        eventually("beside it", || key(&beside) == n);
        eventually("both", || live.with(|now| (now.key, now.other)) == (n, n));
    }
    place.fuse.answer(Manner::AtOnce);
    live.stop().unwrap();
}

#[test]
fn a_file_system_that_hangs_for_a_while_is_followed_again_when_it_is_back() {
    let test = "a_file_system_that_hangs_for_a_while_is_followed_again_when_it_is_back";
    if !with_own_mounts(test) {
        return;
    }
    let Some(place) = Place::new() else { return };
    let live = place.loader().watch().unwrap();
    for n in [2, 4] {
        place.fuse.answer(Manner::NotYet);
        place.fuse.publish(n);
        place.publish_other(n);
        eventually("it is named", || {
            let status = live.status();
            status.stuck.is_some() && status.health == Health::Degraded
        });
        assert_eq!(live.with(|now| (now.key, now.other)), (n - 1, n - 1));
        place.fuse.publish(n + 1);
        place.publish_other(n + 1);
        place.fuse.answer(Manner::AtOnce);
        eventually("both", || {
            live.with(|now| (now.key, now.other)) == (n + 1, n + 1)
        });
        eventually("all is well", || live.status().health == Health::Ok);
    }
    live.stop().unwrap();
}

#[test]
fn a_file_system_that_fails_keeps_the_last_values_until_it_is_back() {
    let test = "a_file_system_that_fails_keeps_the_last_values_until_it_is_back";
    if !with_own_mounts(test) {
        return;
    }
    let Some(place) = Place::new() else { return };
    let live = place.loader().watch().unwrap();
    let errors = [
        Errno::IO,
        Errno::ACCESS,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOSPC,
        Errno::STALE,
        Errno::NOTCONN,
        Errno::TIMEDOUT,
    ];
    for (n, error) in errors.into_iter().enumerate() {
        let n = n as u64 + 1;
        place.fuse.answer(Manner::Failing(error.raw_os_error()));
        eventually("it is refused", || live.status().rejection.is_some());
        place.fuse.publish(n + 1);
        place.publish_other(n + 1);
        let problems = live.status().rejection.unwrap().problems;
        let report = problems.iter().map(ToString::to_string).collect::<String>();
        let told = std::io::Error::from(error).to_string();
        let told = told.split(" (").next().unwrap();
        assert!(report.contains("fuse") && report.contains(told), "{report}");
        assert_eq!(key(&live), n, "the last good values");
        place.fuse.answer(Manner::AtOnce);
        eventually("the next", || {
            live.with(|now| (now.key, now.other)) == (n + 1, n + 1)
        });
        eventually("all is well", || live.status().health == Health::Ok);
    }
    live.stop().unwrap();
}
