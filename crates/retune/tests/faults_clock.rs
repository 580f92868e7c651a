//! C12: the wall clock is set back and forth while a program runs.
#![allow(missing_docs)]

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use retune::source::Mount;
use retune::status::{Health, WatchMode};
use retune::{Live, Retune, Rotating, Secret, Token};
use retune_mount::faults::set_clock_ahead;
use support::{Volume, eventually, replace, until_rejected};
use tempfile::tempdir;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
const OFTEN: Duration = Duration::from_millis(20);

/// The clock is of the whole process; right again in the end.
struct Clock(#[expect(dead_code)] MutexGuard<'static, ()>);

impl Clock {
    fn of_one_test() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        Self(TURN.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        set_clock_ahead(0);
    }
}

#[derive(Debug, Retune)]
struct Config {
    key: u64,
    plain: u64,
    #[retune(default = 0)]
    polled: u64,
}

#[test]
fn c12_whatever_the_clock_is_set_to_changes_arrive_and_no_lag_is_negative() {
    let _clock = Clock::of_one_test();
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("key", "0")]);
    let (plain, polled) = (dir.path().join("plain.yaml"), dir.path().join("polled"));
    replace(&plain, "plain: 0");
    let closure = move || std::fs::read_to_string(&polled).map(|text| [("polled", text)]);
    std::fs::write(dir.path().join("polled"), "0").unwrap();
    let live = Config::loader()
        .mount(volume.path())
        .file(&plain)
        .source(retune::source::from_fn("polled", closure).poll_every(OFTEN))
        .gather(Duration::from_millis(1))
        .watch()
        .unwrap();
    live.subscribe(|_| ()).detach();
    // The last lies before 1970.
    for (n, ahead) in [-HOUR, DAY, 0, 200 * YEAR, -DAY, -60 * YEAR]
        .into_iter()
        .enumerate()
    {
        let n = n as u64 + 1;
        set_clock_ahead(ahead);
        volume.publish(&[("key", &n.to_string())]);
        eventually("the volume", || live.with(|config| config.key) == n);
        let status = live.status();
        let times = status.history.last().unwrap().times;
        let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or(0));
        match times.lag() {
            None => assert!(ahead.is_zero(), "{times:?}"),
            Some(lag) => assert!(lag >= ahead, "{times:?}"),
        }
        replace(&plain, &format!("plain: {n}"));
        eventually("the plain file", || live.with(|config| config.plain) == n);
        std::fs::write(dir.path().join("polled"), n.to_string()).unwrap();
        eventually("what is polled", || live.with(|config| config.polled) == n);
        eventually("applied", || {
            live.status()
                .history
                .iter()
                .all(|entry| entry.times.applied.is_some())
        });
        let status = live.status();
        assert_eq!(status.health, Health::Ok, "{status:?}");
        serde_json::to_string(&status).unwrap();
    }
    assert_eq!(retune_mount::health().panics, 0);
}

#[test]
fn c12_an_overlap_ends_after_its_time_whatever_the_clock_is_set_to() {
    #[derive(Debug, Retune)]
    struct Timed {
        #[retune(overlap = "2s")]
        key: Rotating<Secret<String>>,
    }

    let _clock = Clock::of_one_test();
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("key", "0")]);
    let live = Timed::loader().mount(volume.path()).watch().unwrap();
    let has_previous = |live: &Live<Timed>| live.with(|config| config.key.previous().is_some());
    for (n, ahead) in [-DAY, 0, -YEAR, DAY].into_iter().enumerate() {
        volume.publish(&[("key", &format!("{n} of another"))]);
        eventually("both", || has_previous(&live));
        set_clock_ahead(ahead);
        eventually("one alone", || !has_previous(&live));
    }
}

fn token(from: i64, until: i64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64;
    let (from, until) = (now + from / 1000, now + until / 1000);
    let claims = format!(r#"{{"nbf":{from},"exp":{until}}}"#);
    format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn c12_a_heartbeat_that_only_the_clock_stopped_beats_again_when_that_is_set_right() {
    #[derive(Debug, Retune)]
    struct Config {
        #[expect(dead_code, reason = "what changes is the clock alone")]
        size: u32,
    }

    let _clock = Clock::of_one_test();
    let dir = tempdir().unwrap();
    // No field reads it, so that nothing else looks at its time.
    let keys = [("size", "1"), ("beat", &*token(-HOUR, HOUR))];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let live = Config::loader()
        .mount(Mount::new(volume.path()).heartbeat("beat"))
        .poll_every(OFTEN, OFTEN)
        .watch()
        .unwrap();
    for _ in 0..2 {
        set_clock_ahead(2 * HOUR);
        eventually("nobody writes any more", || {
            live.status().health == Health::Degraded
        });
        set_clock_ahead(0);
        eventually("somebody does after all", || {
            live.status().health == Health::Ok
        });
    }
}

#[test]
fn c12_what_expires_does_so_by_the_clock_as_it_is_set() {
    #[derive(Debug, Retune)]
    struct Config {
        token: Token,
    }

    let _clock = Clock::of_one_test();
    let dir = tempdir().unwrap();
    let first = token(-HOUR, HOUR);
    let keys = |token: &str| [("token", token.to_owned()), ("beat", first.clone())];
    let publish = |volume: &Volume, token: &str| {
        let keys = keys(token);
        volume.publish(&keys.each_ref().map(|(key, text)| (*key, &**text)));
    };
    let volume = Volume::new(dir.path().join("v"), &[]);
    publish(&volume, &first);
    let live = Config::loader()
        .mount(Mount::new(volume.path()).heartbeat("beat"))
        .poll_every(OFTEN, OFTEN)
        .watch()
        .unwrap();
    let mode = || live.status().sources[0].paths[0].mode;
    let runs = || live.with(|config| config.token.expose().to_owned());
    for _ in 0..2 {
        assert_eq!(
            (live.status().health, mode()),
            (Health::Ok, WatchMode::Events)
        );
        set_clock_ahead(2 * HOUR);
        eventually("expired", || live.status().health == Health::Degraded);
        eventually("nobody writes any more", || mode() == WatchMode::Orphaned);
        assert_eq!(runs(), first, "it runs on");
        set_clock_ahead(0);
        eventually("it is valid after all", || {
            live.status().health == Health::Ok
        });
    }
    // One that is not valid yet is taken when the clock says so.
    let later = token(2 * HOUR, 9 * HOUR);
    publish(&volume, &later);
    let problems = until_rejected(&live);
    assert!(problems[0].contains("not valid before"), "{problems:?}");
    set_clock_ahead(-DAY);
    live.reload().unwrap_err();
    assert_eq!(runs(), first);
    set_clock_ahead(3 * HOUR);
    eventually("taken", || runs() == later);
}
