//! H6: how a `Rotating` is given: one value, or the current and the previous one.
#![allow(missing_docs)]

mod support;

use retune::source::Env;
use retune::{Error, Retune, Rotating, Secret};
use support::pending::start;
use support::{Notes, Volume, eventually, lines, replace, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(overlap = "1h", alias = "hook-key")]
    webhook_key: Rotating<Secret<String>>,
    #[retune(overlap = "1h", range = ..=9, default = 0)]
    digit: Rotating<u8>,
    #[retune(overlap = "1h")]
    login: Option<Rotating<Login>>,
    #[retune(overlap = "1h", default = "a, b")]
    words: Rotating<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Retune)]
struct Login {
    user: String,
    password: Secret<String>,
}

fn keys(pair: &Rotating<Secret<String>>) -> Vec<String> {
    pair.iter().map(|key| key.expose().clone()).collect()
}

fn logins(config: &Config) -> Vec<String> {
    let logins = config.login.iter().flat_map(Rotating::iter);
    logins
        .map(|login| format!("{}:{}", login.user, login.password.expose()))
        .collect()
}

fn document(text: &str) -> Result<Config, Error> {
    let dir = tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    replace(&file, text);
    Config::loader().file(file).strict().once()
}

fn refusal(text: &str) -> Vec<String> {
    let error = document(text).unwrap_err();
    let shown = format!("{error:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    let problems = error.problems().iter();
    problems
        .map(|p| format!("{}: {}", p.path(), p.message()))
        .collect()
}

#[test]
fn h6_a_document_gives_one_value_or_both() {
    for (text, expected) in [
        ("webhook-key: a", &["a"][..]),
        ("webhook-key: '{current: a}'", &["{current: a}"]),
        ("webhook-key: {current: a}", &["a"]),
        ("webhook-key: {current: a, previous: b}", &["a", "b"]),
        ("hookKey: {Previous: b, CURRENT: a}", &["a", "b"]),
        ("webhook-key: {current: a, previous: null}", &["a"]),
        ("webhook-key: {current: a, previous: ''}", &["a"]),
    ] {
        assert_eq!(
            keys(&document(text).unwrap().webhook_key),
            expected,
            "{text}"
        );
    }
    for (text, expected) in [
        ("{user: u, password: p}", &["u:p"][..]),
        ("'{user: u, password: p}'", &["u:p"]),
        ("{current: {user: u, password: p}}", &["u:p"]),
        (
            "{user: u, password: p, previous: {user: v, password: q}}",
            &["u:p", "v:q"],
        ),
        (
            "{current: '{user: u, password: p}', previous: {user: v, password: q}}",
            &["u:p", "v:q"],
        ),
        ("null", &[]),
    ] {
        let config = document(&format!("webhook-key: a\nlogin: {text}")).unwrap();
        assert_eq!(logins(&config), expected, "{text}");
    }
    let words = document("webhook-key: a\nwords: {current: [x, y], previous: 'z'}").unwrap();
    assert_eq!(words.words.current(), &["x", "y"]);
    assert_eq!(words.words.previous().unwrap(), &["z"]);
}

#[test]
fn h6_what_is_wrong_with_either_is_told() {
    assert_eq!(
        refusal(
            "webhook-key: {current: [hunter2], previous: {a: hunter3}}\ndigit: {current: 10, previous: x}"
        ),
        [
            "webhook_key: not what was expected: text",
            "webhook_key.previous: not what was expected: text",
            "digit: expected a whole number, 0 to 9, found \"10\": out of range",
            "digit.previous: expected a whole number, 0 to 9, found \"x\"",
        ]
    );
    assert_eq!(
        refusal("webhook-key: {previous: hunter2}"),
        ["webhook_key: missing: expected text"]
    );
    assert_eq!(
        refusal("webhook-key: {curent: hunter2, previous: hunter3}"),
        ["webhook_key: not what was expected: text"]
    );
    assert_eq!(refusal("digit: 1"), ["webhook_key: missing: expected text"]);
    assert_eq!(
        refusal("webhook-key: {current: hunter2, Current: hunter3}"),
        ["webhook_key: given twice"]
    );
    assert_eq!(
        refusal("webhook-key: a\nlogin: {user: u, passwort: hunter2, previous: {user: v}}"),
        [
            "login.passwort: unknown: no field has this name, `strict` refuses it",
            "login.password: missing: expected text",
            "login.previous.password: missing: expected text",
        ]
    );
    for text in [
        "webhook-key: null",
        "webhook-key: {current: null, previous: hunter2}",
    ] {
        assert_eq!(
            refusal(text),
            ["webhook_key: not what was expected: text"],
            "{text}"
        );
    }
}

#[test]
fn h6_keys_and_variables_give_both_by_their_flat_names() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[
            ("webhook-key", "a\n"),
            ("webhook-key.previous", "b\n"),
            ("login.user", "u"),
            ("login.password", "p"),
            ("login.previous.user", "v"),
            ("login.previous.password", "q"),
            ("digit.current", "3"),
        ],
    );
    let live = Config::loader()
        .mount(volume.not_secret())
        .env(Env::from_iter("APP", [("APP_DIGIT_PREVIOUS", "4")]))
        .strict()
        .watch()
        .unwrap();
    let config = live.load();
    assert_eq!(keys(&config.webhook_key), ["a", "b"]);
    assert_eq!(logins(&config), ["u:p", "v:q"]);
    assert_eq!(config.digit, Rotating::with_previous(3, Some(4)));
    let overlaps = live.status().overlaps;
    let overlaps: Vec<_> = overlaps
        .iter()
        .map(|o| (&*o.path, o.until, o.by_source))
        .collect();
    assert_eq!(
        overlaps,
        [
            ("webhook_key", None, true),
            ("digit", None, true),
            ("login", None, true)
        ]
    );
    let told = |name: &str| live.explain(name).unwrap().to_string();
    let place = |key: &str| volume.key(key).display().to_string();
    let digit = place("digit.current");
    assert_eq!(
        told("digit"),
        format!("digit = 3 ({digit}:1:1), since generation 1\n  overrides 0 (default)")
    );
    assert_eq!(
        told("digit.previous"),
        "digit.previous = 4 (APP_DIGIT_PREVIOUS), since generation 1"
    );
    let user = place("login.previous.user");
    assert_eq!(
        told("login.previous.user"),
        format!("login.previous.user = v ({user}:1:1), since generation 1")
    );
    assert!(told("login").starts_with("login = {password: [redacted], user: u} "));
}

#[test]
fn h6_what_the_source_says_is_before_holds_for_as_long_as_it_says_so() {
    let (_dir, volume, live) = start::<Config>(&[("webhook-key", "a")]);
    let notes = Notes::of(&live, |c| keys(&c.webhook_key));
    let is = |keys: &[(&str, &str)], expected: &[&str]| {
        volume.publish(keys);
        notes.until_last(expected.iter().map(|key| (*key).to_owned()).collect());
        assert_eq!(warnings(&live), [""; 0]);
    };
    is(
        &[("webhook-key", "b"), ("webhook-key.previous", "x")],
        &["b", "x"],
    );
    let status = live.status();
    assert!(status.overlaps[0].by_source);
    assert!(status.overlaps[0].since > status.history[0].times.swapped);
    let error = live.end_overlap("webhook_key").unwrap_err();
    assert!(lines(error.problems())[0].contains("a source gives what was before"));
    // Taken out, it is gone at once.
    is(&[("webhook-key", "b")], &["b"]);
    assert_eq!(live.status().overlaps.len(), 0);
    // And what replaces it from then on has an overlap again.
    is(&[("webhook-key", "c")], &["c", "b"]);
    assert!(!live.status().overlaps[0].by_source);
    // That is ended from outside.
    is(
        &[("webhook-key", "c"), ("webhook-key.previous", "")],
        &["c"],
    );
    is(
        &[("webhook-key", "d"), ("webhook-key.previous", "\n")],
        &["d"],
    );
    is(&[("webhook-key", "e")], &["e", "d"]);
    // The same in words of the source is no other generation, and is the source's from then on.
    let generation = live.status().generation;
    volume.publish(&[("webhook-key", "e"), ("webhook-key.previous", "d")]);
    eventually("the source's word", || live.status().overlaps[0].by_source);
    assert_eq!(live.status().generation, generation);
    is(&[("webhook-key", "e")], &["e"]);
    assert_eq!(warnings(&live), [""; 0]);
}

#[test]
fn h6_a_check_sees_each_of_the_two() {
    #[allow(dead_code)]
    #[derive(Debug, Retune)]
    struct Checked {
        #[retune(overlap = "until told", validate = long)]
        key: Rotating<Secret<String>>,
        #[retune(overlap = "until told", validate = |n| even(*n))]
        number: Option<Rotating<u8>>,
    }
    fn long(key: &Secret<String>) -> Result<(), &'static str> {
        let is_long = key.expose().len() > 2;
        is_long.then_some(()).ok_or("too short")
    }
    fn even(n: u8) -> Result<(), String> {
        let is_even = n.is_multiple_of(2);
        is_even.then_some(()).ok_or(format!("{n} is odd"))
    }
    let told = |key, previous| {
        let loader = Checked::loader().set("key", key).set("number", "1");
        let loader = loader.set("key.previous", previous);
        let error = loader.set("number.previous", "3").once().unwrap_err();
        let problems = error.problems().iter();
        let told = problems.map(|problem| format!("{}: {}", problem.path(), problem.message()));
        told.collect::<Vec<_>>()
    };
    let numbers = ["number: 1 is odd", "number.previous: 3 is odd"];
    let keys = ["key: too short", "key.previous: too short"];
    assert_eq!(told("aaa", "bbb"), numbers);
    assert_eq!(told("aa", "bb"), [keys, numbers].concat());
}

#[cfg(feature = "clap")]
#[test]
fn h6_a_flag_takes_the_current_value() {
    let command = Config::augment(clap::Command::new("x"));
    let flags: Vec<_> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| arg.get_long())
        .collect();
    assert_eq!(flags, ["digit", "login.user", "words"]);
    let matches = command.get_matches_from(["x", "--digit", "7", "--words", "x", "--words", "y"]);
    let config = Config::loader()
        .set("webhook-key", "a")
        .flags(&matches)
        .once()
        .unwrap();
    assert_eq!(config.digit, Rotating::new(7));
    assert_eq!(config.words.current(), &["x", "y"]);
}

#[test]
fn h6_an_overlap_ends_also_where_its_struct_runs_on_until_a_restart() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default = Peer { port: 1, key: Secret::new(String::new()).into() })]
        peer: Peer,
        #[retune(default = 0)]
        limit: u32,
    }
    #[derive(Debug, Retune)]
    struct Peer {
        #[retune(restart)]
        port: u16,
        #[retune(overlap = "until told")]
        key: Rotating<Secret<String>>,
    }
    let key = |key| [("peer.port", "2"), ("peer.key", key)];
    let (_dir, volume, live) = start::<Config>(&key("a"));
    volume.publish(&key("b"));
    live.reload().unwrap();
    // What code would make of it can only run after a restart.
    volume.publish(&[("limit", "1")]);
    live.reload().unwrap();
    assert_eq!(live.load().limit, 1);
    let has_previous = || live.with(|c| (c.peer.port, c.peer.key.previous().is_some()));
    assert_eq!(has_previous(), (2, true));
    let paths: Vec<_> = live.status().pending_restart;
    let paths: Vec<_> = paths.iter().map(|change| &*change.path).collect();
    assert_eq!(paths, ["peer.key", "peer.port"]);
    live.end_overlap("peer.key").unwrap();
    assert_eq!(has_previous(), (2, false));
}

#[test]
fn h6_what_is_taken_away_leaves_no_half_of_a_pair_behind() {
    let login = [
        ("webhook-key", "a"),
        ("login.user", "u"),
        ("login.password", "p"),
    ];
    let (_dir, volume, live) = start::<Config>(&login);
    assert_eq!(logins(&live.load()), ["u:p"]);
    for gone in ["login: null", "{}"] {
        volume.publish(&[("webhook-key", "a"), ("app.yaml", gone)]);
        live.reload().unwrap();
        assert!(live.load().login.is_none(), "{gone}");
        assert!(live.status().overlaps.is_empty(), "{gone}");
        volume.publish(&login);
        live.reload().unwrap();
    }
    // What is not there and has no default is missing, and no pair without a current value.
    volume.publish(&[("digit", "1")]);
    let error = live.reload().unwrap_err();
    let told = lines(error.problems());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("`webhook_key`: missing: expected text"));
    assert_eq!(keys(&live.load().webhook_key), ["a"]);
}
