//! Values that expire, or are not valid yet.
#![allow(missing_docs)]

mod support;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use retune::shape::{Grammar, Shape};
use retune::source::Mount;
use retune::status::Health;
use retune::{Decoder, Error, Live, Loader, Node, Retune, Rotating, Secret, Value};
use support::log::{self, logged};
use support::{Notes, Volume, eventually, until_ok, until_rejected, warnings};
use tempfile::TempDir;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Somebody's right, from when until when: `hunter2 1700000000 1800000000.5`. A type of the program's
/// own.
#[derive(Clone, Debug, PartialEq)]
struct Licence(String);

impl Value for Licence {
    const SHAPE: Shape = Shape::Text(Grammar::Other("a licence"));

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, from, until) = decoder.parsed(node, "a licence", |text| {
            let mut parts = text.split(' ').skip(1).map(|part| part.parse::<f64>());
            let (Some(Ok(from)), Some(Ok(until))) = (parts.next(), parts.next()) else {
                return Err("without its times");
            };
            let time = |seconds| UNIX_EPOCH + Duration::from_secs_f64(seconds);
            Ok((text.to_owned(), time(from), time(until)))
        })?;
        decoder.valid(node, Some(from), Some(until));
        Some(Self(text))
    }
}

fn licence(from: SystemTime, until: SystemTime) -> String {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    format!("hunter2 {:.3} {:.3}", seconds(from), seconds(until))
}

/// Another one for each number.
fn valid(n: u32) -> String {
    licence(UNIX_EPOCH, SystemTime::now() + n * HOUR)
}

fn expired(n: u32) -> String {
    licence(UNIX_EPOCH, SystemTime::now() - n * HOUR)
}

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    licence: Secret<Licence>,
}

/// Starts with a value that expires soon; again with one that lives longer where that came too late.
fn start<T: Retune>(watch: impl Fn(&str) -> Result<Live<T>, Error>) -> (Live<T>, String) {
    let mut seconds = 2;
    loop {
        let soon = licence(UNIX_EPOCH, SystemTime::now() + seconds * SECOND);
        match watch(&soon) {
            Ok(live) => return (live, soon),
            Err(error) => assert!(error.to_string().contains("expired at"), "{error}"),
        }
        seconds += 2;
    }
}

/// The tests of this binary share the log, but no directory.
fn directory() -> TempDir {
    log::keep();
    tempfile::tempdir().unwrap()
}

fn keys<'a>(message: &'a str, licence: &'a str) -> [(&'a str, &'a str); 2] {
    [("message", message), ("licence", licence)]
}

/// What is found with no help but events and the timers of what expires.
fn loader<T: Retune>(dir: &Path) -> Loader<T> {
    T::loader()
        .mount(Mount::new(dir))
        .poll_every(24 * HOUR, 24 * HOUR)
}

#[test]
fn an_expired_value_is_an_error_at_the_start() {
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &keys("one", "hunter2 1 1700000000"));
    for strict in [false, true] {
        let loader = loader::<Config>(volume.path());
        let loader = if strict { loader.strict() } else { loader };
        let error = loader.watch().unwrap_err();
        assert_eq!(error.problems().len(), 1, "{error}");
        let line = error.problems()[0].to_string();
        let place = volume.key("licence");
        assert!(line.starts_with(place.to_str().unwrap()), "{line}");
        for part in [
            "`licence`: expired at 2023-11-14T22:13:20Z",
            "give one that is valid",
            "this machine's clock is ahead",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert!(loader::<Config>(volume.path()).once().is_err());
    volume.publish(&keys(
        "one",
        &licence(SystemTime::now() + HOUR, SystemTime::now() + 2 * HOUR),
    ));
    let error = loader::<Config>(volume.path()).once().unwrap_err();
    assert!(error.to_string().contains("not valid before 20"), "{error}");
}

#[test]
fn h5_an_expired_value_is_refused_with_all_of_its_update_and_the_old_one_goes_on() {
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &keys("one", &valid(1)));
    let live = loader::<Config>(volume.path()).watch().unwrap();
    let before = live.load();
    volume.publish(&keys("two", "hunter2 1 1700000001"));
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("expired at 2023-11-14T22:13:21Z"));
    for _ in 0..3 {
        live.reload().unwrap_err();
    }
    let status = live.status();
    assert_eq!(status.counters.rejected_invalid, 1, "the same each time");
    assert_eq!(logged(&["WARN", "expired at 2023-11-14T22:13:21Z"]), 1);
    assert_eq!(live.load().message, "one");
    assert_eq!(live.load().licence.expose(), before.licence.expose());

    volume.publish(&keys("three", &valid(2)));
    eventually("a valid one", || live.load().message == "three");
    assert!(live.status().rejection.is_none());
}

#[test]
fn a_value_that_is_not_valid_yet_is_taken_by_itself_when_it_is() {
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &keys("one", &valid(1)));
    let live = loader::<Config>(volume.path()).watch().unwrap();
    let notes = Notes::of(&live, |c| c.message.clone());
    // It is taken 30 s early, for clocks that differ. Where it is noticed only then: once more, and later.
    let mut seconds = 32;
    let (from, message) = loop {
        let (from, message) = (SystemTime::now() + seconds * SECOND, seconds.to_string());
        volume.publish(&keys(&message, &licence(from, from + HOUR)));
        let rejected = || live.status().counters.rejected_invalid == 1;
        eventually("refused", || rejected() || live.load().message == message);
        if rejected() {
            break (from, message);
        }
        seconds += 2;
    };
    notes.until_last(message);
    assert!(
        SystemTime::now() + 30 * SECOND >= from,
        "not before its time"
    );
    let place = volume.key("licence");
    for part in [
        "`licence`: not valid before 20",
        "it is taken by itself from then on",
        "this machine's clock is behind",
    ] {
        assert_eq!(
            logged(&["WARN", place.to_str().unwrap(), part]),
            1,
            "{part}"
        );
    }
    until_ok(&live);
    assert_eq!(live.status().counters.rejected_invalid, 1);
}

#[test]
fn i7_a_value_that_expires_while_it_runs_degrades_and_stops_no_other_change() {
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &[]);
    let (live, short) = start(|soon| {
        volume.publish(&keys("one", soon));
        loader::<Config>(volume.path()).strict().watch()
    });
    let place = volume.key("licence");
    let said = || logged(&["WARN", place.to_str().unwrap(), "and runs on"]);
    eventually("a warning", || said() == 1);
    let lines = warnings(&live);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("`licence`: expired at 20"), "{lines:?}");
    assert!(lines[0].contains("give one that is valid"), "{lines:?}");
    let status = live.status();
    assert_eq!(status.health, Health::Degraded);
    assert_eq!(status.reasons, lines);
    let [expiry] = &status.expiries[..] else {
        panic!("one value tells its end: {:?}", status.expiries);
    };
    assert!(expiry.expired && expiry.expires < Some(SystemTime::now()));
    assert_eq!(expiry.not_before, Some(UNIX_EPOCH));
    assert_eq!(expiry.path, "licence");
    assert_eq!(expiry.origin, place.to_str().unwrap());

    // What else changes is taken, and what is wrong is refused for its own reason alone.
    volume.publish(&keys("two", &short));
    eventually("the other change", || live.load().message == "two");
    volume.publish(&[("message", "three"), ("licence", &short), ("unknown", "")]);
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(warnings(&live), lines, "it is still said");
    volume.publish(&keys("three", &expired(1)));
    eventually("another expired one is refused", || {
        until_rejected(&live)[0].contains("`licence`: expired at")
    });
    assert_eq!(live.load().message, "two");
    volume.publish(&keys("four", &valid(1)));
    eventually("a valid one", || live.load().message == "four");
    assert_eq!(warnings(&live), [""; 0]);
    assert_eq!(said(), 1, "it is said once");
    let status = live.status();
    assert_eq!((status.health, status.reasons.len()), (Health::Ok, 0));
    assert!(!status.expiries[0].expired);
    assert!(status.expiries[0].expires > Some(SystemTime::now()));
}

#[test]
fn i7_a_value_expires_on_time_however_long_changes_are_gathered() {
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &[]);
    let (live, _) = start(|soon| {
        volume.publish(&keys("one", soon));
        loader::<Config>(volume.path()).gather(HOUR).watch()
    });
    eventually("a warning", || !warnings(&live).is_empty());
}

#[test]
fn i7_a_value_of_the_last_good_configuration_expires_while_that_runs() {
    // No secret, as those are not kept.
    #[derive(Debug, Retune)]
    struct Config {
        message: String,
        #[allow(dead_code)]
        licence: Licence,
    }
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &[]);
    let (live, _) = start(|soon| {
        volume.publish(&keys("one", soon));
        let loader = || {
            let kept = dir.path().join("last-good.json");
            let loader = Config::loader().mount(volume.not_secret());
            loader.poll_every(24 * HOUR, 24 * HOUR).keep_last_good(kept)
        };
        loader().watch()?.stop()?;
        volume.publish(&keys("two", "no licence"));
        loader().watch()
    });
    assert_eq!(live.load().message, "one");
    assert!(live.status().last_good.unwrap().runs);
    let expires = |live: &Live<Config>| live.status().expiries.first().map(|one| one.expired);
    eventually("told", || expires(&live) == Some(true));
    volume.publish(&keys("three", &valid(1)));
    until_ok(&live);
    assert_eq!(live.load().message, "three");
}

#[test]
fn a_value_that_has_expired_is_known_again_where_items_move_and_keys_are_hidden() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default)]
        list: Vec<Licence>,
        #[retune(default)]
        hidden: Secret<std::collections::BTreeMap<String, Licence>>,
        #[retune(default)]
        by_name: std::collections::BTreeMap<String, Licence>,
    }
    let dir = directory();
    let yaml = |before: &str, list: &str, short: &str| {
        format!(
            "list: [{before}{list}]\nhidden: {{{before_key}a: {short}}}\nby_name: {{a.b: {short}}}\n",
            before_key = if before.is_empty() {
                String::new()
            } else {
                format!("b: {}, ", valid(1))
            },
        )
    };
    for secret in [false, true] {
        let volume = Volume::new(dir.path().join(secret.to_string()), &[]);
        let (live, short) = start(|soon| {
            volume.publish(&[("config.yaml", &yaml("", soon, soon))]);
            let mount = Mount::new(volume.path());
            let mount = if secret { mount.secret() } else { mount };
            Config::loader().mount(mount).watch()
        });
        eventually("all have expired", || warnings(&live).len() == 3);
        let first = format!("{}, ", valid(1));
        volume.publish(&[("config.yaml", &yaml(&first, &short, &short))]);
        eventually("one more", || live.load().list.len() == 2);
        let now = live.load();
        assert_eq!((now.hidden.expose().len(), now.by_name.len()), (2, 1));
        assert_eq!(warnings(&live).len(), 3, "{:?}", warnings(&live));
        // An expired one that was not there is refused wherever it is.
        let other = expired(1);
        volume.publish(&[("config.yaml", &yaml(&first, &other, &short))]);
        let problems = until_rejected(&live);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("`list[1]`: expired at"),
            "{problems:?}"
        );
    }
}

#[test]
fn a_value_for_a_restart_is_refused_when_it_has_expired() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default = "none")]
        message: String,
        #[retune(restart)]
        licence: Licence,
    }
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &[]);
    let (live, soon) = start(|soon| {
        volume.publish(&keys("one", soon));
        loader::<Config>(volume.path()).watch()
    });
    volume.publish(&keys("two", &expired(1)));
    let problems = until_rejected(&live);
    assert!(problems[0].contains("a process that starts now would refuse it"));
    // What waits is good, and what runs may go on until then.
    eventually("a warning", || warnings(&live).len() == 1);
    volume.publish(&keys("three", &valid(1)));
    eventually("the other change", || live.load().message == "three");
    assert_eq!(live.status().pending_restart.len(), 1);
    assert_eq!(live.load().licence, Licence(soon));
    assert_eq!(warnings(&live).len(), 1, "{:?}", warnings(&live));
}

#[test]
fn an_expired_value_that_code_sets_is_not_kept() {
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &keys("one", &valid(1)));
    let live = loader::<Config>(volume.path()).watch().unwrap();
    let error = live.set("licence", expired(1)).unwrap_err();
    assert!(error.to_string().contains("expired at"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(live.status().rejection.is_none());
    live.set("licence", valid(2)).unwrap();
    let origin = &live.status().expiries[0].origin;
    assert!(origin.contains("expiry.rs"), "{origin}");
}

#[test]
fn h6_what_was_before_may_expire_and_what_is_current_runs_on() {
    #[derive(Debug, Retune)]
    struct Pair {
        #[retune(overlap = "until told")]
        licence: Rotating<Secret<Licence>>,
        #[retune(default = 0)]
        limit: u32,
    }
    let dir = directory();
    let good = valid(1);
    let volume = Volume::new(dir.path().join("v"), &[("licence", &*good)]);
    let (live, _) = start(|soon| {
        let live = loader::<Pair>(volume.path()).watch()?;
        live.set("licence", soon).map(|_| live)
    });
    let publish = |keys: &[(&str, &str)], limit: &str| {
        volume.publish(&[keys, &[("limit", limit)]].concat());
        let is_taken = || live.with(|c| c.limit.to_string() == limit);
        eventually("it is taken", is_taken);
    };
    let has_previous = || live.with(|c| c.licence.previous().is_some());
    let has_expired = || live.status().expiries[0].expired;
    eventually("what is current has expired", has_expired);
    publish(&[("licence", &good)], "1");
    assert!(has_previous());
    live.end_overlap("licence").unwrap();
    assert!(!has_previous() && has_expired());

    live.unset("licence").unwrap();
    assert!(has_previous() && !has_expired());
    publish(&[("licence", &good)], "2");
    assert!(has_previous());
    let status = live.status();
    assert_eq!((status.health, status.expiries.len()), (Health::Ok, 1));

    // The same of one that the source gives.
    let before = expired(1);
    publish(&[("licence", &good), ("licence.previous", &before)], "3");
    assert!(has_previous() && live.status().health == Health::Ok);
    volume.publish(&[("licence", &expired(2))]);
    until_rejected(&live);
}

#[test]
fn h6_the_end_of_an_overlap_makes_nobody_forget_what_is_to_be_looked_at_again() {
    #[derive(Debug, Retune)]
    #[expect(dead_code, reason = "what the status says of them is looked at")]
    struct Both {
        licence: Licence,
        #[retune(overlap = "until told", default = "a")]
        key: Rotating<Secret<String>>,
    }
    let dir = directory();
    let volume = Volume::new(dir.path().join("v"), &[]);
    let (live, _) = start(|soon| {
        volume.publish(&[("licence", soon)]);
        loader::<Both>(volume.path()).watch()
    });
    live.end_overlap("key").unwrap();
    eventually("it has expired", || warnings(&live).len() == 1);
}
