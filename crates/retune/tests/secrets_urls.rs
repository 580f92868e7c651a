//! A password inside a URL is shown nowhere, whatever the field's type.
#![cfg(all(feature = "clap", feature = "url", feature = "yaml"))]

mod support;

use std::fmt::{Display, Write};

use retune::source::{Env, File};
use retune::{Error, Live, Loader, Retune, Secret};
use support::{Volume, eventually, log};
use url::Url;

/// Every password of these tests holds this word, and nothing else does.
const WORD: &str = "hunter2";

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Config {
    #[retune(default = "postgres://app:hunter2-default@db/app", validate = not_bad)]
    database: Url,
    #[retune(default = "redis://:hunter2-default@cache")]
    cache: String,
    #[retune(default)]
    brokers: Vec<Url>,
    whole: Option<Secret<Url>>,
    #[retune(serde)]
    other: Option<Other>,
}

#[derive(Debug, serde::Deserialize)]
#[allow(dead_code)]
struct Other {
    url: String,
    number: u8,
}

/// A check that knows nothing of secrets.
fn not_bad(url: &Url) -> Result<(), String> {
    assert_ne!(url.host_str(), Some("panics"), "{url}");
    match url.host_str() {
        Some("bad") => Err(format!("{url} ({:?}) is bad", url.password())),
        _ => Ok(()),
    }
}

fn document(database: &str) -> String {
    format!("database: {database:?}\nbrokers: ['amqp://u:hunter2-1@h', 'amqp://h']\n")
}

#[track_caller]
fn no_password(what: &str, shown: impl Display) {
    let shown = shown.to_string();
    if let Some(at) = shown.find(WORD) {
        let before: String = shown[..at].chars().rev().take(300).collect();
        let before: String = before.chars().rev().collect();
        panic!("{what} shows a password: …{before}{WORD}…");
    }
}

fn seen_from_outside(live: &Live<Config>) -> String {
    let (status, explained) = (live.status(), live.explain_all());
    let mut all = format!("{status:?} {explained:?}");
    all += &serde_json::to_string(&status).unwrap();
    all += &serde_json::to_string(&explained).unwrap();
    for one in explained {
        _ = write!(all, " {one} {:?}", live.explain(&one.path));
    }
    all
}

fn shown(error: &Error) -> String {
    let mut all = format!(
        "{error} {error:?} {} {}",
        error.report(true),
        error.report(false)
    );
    for problem in error.problems() {
        _ = write!(
            all,
            " {problem:?} {}",
            serde_json::to_string(problem).unwrap()
        );
    }
    all
}

fn refused(loader: Loader<Config>) -> Error {
    match loader.once() {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(error) => error,
    }
}

#[test]
fn h3_a_password_in_a_url_is_in_no_status_history_explanation_or_log() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[
            (
                "app.yaml",
                &document("postgres://app:hunter2-document@db/app"),
            ),
            ("cache", "redis://:hunter2-key@cache\n"),
        ],
    );
    let env = Env::from_iter(
        "APP",
        [("APP_DATABASE", "postgres://app:hunter2-env@db/app")],
    );
    let live = Config::loader()
        .mount(volume.path())
        .env(env)
        .watch()
        .unwrap();
    assert_eq!(
        live.with(|c| c.database.password().unwrap().to_owned()),
        "hunter2-env"
    );
    let database = live.explain("database").unwrap();
    assert_eq!(
        database.winner.as_ref().unwrap().value,
        "postgres://app:[redacted]@db/app",
        "what is no secret is shown"
    );
    assert_eq!(database.losers.len(), 2);
    no_password("a start", seen_from_outside(&live));

    volume.publish(&[
        ("app.yaml", &document("http:app:hunter2-odd@db")),
        ("cache", "redis://:hunter2-rotated@cache\n"),
        ("whole", "redis://:hunter2-rotated@cache/hunter2\n"),
    ]);
    eventually("a rotated password", || live.status().generation == 2);
    assert_eq!(
        live.with(|c| c.cache.clone()),
        "redis://:hunter2-rotated@cache"
    );
    live.set("database", "http:app:hunter2-code@db").unwrap();
    let database = live.explain("database").unwrap();
    assert_eq!(
        database.winner.unwrap().value,
        "[redacted]",
        "an odd writing"
    );
    no_password("a rotation", seen_from_outside(&live));

    let error = live
        .set("database", "postgres://app:hunter2@bad/app")
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("postgres://app:[redacted]@bad/app"),
        "{error}"
    );
    no_password("a refused value", shown(&error));
    live.stop().unwrap();
    no_password("the log", log::lines().join("\n"));
}

#[test]
fn h3_no_report_shows_a_password_in_a_url_whatever_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    for (content, reason) in [
        // What does not parse, as YAML and as JSON writes it.
        ("database: postgres://u:hunter2@h:x", "invalid port"),
        ("database: postgres://u:hunter2/x@h", "invalid port"),
        (
            "database: \"postgres://u:hunter2\\u0040h:x\"",
            "invalid port",
        ),
        (
            "{\"database\": \"postgres:\\/\\/u:hunter2@h:x\"}",
            "invalid port",
        ),
        (
            "database: |\n  postgres://u:hunter2\n  @h:x",
            "not what was expected",
        ),
        ("database: 'http:u:hunter2@'", "not what was expected"),
        ("database: ['postgres://u:hunter2@h']", "found a list"),
        ("database: {'postgres://u:hunter2@h': 1}", "found a map"),
        ("brokers: 'a://b, amqp://u:hunter2@h:x'", "invalid port"),
        ("brokers: ['amqp://u:hunter2@h:x', b]", "invalid port"),
        ("brokers: {'amqp://u:hunter2@h:x': b}", "expected a list"),
        (
            "other: {url: 'http://u:hunter2@h', number: 'http://u:hunter2@h'}",
            "other",
        ),
        ("whole: 'http://u:hunter2@h:x'", "not what was expected"),
        // What the program's own check says.
        ("database: 'postgres://u:hunter2@bad'", "is bad"),
        ("database: 'postgres://u:hunter2@panics'", "panicked"),
        // Beside what is wrong.
        ("{cache: 'http://u:hunter2@h', database: x}", "no scheme"),
        (
            "cache: 'http://u:hunter2@h'\ncache: 'http://u:hunter2@h'",
            "",
        ),
        ("cahe: 'http://u:hunter2@h'\ndatabase: x", "no scheme"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = refused(Config::loader().file(File::new(&file)));
        assert!(error.to_string().contains(reason), "{content}: {error}");
        no_password(content, shown(&error));
    }
    for text in [
        "postgres://u:hunter2@h:x",
        "http:u:hunter2@",
        "postgres://u:hunter2@bad",
    ] {
        let env = Env::from_iter("APP", [("APP_DATABASE", text)]);
        no_password(text, shown(&refused(Config::loader().env(env))));
        let volume = Volume::new(
            dir.path().join("v"),
            &[("database", text), ("data.base", text)],
        );
        no_password(text, shown(&refused(Config::loader().mount(volume.path()))));
        std::fs::remove_dir_all(volume.path()).unwrap();
    }
}

#[test]
fn h3_the_help_of_a_flag_shows_no_password_of_a_default() {
    let help = Config::augment(clap::Command::new("app"))
        .render_long_help()
        .to_string();
    assert!(
        help.contains("[default: postgres://app:[redacted]@db/app]"),
        "{help}"
    );
    no_password("the help", help);
}
