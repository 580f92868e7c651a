//! A whole type by its own `Deserialize`, without the derive.
#![allow(missing_docs, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use retune::source::{Env, Mount};
use retune::{Error, Live, Retune, Secret, Serde, source};
use serde::Deserialize;
use support::{Volume, eventually, lines, rejection, replace, until_ok, until_rejected, warnings};

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct App {
    message: String,
    #[serde(default = "eighty")]
    port: u16,
    log_level: Option<Level>,
    #[serde(default)]
    db: Db,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Db {
    host: Option<String>,
    pool: Option<u8>,
    token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Info,
    Debug,
}

fn eighty() -> u16 {
    80
}

fn watch(file: &Path, env: &[(&str, &str)]) -> Result<Live<Serde<App>>, Error> {
    let env = Env::from_iter("APP", env.iter().copied());
    Serde::<App>::loader().file(file).env(env).watch()
}

/// The problems of a start that is refused.
#[track_caller]
fn refused(document: &str, env: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    fs::write(&file, document).unwrap();
    let error = watch(&file, env).unwrap_err();
    let place = format!("{}/", dir.path().display());
    let lines = lines(error.problems()).into_iter();
    lines.map(|line| line.replace(&place, "")).collect()
}

#[test]
fn e1_layers_are_merged_key_by_key_at_every_depth() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    let document =
        "message: low\nlogLevel: info\ndb: {host: file, pool: 1}\nlabels: {a: one, b: two}";
    fs::write(&file, document).unwrap();
    let volume = Volume::new(
        dir.path().join("config"),
        &[
            ("more.yaml", "db: {pool: 2}\nlabels: {b: mounted}"),
            ("message", "mounted\n"),
            ("db.token", "t0ken"),
        ],
    );
    let env = Env::from_iter("APP", [("APP_DB__HOST", "env"), ("APP_LABELS__C", "three")]);
    let config = Serde::<App>::loader()
        .file(file.as_path())
        .mount(volume.not_secret())
        .env(env)
        .watch()
        .unwrap();
    let expected = App {
        message: "mounted".into(),
        port: 80,
        log_level: Some(Level::Info),
        db: Db {
            host: Some("env".into()),
            pool: Some(2),
            token: Some("t0ken".into()),
        },
        hosts: Vec::new(),
        labels: [("a", "one"), ("b", "mounted"), ("c", "three")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    };
    assert_eq!(config.load().0, expected);
    assert_eq!(warnings(&config), [""; 0]);

    // Every leaf has its origin, and what it overrode.
    let host = config.explain("db.host").unwrap();
    assert_eq!(
        host.to_string()
            .replace(&format!("{}/", dir.path().display()), ""),
        "db.host = env (APP_DB__HOST), since generation 1\n  overrides file (app.yaml:3:12)"
    );
    let message = config.explain("message").unwrap();
    assert!(
        message.to_string().contains("config/message:1:1"),
        "{message}"
    );
    let all = config.explain_all();
    let paths: Vec<_> = all.iter().map(|value| value.path.as_str()).collect();
    for path in [
        "db.host", "db.pool", "db.token", "labels.c", "logLevel", "message",
    ] {
        assert!(paths.contains(&path), "{paths:?}");
    }

    // A change is of its leaf.
    volume.publish(&[("more.yaml", "db: {pool: 3}"), ("db.token", "t0ken")]);
    eventually("the pool", || config.with(|app| app.db.pool) == Some(3));
    let history = config.status().history;
    let paths: Vec<_> = history.last().unwrap().paths().collect();
    assert_eq!(paths, ["db.pool", "labels.b", "message"]);
    assert_eq!(config.load().message, "low");
}

#[test]
fn e1_keys_that_documents_write_differently_are_two_and_a_variable_is_of_its_own_writing() {
    let dir = tempfile::tempdir().unwrap();
    let [low, high] = ["low.yaml", "high.yaml"].map(|name| dir.path().join(name));
    fs::write(&low, "message: low\nlabels: {appName: low}").unwrap();
    fs::write(&high, "labels: {app_name: high}").unwrap();
    let labels = |env: &[(&str, &str)]| {
        let loader = Serde::<App>::loader().file(&*low).file(&*high);
        let env = Env::from_iter("APP", env.iter().copied());
        let config = loader.env(env).watch().unwrap();
        config.with(|app| app.labels.clone().into_iter().collect::<Vec<_>>())
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        labels(&[]),
        [pair("appName", "low"), pair("app_name", "high")]
    );
    assert_eq!(
        labels(&[("APP_LABELS__APP_NAME", "env")]),
        [pair("appName", "low"), pair("app_name", "env")]
    );
}

#[test]
fn e2_a_value_of_the_environment_alone_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    fs::write(&file, "message: hello\nhosts: [file]").unwrap();
    let env = [
        ("APP_PORT", "8080"),
        ("APP_DB__POOL", "4"),
        // As the type writes it, whatever the words.
        ("APP_LOG_LEVEL", "debug"),
        ("APP_HOSTS", "a, b"),
        ("APP_LABELS", "{x: y}"),
        ("OTHER_MESSAGE", "none of ours"),
    ];
    let config = watch(&file, &env).unwrap();
    let app = config.load();
    assert_eq!((app.port, app.db.pool), (8080, Some(4)));
    assert_eq!(app.log_level, Some(Level::Debug));
    assert_eq!(app.hosts, ["a", "b"]);
    assert_eq!(app.labels["x"], "y");
    assert_eq!(app.message, "hello");
    // A key that a document has is that key.
    replace(&file, "message: hello\nlogLevel: info");
    eventually("the document is read", || {
        let origin = config.explain("logLevel");
        origin.is_some_and(|told| told.to_string().contains("APP_LOG_LEVEL"))
    });
    assert_eq!(config.load().log_level, Some(Level::Debug));
}

#[test]
fn e2_without_a_prefix_the_environment_is_refused() {
    let env = Env::from_iter("", [("PATH", "/bin")]);
    let error = Serde::<App>::loader().env(env).once().unwrap_err();
    let told = lines(error.problems());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("every variable of the environment"),
        "{told:?}"
    );
}

#[test]
fn d19_a_wrong_type_later_changes_nothing_but_the_status() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("config"),
        &[("app.yaml", "message: a\nport: 1")],
    );
    let config = Serde::<App>::loader()
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    volume.publish(&[("app.yaml", "message: b\nport: many")]);
    let told = until_rejected(&config).concat();
    let place = format!("{}:2:7: `port`: ", volume.key("app.yaml").display());
    assert!(told.starts_with(&place) && told.contains("many"), "{told}");
    assert_eq!(config.load().message, "a");
    volume.publish(&[("app.yaml", "message: b\nport: 2")]);
    until_ok(&config);
    assert_eq!(
        (config.load().message.as_str(), config.load().port),
        ("b", 2)
    );
}

#[test]
fn d10_an_error_has_its_path_and_place() {
    assert_eq!(
        refused("message: a\ndb:\n  pool: 300", &[]),
        ["app.yaml:3:9: `db.pool`: invalid type: string \"300\", expected u8"]
    );
    assert_eq!(
        refused("message: a", &[("APP_DB__POOL", "many")]),
        ["APP_DB__POOL: `db.pool`: invalid type: string \"many\", expected u8"]
    );
    assert_eq!(
        refused("message: a\ndb:\n  hots: x", &[]),
        ["app.yaml:3:3: `db.hots`: unknown field `hots`, expected one of `host`, `pool`, `token`"]
    );
    assert_eq!(
        refused("message: a\nlogLevel: loud", &[]),
        ["app.yaml:2:11: `logLevel`: unknown variant `loud`, expected `info` or `debug`"]
    );
    assert_eq!(
        refused("message: a\nhosts: [a, {b: c}]", &[]),
        ["app.yaml:2:12: `hosts[1]`: invalid type: map, expected a string"]
    );
    assert_eq!(
        refused("port: 1", &[]),
        ["`message`: missing (give it as `message`)"]
    );
    assert_eq!(
        refused(
            "message: a",
            &[("APP_DB", "{host: x}"), ("APP_DB__HOST", "y")]
        ),
        ["APP_DB__HOST: `db`: given by both APP_DB and APP_DB__HOST (remove one of the two)"]
    );
}

#[test]
fn d14_a_name_that_the_type_ignores_is_a_warning_and_refused_when_strict() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    fs::write(&file, "message: a\nlogLevle: info\nlabels: {any: name}").unwrap();
    let config = watch(&file, &[("APP_PRT", "1")]).unwrap();
    let place = file.display();
    let unknown = "unknown: no field has this name, it is ignored";
    let expected = [
        format!("{place}:2:1: `logLevle`: {unknown} (did you mean `logLevel`?)"),
        format!("APP_PRT: `prt`: {unknown} (did you mean `port`?)"),
    ];
    assert_eq!(warnings(&config), expected);
    // Looking again at the same changes nothing.
    config.reload().unwrap();
    assert_eq!(warnings(&config), expected);
    replace(&file, "message: b");
    eventually("one is mended", || warnings(&config) == expected[1..]);

    // Where it is also missing, the suggestion is beside it.
    replace(&file, "mesage: b");
    let told = until_rejected(&config).concat();
    assert!(told.starts_with("`message`: missing"), "{told}");
    assert!(
        warnings(&config)
            .concat()
            .contains("did you mean `message`?")
    );

    fs::write(&file, "message: a\nlogLevle: info").unwrap();
    let strict = Serde::<App>::loader().file(file).strict();
    let told = lines(strict.once().unwrap_err().problems());
    assert_eq!(
        told,
        [expected[0].replace("it is ignored", "`strict` refuses it")]
    );
}

#[test]
fn a9_a_removed_key_falls_to_the_lower_source_or_the_type_s_default_or_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    fs::write(&file, "db: {pool: 1}").unwrap();
    let all = [("message", "a"), ("db.pool", "2"), ("port", "3")];
    let volume = Volume::new(dir.path().join("config"), &all);
    let config = Serde::<App>::loader()
        .file(file.as_path())
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    assert_eq!(config.with(|app| (app.db.pool, app.port)), (Some(2), 3));
    volume.publish(&[("message", "a")]);
    eventually("lower values", || {
        config.with(|app| (app.db.pool, app.port)) == (Some(1), 80)
    });
    volume.publish(&[("port", "3")]);
    let told = until_rejected(&config).concat();
    assert!(told.starts_with("`message`: missing; mount "), "{told}");
    assert!(told.contains("gave it until now"), "{told}");
    assert_eq!(config.load().message, "a");
}

#[test]
fn d18_null_is_what_the_type_makes_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (low, high) = (dir.path().join("low.yaml"), dir.path().join("high.yaml"));
    fs::write(&low, "message: a\nlogLevel: info").unwrap();
    fs::write(&high, "logLevel: ~").unwrap();
    let config = Serde::<App>::loader().file(low).file(high).once().unwrap();
    assert_eq!(config.log_level, None);
    assert_eq!(
        refused("message: a\nport: ~", &[]),
        ["app.yaml:2:7: `port`: invalid type: unit value, expected u16"]
    );
}

#[test]
fn h2_what_a_secret_source_gives_is_shown_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    fs::write(&file, "message: hello\ndb: {host: there}").unwrap();
    let secret = Volume::new(dir.path().join("creds"), &[("db.token", "hunter2")]);
    let config = Serde::<App>::loader()
        .file(file.as_path())
        .mount(Mount::new(secret.path()).secret())
        .watch()
        .unwrap();
    assert_eq!(config.load().db.token.as_deref(), Some("hunter2"));
    let token = config.explain("db.token").unwrap();
    assert!(
        token.to_string().starts_with("db.token = [redacted] "),
        "{token}"
    );
    let told = format!("{:?} {:?}", config.status(), config.explain_all());
    assert!(
        !told.contains("hunter2") && told.contains("there"),
        "{told}"
    );

    // What is wrong beside it is told in full, what is wrong with it is not.
    replace(&file, "message: hello\nport: many");
    let told = until_rejected(&config).concat();
    assert!(
        told.contains(":2:7: `port`: ") && told.contains("many"),
        "{told}"
    );
    replace(&file, "message: hello");
    until_ok(&config);
    secret.publish(&[("db.pool", "hunter2")]);
    let told = until_rejected(&config).concat();
    assert!(
        told.ends_with("`db.pool`: not what was expected: what its type takes"),
        "{told}"
    );
    assert!(!told.contains("hunter2"));
}

#[test]
fn e10_two_configurations_of_one_process_know_nothing_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let volumes = ["one", "two"].map(|name| {
        let volume = Volume::new(dir.path().join(name), &[("message", name)]);
        let config = Serde::<App>::loader()
            .mount(volume.not_secret())
            .watch()
            .unwrap();
        (volume, config)
    });
    volumes[0].0.publish(&[("message", "three")]);
    eventually("its own change", || volumes[0].1.load().message == "three");
    assert_eq!(volumes[1].1.load().message, "two");
    assert_eq!(volumes[1].1.status().generation, 1);
}

#[test]
fn a_derived_type_takes_one_as_a_part_and_merges_it_key_by_key() {
    #[derive(Debug, Retune)]
    struct Outer {
        name: String,
        db: Serde<Db>,
        key: Option<Secret<Serde<Db>>>,
    }

    let dir = tempfile::tempdir().unwrap();
    let (low, high) = (dir.path().join("low.yaml"), dir.path().join("high.yaml"));
    fs::write(&low, "name: a\ndb: {host: low, pool: 1}").unwrap();
    fs::write(&high, "db: {pool: 2}\nkey: {token: hunter2}").unwrap();
    let config = Outer::loader()
        .file(low)
        .file(high.as_path())
        .watch()
        .unwrap();
    let now = config.load();
    assert_eq!(
        (now.db.host.as_deref(), now.db.pool),
        (Some("low"), Some(2))
    );
    assert_eq!(now.name, "a");
    assert!(now.key.is_some());
    let shown = format!("{now:?} {:?} {:?}", config.explain_all(), config.status());
    assert!(!shown.contains("hunter2"), "{shown}");
    replace(&high, "key: {hunter2: hunter2}");
    let told = until_rejected(&config).concat();
    assert!(
        told.contains("`key`: not what was expected") && !told.contains("hunter2"),
        "{told}"
    );
    assert_eq!(rejection(&config).len(), 1);
}

#[test]
fn a_value_set_by_code_stands_above_all_sources() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.yaml");
    fs::write(&file, "message: a").unwrap();
    let config = watch(&file, &[]).unwrap();
    config.set("db.pool", "7").unwrap();
    assert_eq!(config.load().db.pool, Some(7));
    assert!(config.set("db.pool", "many").is_err());
    config.unset("db.pool").unwrap();
    assert_eq!(config.load().db.pool, None);
}

#[test]
fn a_name_that_nests_too_deep_is_refused_as_a_document_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".env");
    for name in ["a.".repeat(300_000), "a__".repeat(128)] {
        fs::write(&file, format!("message=hello\n{name}a=1\n")).unwrap();
        let refused = Serde::<App>::loader().file(&file).once().unwrap_err();
        let refused = lines(refused.problems());
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].contains("deeper than 128 levels"), "{refused:?}");
    }
    fs::write(&file, format!("message=hello\n{}a=1\n", "a.".repeat(127))).unwrap();
    Serde::<App>::loader().file(&file).once().unwrap();
}

// To compare each with each would take minutes.
#[test]
fn many_unknown_names_are_each_a_warning() {
    const MANY: usize = 50_000;
    let keys: Vec<_> = (0..MANY).map(|i| (format!("KEY{i}"), "x")).collect();
    let keys = keys.into_iter().chain([("message".to_owned(), "hello")]);
    let keys: Vec<_> = keys.collect();
    let store = source::from_fn("store", move || Ok::<_, Infallible>(keys.clone()));
    let live = Serde::<App>::loader().source(store).watch().unwrap();
    assert_eq!(live.status().warnings.len(), MANY);
}

#[test]
fn many_variables_and_the_mounted_keys_that_they_hide_are_one_map() {
    const MANY: usize = 30_000;
    let variables = (0..MANY).map(|i| (format!("APP_KEY{i}"), "low"));
    let lower = Env::from_iter("APP", variables.clone());
    let keys: Vec<_> = (0..MANY).map(|i| (format!("Key{i}"), "x")).collect();
    let store = source::from_fn("store", move || Ok::<_, Infallible>(keys.clone()));
    let loader = Serde::<BTreeMap<String, String>>::loader();
    let config = loader.source(store).env(lower).once().unwrap();
    assert_eq!(config.len(), MANY);
    assert!(
        config
            .iter()
            .all(|(key, value)| key.starts_with("Key") && value == "low")
    );
}

#[derive(Debug, PartialEq, Deserialize)]
struct Stored {
    store: Store,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Store {
    S3 { bucket: String },
    Pair(String, u8),
}

#[test]
fn the_content_of_a_variant_is_read_as_any_struct_and_list() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "store: {s3: {bucket: b, buckte: c}}").unwrap();
    let live = Serde::<Stored>::loader().file(&file).watch().unwrap();
    let told = warnings(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("did you mean `bucket`?"), "{told:?}");
    let env = Env::from_iter("APP", [("APP_STORE__PAIR", "a, 1")]);
    let config = Serde::<Stored>::loader().env(env).once().unwrap();
    assert_eq!(config.store, Store::Pair("a".to_owned(), 1));
}

#[test]
fn a_long_value_is_not_told_whole() {
    let env = [
        ("APP_MESSAGE", "hello".to_owned()),
        ("APP_PORT", "é".repeat(10_000)),
    ];
    let env = Env::from_iter("APP", env);
    let refused = Serde::<App>::loader().env(env).once().unwrap_err();
    let refused = refused.problems()[0].message().to_owned();
    assert!(refused.len() < 1_000, "{refused}");
    assert!(refused.ends_with("expected u16"), "{refused}");
}
