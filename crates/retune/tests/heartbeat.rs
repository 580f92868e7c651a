//! The heartbeat of a volume: a token that expires when nobody writes the volume any more.
#![allow(missing_docs)]

mod support;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use retune::source::Mount;
use retune::status::{Health, WatchMode};
use retune::{Live, Loader, Retune, Secret};
use support::log::{self, logged};
use support::{Notes, Volume, eventually, until_ok, until_rejected, warnings};
use tempfile::TempDir;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    port: u16,
}

/// In memory, as a Secret's volume is, where there is such. The tests of this binary share the log,
/// but no directory.
fn tmpfs() -> TempDir {
    log::keep();
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Nothing in a token may be shown: its parts are what the tests look for.
fn token(expires: SystemTime, n: u32) -> String {
    let expires = expires.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let claims = format!(r#"{{"sub":"hunter2-{n}","exp":{expires}}}"#);
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"hunter2"}"#);
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims);
    format!("{header}.{claims}.hunter2-signature")
}

fn fresh(n: u32) -> String {
    token(SystemTime::now() + HOUR, n)
}

/// What is found with no help but events and the heartbeat's own timer.
fn loader<T: Retune>(dir: &Path) -> Loader<T> {
    T::loader()
        .mount(Mount::new(dir).heartbeat("token"))
        .poll_every(HOUR, HOUR)
}

fn mode<T: Send + Sync + 'static>(live: &Live<T>) -> WatchMode {
    live.status().sources[0].paths[0].mode
}

#[test]
fn orphan_heartbeat_that_expires_is_told_once_and_a_fresh_one_ends_it() {
    let dir = tmpfs();
    // Expired, but not for longer than clocks may differ: the rest is the timer's.
    let expires = SystemTime::now() - 28 * SECOND;
    let keys = [("message", "one"), ("token", &token(expires, 1))];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let other = Volume::new(dir.path().join("other"), &[("port", "1")]);
    let live = loader::<Config>(volume.path())
        .mount(other.path())
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    eventually("orphaned", || mode(&live) == WatchMode::Orphaned);

    let status = live.status();
    assert_eq!(status.health, Health::Degraded);
    let [reason] = &status.reasons[..] else {
        panic!("one reason: {:?}", status.reasons);
    };
    for part in [
        volume.path().to_str().unwrap(),
        "heartbeat token in it expired at 20",
        "nothing writes this volume any more",
        "only a restart of the container reconnects it",
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert!(status.rejection.is_none(), "what is there is good");
    assert!(status.sources[0].paths[0].is_dead_end());
    assert_eq!(status.sources[1].paths[0].mode, WatchMode::Events);
    assert_eq!(status.sources[1].heartbeat_expires, None);

    // Readers serve on, and what else changes is taken; nothing is told twice.
    other.publish(&[("port", "2")]);
    notes.until_last(("one".into(), 2));
    live.reload().unwrap();
    assert_eq!(mode(&live), WatchMode::Orphaned);
    let path = volume.path().to_str().unwrap();
    assert_eq!(logged(&["WARN", path, "orphaned"]), 1);
    assert_eq!(warnings(&live).len(), 1, "{:?}", warnings(&live));

    volume.publish(&[("message", "one"), ("token", &fresh(2))]);
    eventually("not orphaned", || mode(&live) == WatchMode::Events);
    eventually("that is logged", || {
        logged(&["INFO", path, "no longer orphaned"]) == 1
    });
    assert_eq!(live.status().health, Health::Ok);
    assert_eq!(warnings(&live), [""; 0]);
    volume.publish(&[("message", "two"), ("token", &fresh(3))]);
    notes.until_last(("two".into(), 2));
    assert_eq!(notes.all().len(), 3);
    assert_eq!(live.status().counters.rejected(), 0);
}

#[test]
fn orphan_heartbeat_that_is_rotated_is_no_change_of_the_configuration() {
    let dir = tmpfs();
    let volume = Volume::new(dir.path().join("v"), &[]);
    let begin = UNIX_EPOCH + 1000 * 24 * 365 * HOUR;
    let publish = |message, hour| {
        let token = token(begin + hour * HOUR, hour);
        volume.publish(&[("message", message), ("token", &token)]);
    };
    publish("one", 0);
    let live = loader::<Config>(volume.path()).strict().watch().unwrap();
    let notes = Notes::of(&live, |c| c.message.clone());
    let hash = live.status().hash;
    for hour in 1..4 {
        publish("one", hour);
        eventually("seen", || {
            live.status().sources[0].heartbeat_expires == Some(begin + hour * HOUR)
        });
    }
    assert_eq!(live.status().hash, hash);
    publish("marker", 4);
    notes.until_last("marker".into());
    assert_eq!(notes.all(), [(1, "one".into()), (2, "marker".into())]);
    let status = live.status();
    assert_eq!(status.history[1].paths().collect::<Vec<_>>(), ["message"]);
    assert_eq!(warnings(&live), [""; 0], "its name is none of a field");
    let path = volume.path().to_str().unwrap();
    assert_eq!(logged(&[path]), 0, "nothing is worth a line");
}

#[test]
fn orphan_heartbeat_that_can_never_beat_is_refused_at_the_start() {
    let dir = tmpfs();
    let expired = token(SystemTime::now() - HOUR, 1);
    let endless = format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode("{\"hunter2\":1}"));
    let cases = [
        (None, "is not there"),
        (Some("hunter2"), "is no JSON Web Token with an expiry"),
        (Some("hunter2.hunter2.hunter2"), "is no JSON Web Token"),
        (Some(endless.as_str()), "with an expiry (`exp`)"),
    ];
    for (i, (content, reason)) in cases.into_iter().enumerate() {
        let mut keys = vec![("message", "one")];
        keys.extend(content.map(|content| ("token", content)));
        let volume = Volume::new(dir.path().join(i.to_string()), &keys);
        let error = loader::<Config>(volume.path()).watch().unwrap_err();
        assert_eq!(error.problems().len(), 1, "{error}");
        let text = error.to_string();
        let path = volume.key("token");
        for part in [
            path.to_str().unwrap(),
            reason,
            "projected",
            "- serviceAccountToken: {path: token, audience: nobody, expirationSeconds: 600}",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
        assert!(loader::<Config>(volume.path()).once().is_err());
    }
    // An empty volume has none either; a Secret that is optional leaves the token alone in it.
    let empty = Volume::new(dir.path().join("empty"), &[]);
    assert!(loader::<Config>(empty.path()).watch().is_err());
    empty.publish(&[("token", &fresh(1))]);
    loader::<Config>(empty.path()).watch().unwrap();
    // What has expired did beat once: to run on what is there is better than not to run.
    let old = Volume::new(
        dir.path().join("old"),
        &[("message", "old"), ("token", &expired)],
    );
    let live = loader::<Config>(old.path()).watch().unwrap();
    assert_eq!(live.load().message, "old");
    assert_eq!(mode(&live), WatchMode::Orphaned);
    let path = old.path().to_str().unwrap();
    assert_eq!(logged(&["WARN", path, "orphaned"]), 1);
}

#[test]
fn orphan_heartbeat_that_is_lost_later_degrades_until_it_is_back() {
    let dir = tmpfs();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("message", "one"), ("token", &fresh(1))],
    );
    let live = loader::<Config>(volume.path()).watch().unwrap();
    for content in [None, Some("hunter2")] {
        let mut keys = vec![("message", "two")];
        keys.extend(content.map(|content| ("token", content)));
        volume.publish(&keys);
        let problems = until_rejected(&live);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("the volume's heartbeat is"),
            "{problems:?}"
        );
        assert_eq!(live.status().health, Health::Degraded);
        assert_eq!(live.load().message, "one");
        volume.publish(&[("message", "one"), ("token", &fresh(2))]);
        until_ok(&live);
    }
    // All keys but the heartbeat are gone: that is a loss like any other.
    volume.publish(&[("token", &fresh(3))]);
    let problems = until_rejected(&live);
    assert!(problems[0].contains("has no keys any more"), "{problems:?}");
    volume.publish(&[]);
    eventually("all keys are gone", || {
        live.status().sources[0].heartbeat_expires.is_none()
    });
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(live.load().message, "one");
}

#[test]
fn orphan_heartbeat_is_not_missed_in_a_volume_whose_loss_means_the_defaults() {
    let dir = tmpfs();
    let keys = [("message", "one"), ("token", &fresh(1))];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let mount = Mount::new(volume.path()).heartbeat("token");
    let live = Config::loader()
        .mount(mount.defaults_when_lost())
        .poll_every(HOUR, HOUR)
        .watch()
        .unwrap();
    volume.publish(&[]);
    eventually("the default", || live.load().message == "none");
    // That it is empty is no news at the next look.
    live.reload().unwrap();
    assert_eq!(live.status().health, Health::Ok);
    volume.publish(&[("message", "two")]);
    let problems = until_rejected(&live);
    assert!(
        problems[0].contains("heartbeat is not there"),
        "{problems:?}"
    );
    volume.publish(&[("message", "two"), ("token", &fresh(2))]);
    eventually("the volume is back", || live.load().message == "two");
}

#[test]
fn orphan_heartbeat_of_a_path_that_two_sources_read_is_back_once() {
    let dir = tmpfs();
    let expired = token(SystemTime::now() - HOUR, 1);
    let keys = [("message", "one"), ("token", &expired)];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let live = loader::<Config>(volume.path())
        .mount(volume.path())
        .watch()
        .unwrap();
    let modes = || {
        let sources = live.status().sources;
        let modes = sources.iter().map(|source| source.paths[0].mode);
        modes.collect::<Vec<_>>()
    };
    assert_eq!(modes(), [WatchMode::Orphaned, WatchMode::Events]);
    live.reload().unwrap();
    let path = volume.path().to_str().unwrap();
    let back = || logged(&["INFO", path, "no longer orphaned"]);
    assert_eq!(back(), 0);
    volume.publish(&[("message", "one"), ("token", &fresh(2))]);
    eventually("that it is back is told", || back() == 1);
    assert_eq!(modes(), [WatchMode::Events; 2]);
    live.reload().unwrap();
    assert_eq!(back(), 1);
}

#[test]
fn orphan_heartbeat_that_a_field_is_called_like_is_its_value_as_well() {
    #[derive(Debug, Retune)]
    struct Config {
        token: Secret<String>,
    }
    let dir = tmpfs();
    let (one, two) = (fresh(1), fresh(2));
    let volume = Volume::new(dir.path().join("v"), &[("token", &one), ("x", "")]);
    let live = loader::<Config>(volume.path()).watch().unwrap();
    let notes = Notes::of(&live, |c| c.token.expose().clone());
    volume.publish(&[("token", &two), ("x", "")]);
    notes.until_last(two.clone());
    assert_eq!(notes.values(), [one, two]);
    assert!(live.status().sources[0].heartbeat_expires.is_some());
}

#[test]
fn orphan_heartbeat_shows_nothing_of_its_token() {
    /// A field that knows nothing of secrets.
    #[derive(Debug, Retune)]
    struct Wants {
        token: String,
    }
    let dir = tmpfs();
    let parts = |token: &str| -> Vec<String> { token.split('.').map(str::to_owned).collect() };
    let mut hidden = vec!["hunter2".to_owned()];
    let mut shown = String::new();
    let mut show = |text: String| _ = writeln!(shown, "{text}");

    let expired = token(SystemTime::now() - HOUR, 1);
    let volume = Volume::new(
        dir.path().join("v"),
        &[("message", "one"), ("token", &expired)],
    );
    let path = volume.path().to_owned();
    let mount = Mount::new(&path).heartbeat("token");
    show(format!(
        "{mount:?} {mount:#?} {:?}",
        loader::<Config>(&path)
    ));
    let live = loader::<Config>(&path).watch().unwrap();
    let wants = loader::<Wants>(&path).watch().unwrap();
    assert_eq!(wants.load().token, expired);
    let next = fresh(2);
    volume.publish(&[("message", "two"), ("token", &next)]);
    eventually("the next", || wants.load().token == next);
    eventually("the next", || live.load().message == "two");
    let garbage = "hunter2.hunter2.hunter2";
    for token in [&next, garbage] {
        fs::write(volume.key("..data").join("token"), token).unwrap();
        let errors = [
            live.reload().map(|_| ()),
            loader::<Config>(&path).once().map(|_| ()),
        ];
        for error in errors.into_iter().filter_map(Result::err) {
            show(format!("{error} {error:?} {:?}", error.problems()));
        }
        show(format!("{live:?} {:?}", live.load()));
        show(serde_json::to_string(&live.status()).unwrap());
        show(format!("{:?} {:?}", live.status(), live.explain_all()));
        show(serde_json::to_string(&wants.status()).unwrap());
        show(format!("{:?}", wants.explain_all()));
        show(serde_json::to_string(&wants.explain_all()).unwrap());
    }
    live.stop().unwrap();
    wants.stop().unwrap();
    show(log::lines().join("\n"));
    assert!(shown.contains("heartbeat"), "it was looked at");
    hidden.extend(parts(&expired));
    hidden.extend(parts(&next));
    for secret in hidden {
        let at = shown.find(&secret);
        let near = at.map(|at| &shown[at.saturating_sub(200)..at + secret.len()]);
        assert_eq!(near, None);
    }
}
