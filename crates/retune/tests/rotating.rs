//! H6: what is replaced is taken for some time beside what replaced it.
#![allow(missing_docs)]

mod support;

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use retune::{Live, Retune, Rotating, Secret};
use support::pending::start;
use support::{Notes, eventually, lines, until_ok, until_rejected, warnings};

#[derive(Debug, Retune)]
struct Told {
    #[retune(overlap = "until told")]
    webhook_key: Rotating<Secret<String>>,
    #[retune(default = 0)]
    limit: u32,
}

#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Timed {
    #[retune(overlap = "250ms")]
    webhook_key: Rotating<Secret<String>>,
    #[retune(default = 0)]
    limit: u32,
}

type Both = (String, Option<String>);

fn both(key: &Rotating<Secret<String>>) -> Both {
    let text = |key: &Secret<String>| key.expose().clone();
    (text(key.current()), key.previous().map(text))
}

fn seen(live: &Live<Told>) -> Both {
    live.with(|c| both(&c.webhook_key))
}

fn pair(current: &str, previous: impl Into<Option<&'static str>>) -> Both {
    (current.to_owned(), previous.into().map(str::to_owned))
}

/// The paths that the last generation changed.
fn changed<T: Send + Sync + 'static>(live: &Live<T>) -> Vec<String> {
    let history = live.status().history;
    let last = history.last().unwrap();
    last.paths().map(str::to_owned).collect()
}

#[test]
fn h6_what_ran_before_is_the_previous_one_of_the_same_generation_until_told() {
    let (_dir, volume, live) = start::<Told>(&[("webhook-key", "a")]);
    let notes = Notes::of(&live, |c| both(&c.webhook_key));
    assert_eq!(seen(&live), pair("a", None));
    assert!(live.status().overlaps.is_empty());

    volume.publish(&[("webhook-key", "b"), ("limit", "1")]);
    notes.until_last(pair("b", "a"));
    assert_eq!(
        changed(&live),
        ["limit", "webhook_key", "webhook_key.previous"]
    );
    let overlap = &live.status().overlaps[0];
    assert_eq!(
        (&*overlap.path, overlap.until, overlap.by_source),
        ("webhook_key", None, false)
    );

    // What else changes is a generation with the same overlap.
    let since = overlap.since;
    volume.publish(&[("webhook-key", "b"), ("limit", "2")]);
    eventually("the limit", || live.with(|c| c.limit == 2));
    assert_eq!(seen(&live), pair("b", "a"));
    assert_eq!(live.status().overlaps[0].since, since);
    assert_eq!(live.reload().unwrap(), 3, "the same again is no generation");

    assert_eq!(live.end_overlap("webhookKey").unwrap(), 4);
    assert_eq!(seen(&live), pair("b", None));
    assert_eq!(changed(&live), ["webhook_key.previous"]);
    assert!(live.status().overlaps.is_empty());
    // Twice is not wrong: a script may not know.
    assert_eq!(live.end_overlap("webhook-key.previous").unwrap(), 4);
    assert_eq!(
        live.reload().unwrap(),
        4,
        "what has ended does not come back"
    );
    notes.until_last(pair("b", None));
    assert_eq!(warnings(&live), [""; 0]);
}

/// The paths that each generation after the first changed.
fn all_changed<T: Send + Sync + 'static>(live: &Live<T>) -> Vec<Vec<String>> {
    let history = live.status().history;
    let changed = history.iter().skip(1);
    changed
        .map(|entry| entry.paths().map(str::to_owned).collect())
        .collect()
}

#[test]
fn h6_an_overlap_ends_after_its_time_and_not_before() {
    let (_dir, volume, live) = start::<Timed>(&[("webhook-key", "a")]);
    let began = Instant::now();
    volume.publish(&[("webhook-key", "b")]);
    eventually("the end of the overlap", || live.status().generation == 3);
    assert!(began.elapsed() >= Duration::from_millis(250));
    assert_eq!(live.with(|c| both(&c.webhook_key)), pair("b", None));
    assert_eq!(
        all_changed(&live),
        [
            vec!["webhook_key", "webhook_key.previous"],
            vec!["webhook_key.previous"]
        ]
    );
}

#[test]
fn h6_the_status_tells_until_when() {
    #[derive(Debug, Retune)]
    struct Long {
        #[retune(overlap = "1h 30m")]
        webhook_key: Rotating<Secret<String>>,
    }
    let (_dir, volume, live) = start::<Long>(&[("webhook-key", "a-secret")]);
    volume.publish(&[("webhook-key", "b")]);
    eventually("the overlap", || !live.status().overlaps.is_empty());
    let status = live.status();
    let overlap = &status.overlaps[0];
    let long = overlap
        .until
        .unwrap()
        .duration_since(overlap.since)
        .unwrap();
    assert_eq!(long, Duration::from_secs(5400));
    assert!(overlap.since <= status.times.swapped);
    let explained = live.explain("webhook_key.previous").unwrap().to_string();
    let from = volume.key("webhook-key");
    assert_eq!(
        explained,
        format!(
            "webhook_key.previous = [redacted] (kept from {}), since generation 2",
            from.display()
        )
    );
    let json = serde_json::to_string(&(status, live.explain_all())).unwrap();
    assert!(!json.contains("a-secret"), "{json}");
    let shown = format!("{:?} {json}", live.load());
    assert!(!shown.contains("a-secret"), "{shown}");
    // A time is no reason to wait for it.
    live.end_overlap("webhook_key").unwrap();
    assert!(live.with(|c| c.webhook_key.previous().is_none()));
}

#[test]
fn h6_of_two_changes_the_last_replaced_one_is_kept_and_a_revert_swaps_the_two() {
    let (_dir, volume, live) = start::<Told>(&[("webhook-key", "a")]);
    let notes = Notes::of(&live, |c| both(&c.webhook_key));
    let mut since = Vec::new();
    for (key, expected) in [
        ("b", pair("b", "a")),
        ("c", pair("c", "b")),
        ("b", pair("b", "c")),
    ] {
        volume.publish(&[("webhook-key", key)]);
        notes.until_last(expected);
        since.push(live.status().overlaps[0].since);
    }
    assert!(since.is_sorted() && since[0] < since[2]);
}

#[test]
fn h6_a_refused_update_starts_no_overlap_and_ends_none() {
    let (_dir, volume, live) = start::<Told>(&[("webhook-key", "a")]);
    volume.publish(&[("webhook-key", "b"), ("limit", "x")]);
    until_rejected(&live);
    assert_eq!(seen(&live), pair("a", None));
    volume.publish(&[("webhook-key", "b"), ("limit", "1")]);
    until_ok(&live);
    assert_eq!(seen(&live), pair("b", "a"));
    volume.publish(&[("webhook-key", "c"), ("limit", "x")]);
    until_rejected(&live);
    assert_eq!(seen(&live), pair("b", "a"));

    // Revoking works while the sources are bad, and makes them no better.
    let before = live.status();
    live.end_overlap("webhook_key").unwrap();
    assert_eq!(seen(&live), pair("b", None));
    let status = live.status();
    assert_eq!(status.generation, before.generation + 1);
    assert_eq!(status.last_success, before.last_success);
    assert!(status.rejection.is_some());
}

#[test]
fn h6_an_overlap_ends_in_its_time_while_the_sources_are_bad_and_a_gate_is_shut() {
    let (_dir, volume, live) = start::<Timed>(&[("webhook-key", "a")]);
    let _gate = live.gate(|c: &Timed| match c.webhook_key.previous() {
        Some(_) => Ok(()),
        None => Err("shut"),
    });
    volume.publish(&[("webhook-key", "b")]);
    eventually("the overlap", || live.status().generation > 1);
    volume.publish(&[("webhook-key", "c"), ("limit", "x")]);
    until_rejected(&live);
    eventually("its end", || live.status().generation == 3);
    assert_eq!(live.with(|c| both(&c.webhook_key)), pair("b", None));
    assert!(live.status().rejection.is_some());
}

#[test]
fn h6_a_value_set_by_code_is_a_change_like_any_other() {
    let (_dir, _volume, live) = start::<Told>(&[("webhook-key", "a")]);
    live.set("webhook-key", "b").unwrap();
    assert_eq!(seen(&live), pair("b", "a"));
    live.unset("webhook-key").unwrap();
    assert_eq!(seen(&live), pair("a", "b"));
    live.set("limit", "x").unwrap_err();
    assert_eq!(seen(&live), pair("a", "b"));
}

#[test]
fn h6_what_has_no_overlap_cannot_be_ended() {
    let (_dir, _volume, live) = start::<Told>(&[("webhook-key", "a")]);
    let told = |name| lines(live.end_overlap(name).unwrap_err().problems()).join("\n");
    assert_eq!(
        told("limit"),
        "`limit`: has no overlap: it is no `Rotating`"
    );
    assert!(
        told("webhok-key").contains("did you mean `webhook-key`?"),
        "{}",
        told("webhok-key")
    );
    let fixed = Live::fixed(Rotating::with_previous(1, Some(2)));
    assert!(fixed.end_overlap("x").is_err());
    assert!(fixed.with(|key| key.any(|key| *key == 2)));
}

#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Parts {
    #[retune(default = "a", overlap = "until told")]
    word: Rotating<String>,
    #[retune(overlap = "until told")]
    maybe: Option<Rotating<u8>>,
    auth: Auth,
    #[retune(default = 0)]
    limit: u32,
}

#[derive(Debug, Retune)]
struct Auth {
    #[retune(default = 1, range = ..=9, overlap = "until told")]
    level: Rotating<u8>,
    #[retune(overlap = "until told")]
    login: Rotating<Login>,
}

#[derive(Clone, Debug, PartialEq, Retune)]
struct Login {
    #[retune(default = "root")]
    user: String,
    #[retune(default = "none", raw)]
    password: Secret<String>,
}

impl Login {
    fn told(&self) -> String {
        format!("{}:{}", self.user, self.password.expose())
    }
}

fn told<T: ToString>(pair: &Rotating<T>) -> String {
    let all: Vec<_> = pair.iter().map(T::to_string).collect();
    all.join(" ")
}

#[test]
fn h6_a_default_is_a_value_and_an_option_that_is_no_longer_given_keeps_nothing() {
    let (_dir, volume, live) = start::<Parts>(&[]);
    let word = || live.with(|c| told(&c.word));
    let maybe = || live.with(|c| c.maybe.as_ref().map(told));
    let publish = |keys: &[(&str, &str)]| {
        let before = live.status().generation;
        volume.publish(keys);
        eventually("a generation", || live.status().generation > before);
    };
    publish(&[("word", "b"), ("maybe", "1")]);
    assert_eq!((word(), maybe()), ("b a".to_owned(), Some("1".to_owned())));
    publish(&[("maybe", "2")]);
    assert_eq!(
        (word(), maybe()),
        ("a b".to_owned(), Some("2 1".to_owned()))
    );
    let explained = live.explain("word").unwrap();
    assert_eq!(
        explained.to_string(),
        "word = a (default), since generation 3"
    );
    live.end_overlap("word").unwrap();
    let generation = live.status().generation;
    assert_eq!(word(), "a");
    assert_eq!(live.reload().unwrap(), generation, "nothing of it stays");
    publish(&[("word", "a"), ("maybe", "2"), ("auth.level", "3")]);
    assert_eq!(
        word(),
        "a",
        "the default that is now given is the same value"
    );
    publish(&[("limit", "1")]);
    assert_eq!(maybe(), None);
    publish(&[("maybe", "3")]);
    assert_eq!(maybe().as_deref(), Some("3"));
}

#[test]
fn h6_in_nested_structs_and_of_whole_structs() {
    let (_dir, volume, live) = start::<Parts>(&[]);
    let auth = || {
        live.with(|c| {
            let logins: Vec<_> = c.auth.login.iter().map(Login::told).collect();
            (told(&c.auth.level), logins.join(" "))
        })
    };
    let is = |level: &str, logins: &str| {
        eventually(&format!("{level}, {logins}, not {:?}", auth()), || {
            auth() == (level.to_owned(), logins.to_owned())
        });
    };
    is("1", "root:none");
    volume.publish(&[("auth.level", "2")]);
    is("2 1", "root:none");
    assert_eq!(
        live.explain("auth.level").unwrap().winner.unwrap().value,
        "2"
    );
    volume.publish(&[("auth.level", "2"), ("auth.login.password", "b\n")]);
    is("2 1", "root:b\n root:none");
    assert_eq!(changed(&live), ["auth.login.password"]);
    // The pair changes when any of its fields does.
    volume.publish(&[
        ("auth.level", "2"),
        ("auth.login", "{user: x, password: b}"),
    ]);
    is("2 1", "x:b root:b\n");
    let paths: Vec<_> = live.status().overlaps.into_iter().map(|o| o.path).collect();
    assert_eq!(paths, ["auth.level", "auth.login"]);
    let user = live.explain("auth.login.user").unwrap();
    assert_eq!(user.winner.unwrap().value, "x");
    live.end_overlap("auth.login").unwrap();
    is("2 1", "x:b");
    volume.publish(&[("limit", "1")]);
    is("1 2", "root:none x:b");
    live.end_overlap("auth.level").unwrap();
    live.end_overlap("auth.login").unwrap();
    is("1", "root:none");
    let generation = live.status().generation;
    assert_eq!(live.reload().unwrap(), generation, "nothing of it stays");
}

#[test]
fn h6_of_what_code_makes_or_what_is_not_there_nothing_is_known() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default = Made::new())]
        made: Made,
        maybe: Option<Made>,
        #[retune(default = 0)]
        limit: u32,
    }
    #[derive(Debug, Retune)]
    struct Made {
        #[retune(overlap = "until told")]
        key: Rotating<u8>,
    }
    impl Made {
        fn new() -> Self {
            Self {
                key: Rotating::from(1),
            }
        }
    }
    let (_dir, volume, live) = start::<Config>(&[("limit", "1")]);
    let keys = |c: &Config| (told(&c.made.key), c.maybe.as_ref().map(|m| told(&m.key)));
    let is = |given: &[(&str, &str)], made: &str, maybe: Option<&str>| {
        volume.publish(given);
        let expected = (made.to_owned(), maybe.map(str::to_owned));
        eventually(&format!("{expected:?}"), || live.with(keys) == expected);
    };
    is(&[("made.key", "2"), ("maybe.key", "3")], "2", Some("3"));
    is(&[("made.key", "4"), ("maybe.key", "5")], "4 2", Some("5 3"));
    is(&[("limit", "2")], "1", None);
    is(&[("maybe.key", "6")], "1", Some("6"));
    assert_eq!(live.with(|c| c.limit), 0);
}

#[test]
fn h6_what_is_held_back_for_a_restart_waits_beside_an_overlap() {
    #[derive(Debug, Retune)]
    struct Mixed {
        #[retune(overlap = "until told")]
        word: Rotating<String>,
        #[retune(default = 1, restart)]
        listen: u16,
    }
    let (_dir, volume, live) = start::<Mixed>(&[("word", "a")]);
    volume.publish(&[("word", "b"), ("listen", "2")]);
    eventually("both", || {
        live.with(|c| told(&c.word) == "b a" && c.listen == 1)
    });
    let pending = |live: &Live<Mixed>| {
        let pending = live.status().pending_restart;
        pending
            .into_iter()
            .map(|change| change.path)
            .collect::<Vec<_>>()
    };
    assert_eq!(pending(&live), ["listen"]);
    live.end_overlap("word").unwrap();
    assert_eq!(
        live.with(|c| (told(&c.word), c.listen)),
        ("b".to_owned(), 1)
    );
    assert_eq!(pending(&live), ["listen"]);
    assert_eq!(live.reload().unwrap(), 3);
}

static KEYS: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Counted(String);

impl FromStr for Counted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        KEYS.fetch_add(1, Ordering::Relaxed);
        Ok(Self(text.to_owned()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        KEYS.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn h4_what_was_before_is_dropped_with_its_overlap() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(overlap = "until told", from_str)]
        key: Rotating<Secret<Counted>>,
    }
    let (_dir, volume, live) = start::<Config>(&[("key", "a")]);
    volume.publish(&[("key", "b")]);
    eventually("the overlap", || live.with(|c| c.key.previous().is_some()));
    assert_eq!(
        live.with(|c| c.key.previous().map(|key| key.expose().0.clone())),
        Some("a".into())
    );
    eventually("the two of this generation", || {
        KEYS.load(Ordering::Relaxed) == 2
    });
    live.end_overlap("key").unwrap();
    assert_eq!(
        KEYS.load(Ordering::Relaxed),
        3,
        "this thread still holds what it saw last"
    );
    assert!(live.with(|c| c.key.previous().is_none()));
    assert_eq!(KEYS.load(Ordering::Relaxed), 1);
    assert_eq!(live.status().held.generations, 0);
}

static GOOD: AtomicUsize = AtomicUsize::new(0);

fn good(key: &Secret<String>) -> Result<(), &'static str> {
    match key.expose().len() == GOOD.load(Ordering::Relaxed) {
        true => Ok(()),
        false => Err("not good now"),
    }
}

#[test]
fn h6_to_take_what_was_before_away_does_not_depend_on_checks() {
    #[derive(Debug, Retune)]
    struct Checked {
        #[retune(overlap = "until told", validate = good)]
        key: Rotating<Secret<String>>,
    }
    GOOD.store(1, Ordering::Relaxed);
    let (_dir, volume, live) = start::<Checked>(&[("key", "a")]);
    volume.publish(&[("key", "b")]);
    eventually("the overlap", || live.with(|c| c.key.previous().is_some()));
    // Such as a certificate that has expired meanwhile.
    GOOD.store(2, Ordering::Relaxed);
    live.end_overlap("key").unwrap();
    assert!(live.with(|c| c.key.previous().is_none()));
}
