//! A secret's value is shown nowhere: whatever a program can print, log or serialize is searched.

mod support;

use std::collections::BTreeMap;
use std::fmt::{Debug, Display, Write};
use std::str::FromStr;
use std::sync::Arc;

use retune::source::{Env, File, Mount};
use retune::{Error, Live, Retune, Secret};
use support::{Volume, eventually, log};

/// Every secret of these tests holds this word, and nothing else does.
const WORD: &str = "hunter2";

#[derive(Debug, Default, serde::Serialize, Retune)]
struct Config {
    #[retune(default = "hunter2-default", deprecated = "passwd")]
    password: Secret<String>,
    #[retune(default = 7)]
    pin: Secret<u32>,
    #[retune(default = "ok-hunter2-token", validate = quotes)]
    token: Secret<String>,
    #[retune(from_str, default = "ok")]
    picky: Secret<Picky>,
    #[retune(serde)]
    document: Secret<Option<Document>>,
    #[retune(default = "{}")]
    keys: BTreeMap<String, Secret<String>>,
    #[retune(default = "[]")]
    several: Vec<Secret<String>>,
    auth: Option<Auth>,
    #[retune(default = "{}")]
    headers: Secret<BTreeMap<String, String>>,
    nested: Option<Nested>,
    #[retune(default = 80)]
    port: u16,
    #[retune(default = "info")]
    level: String,
}

#[derive(Debug, serde::Serialize, Retune)]
struct Nested {
    user: String,
    password: Secret<String>,
}

#[derive(Debug, serde::Serialize, Retune)]
enum Auth {
    Nobody,
    Token(Secret<String>),
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Document {
    user: Kind,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Kind {
    Admin,
}

#[derive(Debug, Default, serde::Serialize)]
struct Picky(String);

impl FromStr for Picky {
    type Err = String;

    /// Quotes a part of its input when it is refused, as parsers do.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("bad ") {
            Some(word) => Err(format!("unexpected {word:?}")),
            None => Ok(Self(text.to_owned())),
        }
    }
}

fn quotes(token: &Secret<String>) -> Result<(), String> {
    let token = token.expose();
    assert!(!token.starts_with("panic"), "{token} {token:?}");
    match token.starts_with("ok") {
        true => Ok(()),
        false => Err(format!("{token} is no token; {token:?} neither")),
    }
}

fn logged() -> String {
    log::lines().join("\n")
}

/// All that an error can show.
fn shown(error: &Error) -> String {
    let problems = error.problems();
    let mut all = format!(
        "{error} {error:?} {error:#?} {} {} {problems:?}",
        error.report(true),
        error.report(false)
    );
    for problem in problems {
        _ = write!(
            all,
            " {problem} {} {:?} {:?} {}",
            problem.message(),
            problem.help(),
            problem.origin(),
            serde_json::to_string(problem).unwrap()
        );
    }
    all
}

/// All that a live configuration can show, but for the values' own `Debug`.
fn seen_from_outside<T: Send + Sync>(live: &Live<T>) -> String {
    let (status, explained) = (live.status(), live.explain_all());
    let mut all = format!("{status:?} {status:#?} {explained:?}");
    all += &serde_json::to_string(&status).unwrap();
    all += &serde_json::to_string(&explained).unwrap();
    for one in explained {
        _ = write!(all, " {:?}", live.explain(&one.path));
    }
    all
}

fn all_of<T: Debug + Send + Sync>(live: &Live<T>) -> String {
    let change = live.changes().next();
    let own = format!("{live:?} {:?} {:#?} {change:?}", live.load(), live.load());
    own + &format!("{:?} {:?}", live.reader(), live.view(|config| config))
        + &seen_from_outside(live)
}

#[track_caller]
fn no_secret(what: &str, shown: impl Display) {
    let shown = shown.to_string();
    if let Some(at) = shown.find(WORD) {
        let before: String = shown[..at].chars().rev().take(300).collect();
        let before: String = before.chars().rev().collect();
        let after: String = shown[at..].chars().take(60).collect();
        panic!("{what} shows a secret: …{before}{after}…");
    }
}

const GOOD: &str = "\
password: hunter2-password
pin: 2
token: ok-hunter2-token
picky: hunter2-picky
document: { user: Admin }
keys: { a: hunter2-a, b: \"hunter2\\nb\" }
several: [hunter2-0, hunter2-1]
auth: { token: hunter2-auth }
headers: { x-key: hunter2-header }
nested: { user: me, password: hunter2-nested }
port: 8080
";

/// Documents that are refused, with a word of the reason.
const BAD: &[(&str, &str)] = &[
    // What does not parse.
    ("pin: hunter2", "not what was expected"),
    ("pin: [hunter2]", "not what was expected"),
    ("password: [hunter2]", "not what was expected"),
    ("password: { a: hunter2 }", "not what was expected"),
    ("several: { a: hunter2 }", "expected"),
    ("keys: hunter2", "expected"),
    ("nested: hunter2", "expected"),
    ("nested: { password: hunter2 }", "missing"),
    ("headers: { x-key: [hunter2] }", "not what was expected"),
    ("headers: { x-key: 1, x-key: 2 }", ""),
    ("auth: hunter2", "expected"),
    ("auth: { tokn: hunter2 }", "expected"),
    ("auth: { token: [hunter2] }", "expected"),
    ("auth: { token: hunter2, nobody: 1 }", "expected"),
    ("auth: [hunter2]", "expected"),
    ("picky: bad hunter2", "not what was expected"),
    ("document: { user: hunter2 }", "not what was expected"),
    ("document: hunter2", "not what was expected"),
    ("document: { user: Admin, hunter2: 1 }", ""),
    // What the program's own checks say.
    ("token: bad-hunter2-token", "is no token"),
    (
        "token: \"bad \\\"hunter2\\\"\\nover two lines\"",
        "no token",
    ),
    ("token: |\n  bad-hunter2\n  over two lines", "no token"),
    ("token: panic-hunter2-token", "panicked"),
    (
        "token: \"panic \\\"hunter2\\\"\\nover two lines\"",
        "panicked",
    ),
    // A secret beside what is wrong, on the same line.
    ("{ password: hunter2-beside, port: no-port }", "no-port"),
    ("{ port: no-port, password: hunter2-beside }", "no-port"),
    (
        "nested: { user: [], password: hunter2-beside }",
        "nested.user",
    ),
    ("{ keys: { a: hunter2 }, port: no-port }", "no-port"),
    // What no parser takes.
    ("password: \"hunter2", ""),
    ("password: hunter2\nport: [", ""),
    ("{ password: hunter2-beside, port: 1, port: 2 }", "port"),
    ("password: hunter2\npassword: hunter2-again", "password"),
    ("password: &a hunter2\ntoken: *b", ""),
    ("password: hunter2: hunter2", ""),
    ("password: %hunter2", ""),
    ("\tpassword: hunter2", ""),
    ("password: !hunter2 x", ""),
];

#[test]
fn h1_h2_no_channel_shows_a_secret_whatever_is_wrong_with_it() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("config.yaml", GOOD)]);
    let file = dir.path().join("token");
    std::fs::write(&file, "ok-hunter2-file\n").unwrap();
    let env = Env::from_iter(
        "APP",
        [
            ("APP_PASSWORD", "hunter2-variable"),
            ("APP_TOKEN_FILE", file.to_str().unwrap()),
        ],
    );
    let live = Config::loader()
        .mount(volume.not_secret())
        .env(env)
        .set("keys.c", "hunter2-code")
        .watch()
        .unwrap();
    assert_eq!(
        live.with(|c| c.password.expose().clone()),
        "hunter2-variable"
    );
    assert_eq!(live.with(|c| c.token.expose().clone()), "ok-hunter2-file");
    assert_eq!(live.with(|c| c.keys["b"].expose().clone()), "hunter2\nb");
    no_secret("a good configuration", all_of(&live));
    volume.publish(&[(
        "config.yaml",
        &GOOD.replace("hunter2-nested", "hunter2-changed"),
    )]);
    eventually("taken", || live.status().generation == 2);
    no_secret("a changed configuration", all_of(&live));
    for key in ["hunter2-password", "ok-hunter2-token"] {
        let error = live.set("pin", key).unwrap_err();
        no_secret("a refused value", shown(&error));
    }
    live.stop().unwrap();
    no_secret("the log", logged());
}

#[test]
fn h1_h2_no_refused_document_shows_a_secret() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("config.yaml", GOOD)]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    for (i, (bad, reason)) in BAD.iter().enumerate() {
        volume.publish(&[("config.yaml", bad)]);
        let result = live.reload();
        // What is only odd for one format may be wrong for another: either way it is searched.
        if let Err(error) = &result {
            assert!(error.to_string().contains(reason), "{i} {bad}: {error}");
            no_secret(bad, shown(error));
            assert!(live.status().rejection.is_some(), "{bad}");
        } else {
            assert_eq!(*reason, "", "not refused: {bad}");
        }
        no_secret(bad, all_of(&live));
        no_secret(bad, logged());
        if let Err(error) = Config::loader().mount(volume.not_secret()).once() {
            no_secret(bad, shown(&error));
        }
        if let Err(error) = Config::loader().mount(volume.not_secret()).strict().once() {
            no_secret(bad, shown(&error));
        }
    }
    live.stop().unwrap();
}

/// Fields that know nothing of secrets, from sources that are.
#[derive(Debug, Retune)]
struct Plain {
    #[retune(validate = refuses)]
    level: String,
    #[expect(dead_code, reason = "it is read by `Debug`")]
    port: u16,
    #[expect(dead_code, reason = "it is read by `Debug`")]
    names: Vec<String>,
}

#[expect(clippy::ptr_arg, reason = "a check takes the field's type")]
fn refuses(level: &String) -> Result<(), String> {
    match level.starts_with("ok") {
        true => Ok(()),
        false => Err(format!("{} is no level", &level[..level.len() - 1])),
    }
}

#[test]
fn h1_h2_what_a_secret_source_gives_is_a_secret_whatever_the_field() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let good = [
        ("level", "ok-hunter2"),
        ("port", "80"),
        ("names", "hunter2,b"),
    ];
    let volume = Volume::new(dir.path().join("v"), &good);
    let live = Plain::loader()
        .mount(Mount::new(volume.path()).secret())
        .watch()
        .unwrap();
    assert_eq!(live.with(|c| c.level.clone()), "ok-hunter2");
    no_secret("a good volume", seen_from_outside(&live));
    let documents = [
        "level: hunter2-level\nport: 1\nnames: []",
        "{ level: ok, port: hunter2, names: [] }",
        "{ level: ok, port: 1, names: { hunter2: [] } }",
        "{ level: ok, port: 1, names: [[hunter2]] }",
        "level: \"hunter2",
        "level: hunter2: x",
        "hunter2",
        "- hunter2",
        "level: *hunter2",
        "level: !hunter2 x",
    ];
    let toml = [
        "level = 'ok'\nport = hunter2",
        "level = \"hunter2",
        "hunter2",
    ];
    let json = [
        "{\"level\": hunter2}",
        "{\"port\": \"hunter2\"}",
        "\"hunter2",
        "[\"hunter2\"]",
    ];
    let bad = |key: &'static str, texts: &[&'static str]| {
        texts.iter().map(|text| (key, *text)).collect::<Vec<_>>()
    };
    let mut cases = bad("c.yaml", &documents);
    if cfg!(feature = "toml") {
        cases.extend(bad("c.toml", &toml));
    }
    cases.extend(bad("c.json", &json));
    cases.extend([
        ("level", "hunter2-level"),
        ("port", "hunter2"),
        ("names.hunter", "hunter2"),
    ]);
    for (key, text) in cases {
        volume.publish(&[(key, text)]);
        let error = live.reload().expect_err(text);
        no_secret(text, shown(&error));
        no_secret(text, seen_from_outside(&live));
        let path = volume.path().join(key);
        let source = File::new(path).secret();
        if key.contains('.')
            && key != "names.hunter"
            && let Err(error) = Plain::loader().file(source).once()
        {
            no_secret(text, shown(&error));
        }
    }
    no_secret("the log", logged());
    live.stop().unwrap();
}

#[test]
fn h1_a_gate_and_a_subscriber_that_quote_a_secret_are_not_repeated() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("token", "ok-hunter2")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let gate = live.gate(|config: &Config| {
        let token = config.token.expose();
        assert!(!token.contains("panic"), "{token:?} {token}");
        Err(format!("{token} {token:?}"))
    });
    for token in ["ok-hunter2-a", "ok \"hunter2\"\nb", "ok panic hunter2"] {
        let error = live.set("token", token).unwrap_err();
        assert!(error.to_string().contains("gate at"), "{error}");
        no_secret(token, shown(&error));
        volume.publish(&[("token", token)]);
        no_secret(token, shown(&live.reload().unwrap_err()));
        no_secret(token, all_of(&live));
    }
    drop(gate);
    let _subscription = live.subscribe(|change| {
        let old = change.old().map(|old| old.token.expose());
        panic!("{old:?} {} is new", change.new_value().token.expose());
    });
    eventually("panicked", || live.status().counters.subscriber_panics == 1);
    live.set("token", "ok-hunter2-\"quoted\"").unwrap();
    eventually("panicked", || live.status().counters.subscriber_panics == 2);
    // Logged just after it was counted; the threads are gone after the stop.
    live.stop().unwrap();
    assert!(logged().contains("is new"), "it is logged");
    no_secret("the log", logged());
}

#[test]
fn h1_a_masked_key_and_a_deprecated_name_are_warned_of_without_their_values() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let keys = [("passwd", "hunter2-old-name"), ("pasword", "hunter2-typo")];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let env = Env::from_iter(
        "APP",
        [("APP_PASSWORD", "hunter2-env"), ("APP_TOKN", "hunter2")],
    );
    let live = Config::loader()
        .mount(volume.not_secret())
        .env(env)
        .watch()
        .unwrap();
    assert!(
        live.status().warnings.len() >= 3,
        "{:?}",
        live.status().warnings
    );
    no_secret("the warnings", all_of(&live));
    no_secret("the log", logged());
    live.stop().unwrap();
}

#[test]
fn h10_serialize_gives_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.yaml");
    std::fs::write(&path, GOOD).unwrap();
    let config = Config::loader().file(path).once().unwrap();
    let json = serde_json::to_value(&config).unwrap();
    no_secret("json", &json);
    assert_eq!(json["password"], "[redacted]");
    assert_eq!(json["keys"]["b"], "[redacted]");
    assert_eq!(json["nested"]["password"], "[redacted]");
    assert_eq!(json["document"], "[redacted]");
    assert_eq!(json["port"], 8080);
    no_secret("toml", toml::to_string(&config.nested).unwrap_or_default());
    assert_eq!(config.nested.unwrap().password.expose(), "hunter2-nested");
}

/// A layer may want the generation in each log line, and a log may wait for a full pipe.
#[test]
fn a_log_line_may_ask_for_the_status() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("port", "1")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let asked = live.clone();
    log::at_each_line(Some(Arc::new(move || _ = asked.status())));
    volume.publish(&[("port", "2"), ("typo", "1")]);
    eventually("taken", || live.with(|config| config.port == 2));
    let asks = live.clone();
    let asking = std::thread::spawn(move || asks.reload().map(|_| asks.status().generation));
    eventually("nothing is locked", || asking.is_finished());
    assert_eq!(asking.join().unwrap().unwrap(), 2);
    volume.publish(&[("port", "no-port")]);
    eventually("refused", || live.status().rejection.is_some());
    volume.publish(&[("port", "2")]);
    eventually("good again", || live.status().rejection.is_none());
    log::at_each_line(None);
    live.stop().unwrap();
}

#[test]
fn h1_the_keys_of_a_secret_map_are_secrets_too() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("c.yaml", "headers: { hunter2-a: x }")],
    );
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    volume.publish(&[("c.yaml", "headers: { hunter2-b: x, hunter2-c: [] }")]);
    no_secret("a refusal", shown(&live.reload().unwrap_err()));
    volume.publish(&[("c.yaml", "headers: { hunter2-b: y }")]);
    live.reload().unwrap();
    volume.publish(&[("port", "81")]);
    live.reload().unwrap();
    no_secret("the history", seen_from_outside(&live));
}

#[test]
fn h1_a_field_of_a_secret_struct_is_a_secret_wherever_it_is_given_by_itself() {
    #[derive(Debug, Retune)]
    struct Config {
        pair: Secret<Pair>,
    }

    #[derive(Debug, Retune)]
    struct Pair {
        user: String,
        password: String,
    }

    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("pair.password", "hunter2")]);
    let live = Config::loader()
        .mount(volume.path())
        .env(Env::from_iter("APP", [("APP_PAIR_USER", "hunter3")]))
        .watch()
        .unwrap();
    live.with(|config| {
        let Pair { user, password } = config.pair.expose();
        assert_eq!([user, password], ["hunter3", "hunter2"]);
    });
    let explained: Vec<_> = live.explain_all().iter().map(ToString::to_string).collect();
    let shown = format!("{explained:?} {:?} {live:?}", live.status());
    assert!(
        explained.concat().contains("pair.user = [redacted]"),
        "{shown}"
    );
    assert!(!shown.contains("hunter"), "{shown}");
}
