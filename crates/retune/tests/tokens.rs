//! Bearer tokens that expire: JSON Web Tokens, as the kubelet projects and renews them.
#![allow(missing_docs)]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use retune::source::Mount;
use retune::status::Health;
use retune::{Error, Live, Retune, Secret, Token};
use support::log::{self, logged};
use support::{Volume, eventually, until_rejected};
use tempfile::TempDir;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Retune)]
struct Config {
    token: Token,
    #[retune(default = "none")]
    password: Secret<String>,
}

/// In memory, as a Secret's and a token's volume is, where there is such.
fn tmpfs() -> TempDir {
    log::keep();
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Nothing in a token may be shown: its parts are what the tests look for.
fn token(expires: SystemTime) -> String {
    let expires = expires.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let claims = format!(r#"{{"sub":"hunter2","nbf":1,"exp":{expires:.3}}}"#);
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims);
    format!("hunter2.{claims}.hunter2")
}

fn fresh() -> String {
    token(SystemTime::now() + HOUR)
}

fn watch(mount: Mount) -> Result<Live<Config>, Error> {
    let loader = Config::loader().mount(mount);
    loader.poll_every(24 * HOUR, 24 * HOUR).watch()
}

#[test]
fn a_token_is_renewed_like_any_other_value_and_tells_when_it_expires() {
    let dir = tmpfs();
    let (one, two) = (fresh(), token(SystemTime::now() + 2 * HOUR));
    let volume = Volume::new(dir.path().join("v"), &[("token", &one)]);
    let live = watch(Mount::new(volume.path())).unwrap();
    assert_eq!(live.load().token.expose(), one);
    for next in [two.as_str(), "hunter2-without-an-end"] {
        volume.publish(&[("token", next)]);
        eventually("the next", || live.load().token.expose() == next);
        let status = live.status();
        assert_eq!(status.health, Health::Ok);
        let expires: Vec<_> = status.expiries.iter().map(|e| e.expires).collect();
        let own = live.load().token.expires();
        assert_eq!(expires, Vec::from_iter(own.map(Some)), "{next}");
        assert_eq!(status.secrets[0].path, "token");
    }
    volume.publish(&[("token", &token(SystemTime::now() - HOUR))]);
    let problems = until_rejected(&live);
    assert!(
        problems[0].contains("`token`: expired at 20"),
        "{problems:?}"
    );
    assert_eq!(live.load().token.expose(), "hunter2-without-an-end");
    let shown = format!(
        "{:?} {:?} {} {:?} {:?}",
        live.load(),
        live.status(),
        serde_json::to_string(&live.status()).unwrap(),
        live.explain_all(),
        log::lines(),
    );
    assert!(shown.contains("expired at"), "it was looked at");
    let claims = one.split('.').nth(1).unwrap();
    for secret in ["hunter2", claims] {
        let at = shown.find(secret);
        let near = at.map(|at| &shown[at.saturating_sub(200)..at + secret.len()]);
        assert_eq!(near, None);
    }
}

#[test]
fn an_expired_token_is_refused_at_the_start() {
    let dir = tmpfs();
    let keys = [("token", &*token(SystemTime::now() - SECOND))];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let error = Config::loader().mount(volume.path()).once().unwrap_err();
    let place = format!("{}: `token`: expired at", volume.key("token").display());
    let line = error.problems()[0].to_string();
    assert!(line.starts_with(&place), "{line}");
}

/// A Secret's volume that the kubelet has made anew beside the running container: a tmpfs, which stays
/// as it was, without an event. Only what expires in it tells that.
#[test]
fn orphan_secret_volume_is_told_by_its_token_and_its_heartbeat_and_ends_with_a_fresh_one() {
    let dir = tmpfs();
    // The heartbeat counts as missed half a minute after its end.
    let beat = token(SystemTime::now() - 28 * SECOND);
    let volume = Volume::new(dir.path().join("v"), &[]);
    let mount = || Mount::new(volume.path()).secret().heartbeat("heartbeat");
    // It expires soon; later, where that was before it could be read.
    let live = (1..).find_map(|seconds| {
        let soon = token(SystemTime::now() + 2 * seconds * SECOND);
        let keys = [
            ("token", &*soon),
            ("heartbeat", &beat),
            ("password", "hunter2-1"),
        ];
        volume.publish(&keys);
        watch(mount()).ok()
    });
    let live = live.unwrap();
    eventually("both are told", || live.status().reasons.len() == 2);
    let status = live.status();
    assert_eq!(status.health, Health::Degraded);
    assert!(status.reasons[0].contains("only a restart of the container reconnects it"));
    assert!(status.reasons[1].contains("`token`: expired at 20"));
    assert!(status.expiries[0].expired);
    assert!(status.rejection.is_none(), "what is there is good");
    let place = volume.key("token");
    eventually("both are logged", || {
        logged(&["WARN", place.to_str().unwrap(), "runs on"]) == 1
            && logged(&["WARN", volume.path().to_str().unwrap(), "orphaned"]) == 1
    });

    let keys = [
        ("token", &*fresh()),
        ("heartbeat", &fresh()),
        ("password", "hunter2-2"),
    ];
    volume.publish(&keys);
    eventually("all is well", || live.status().health == Health::Ok);
    assert_eq!(live.load().password.expose(), "hunter2-2");
    assert_eq!(live.status().warnings.len(), 0);
}
