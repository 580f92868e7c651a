//! H6: several keys with ids, as a Secret's volume gives them.

mod support;

use retune::source::{Env, File, Mount};
use retune::{KeySet, Live, Retune};
use support::{Volume, eventually, lines, until_ok, until_rejected};

#[derive(Debug, Retune)]
struct Config {
    jwt: KeySet,
}

#[derive(Debug, Retune)]
struct Bytes {
    jwt: Option<KeySet<Vec<u8>>>,
}

const OLD: (&str, &str) = ("jwt.keys.2026-11-03", "hunter2-old\n");
const NEW: (&str, &str) = ("jwt.keys.2026-11-21", "hunter2-new\n");

fn volume(keys: &[(&str, &str)]) -> (tempfile::TempDir, Volume) {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), keys);
    (dir, volume)
}

fn live(keys: &[(&str, &str)]) -> (tempfile::TempDir, Volume, Live<Config>) {
    let (dir, volume) = volume(keys);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    (dir, volume, live)
}

/// Why these keys are refused at the start.
fn refused(keys: &[(&str, &str)]) -> String {
    let (_dir, volume) = volume(keys);
    let error = Config::loader()
        .mount(volume.not_secret())
        .once()
        .unwrap_err();
    let told = error.to_string();
    assert!(!told.contains("hunter2"), "{told}");
    told
}

fn ids(set: &KeySet<impl Sized>) -> Vec<&str> {
    set.ids().collect()
}

#[test]
fn h6_each_key_is_a_file_of_its_own_and_both_are_there_while_they_overlap() {
    let (_dir, volume, live) = live(&[OLD]);
    volume.publish(&[OLD, NEW]);
    eventually("both keys", || live.with(|c| ids(&c.jwt).len() == 2));
    live.with(|c| {
        assert_eq!(ids(&c.jwt), ["2026-11-03", "2026-11-21"]);
        assert_eq!(c.jwt.active(), None);
        // Without the file's final newline.
        assert_eq!(c.jwt.get("2026-11-03").unwrap().expose(), "hunter2-old");
        assert_eq!(c.jwt.get("2026-11-21").unwrap().expose(), "hunter2-new");
        assert!(c.jwt.get("2026-11-2").is_none());
    });
    volume.publish(&[NEW, ("jwt.active", "2026-11-21\n")]);
    eventually("the old one gone", || live.with(|c| ids(&c.jwt).len() == 1));
    live.with(|c| assert_eq!(c.jwt.active(), Some("2026-11-21")));
}

#[test]
fn h6_ids_are_taken_as_they_are_written() {
    let (_dir, _volume, live) = live(&[
        ("jwt.keys.A-b_c.D", "1"),
        ("jwt.keys.a-b_c.d", "2"),
        ("jwt.keys.01KAGX3V5Z", "3"),
        ("JWT.Keys.keys", "4"),
        ("jwt.keys.active", "5"),
        ("jwt.keys.v1.2.3", "6"),
    ]);
    let all = [
        "01KAGX3V5Z",
        "A-b_c.D",
        "a-b_c.d",
        "active",
        "keys",
        "v1.2.3",
    ];
    live.with(|c| assert_eq!(ids(&c.jwt), all));
}

#[test]
fn h6_a_document_a_folder_and_a_variable_give_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let document = dir.path().join("config.yaml");
    let text = "jwt: {active: b, keys: {a: one, b: two}}";
    std::fs::write(&document, text).unwrap();
    let given = Config::loader()
        .source(File::new(&document))
        .once()
        .unwrap();

    // As `items` of a Secret's volume place its keys.
    let (_dir, volume) = volume(&[
        ("jwt/keys/a", "one\n"),
        ("jwt/keys/b", "two\n"),
        ("jwt/active", "b\n"),
    ]);
    let mounted = Config::loader().mount(volume.not_secret()).once().unwrap();
    assert_eq!(mounted.jwt, given.jwt);

    let variables = [("APP_JWT_KEYS", "a=one,b=two"), ("APP_JWT_ACTIVE", "b")];
    let env = Env::from_iter("APP", variables);
    assert_eq!(Config::loader().env(env).once().unwrap().jwt, given.jwt);
    assert_eq!(given.jwt.active(), Some("b"));
}

#[test]
fn h6_a_key_of_bytes_is_exact_and_a_set_may_be_missing() {
    let (_dir, volume) = volume(&[("jwt.keys.a", "hunter2\n")]);
    let given = Bytes::loader().mount(volume.not_secret()).once().unwrap();
    let key = given.jwt.unwrap();
    assert_eq!(key.get("a").unwrap().expose(), b"hunter2\n");
    volume.publish(&[]);
    let given = Bytes::loader().mount(volume.not_secret()).once().unwrap();
    assert!(given.jwt.is_none());
}

#[test]
fn h6_a_set_without_a_key_or_with_an_active_one_that_is_not_there_is_refused() {
    let told = refused(&[OLD, NEW, ("jwt.active", "2026-11-12")]);
    let reason =
        "`jwt.active`: no key has the id `2026-11-12`; there are `2026-11-03`, `2026-11-21`";
    assert!(told.contains(reason), "{told}");
    assert!(told.contains("/jwt.active:1:1"), "{told}");
    let told = refused(&[("jwt.active", "2026-11-03")]);
    assert!(told.contains("`jwt.keys`: missing"), "{told}");
    let told = refused(&[("other", "x")]);
    assert!(told.contains("`jwt.keys`: missing"), "{told}");
    let told = refused(&[OLD, ("jwt.keys.2026-11-21", "\n")]);
    assert!(
        told.contains("`jwt.keys.2026-11-21`: an empty key"),
        "{told}"
    );
    let told = refused(&[("config.yaml", "jwt: {keys: {'': hunter2}}")]);
    assert!(told.contains("a key without an id"), "{told}");
    let told = refused(&[("config.yaml", "jwt: {keys: {}}")]);
    assert!(told.contains("`jwt.keys`: there is no key"), "{told}");
    let told = refused(&[("config.yaml", "jwt: hunter2")]);
    assert!(told.contains("`jwt`: "), "{told}");
}

#[test]
fn h6_a_mistaken_edit_keeps_the_last_good_set() {
    let (_dir, volume, live) = live(&[OLD]);
    volume.publish(&[NEW, ("jwt.active", "2026-11-03")]);
    let told = until_rejected(&live).join("\n");
    assert!(told.contains("no key has the id `2026-11-03`"), "{told}");
    live.with(|c| assert_eq!(ids(&c.jwt), ["2026-11-03"]));
    volume.publish(&[]);
    eventually("still refused", || {
        let told = live.status().rejection.map(|told| lines(&told.problems));
        told.is_some_and(|told| told.join("\n").contains("no keys any more"))
    });
    live.with(|c| assert_eq!(ids(&c.jwt), ["2026-11-03"]));
    volume.publish(&[OLD]);
    until_ok(&live);
}

#[test]
fn h6_another_key_under_the_same_id_is_refused_where_it_is_asked_for() {
    let (_dir, volume, live) = live(&[OLD]);
    let gate = live.view(|c| &c.jwt).refuse_reused_ids();
    volume.publish(&[(OLD.0, "hunter2-other"), NEW]);
    let told = until_rejected(&live).join("\n");
    let reason = "another key under the same id: `2026-11-03`; give the new key an id of its own";
    assert!(told.contains(reason), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
    live.with(|c| assert_eq!(ids(&c.jwt), ["2026-11-03"]));
    // Another id, and the old one goes with its key.
    volume.publish(&[NEW]);
    until_ok(&live);
    live.with(|c| assert_eq!(ids(&c.jwt), ["2026-11-21"]));
    drop(gate);
    volume.publish(&[(NEW.0, "hunter2-other")]);
    eventually("the other key", || {
        live.with(|c| c.jwt.get("2026-11-21").unwrap().expose() == "hunter2-other")
    });
}

#[test]
fn h6_ids_are_shown_and_keys_are_not() {
    let (_dir, _volume, live) = live(&[OLD, NEW, ("jwt.active", "2026-11-03")]);
    let explained = live.explain_all();
    let explained: Vec<_> = explained.iter().map(ToString::to_string).collect();
    let serialized = live.with(|c| serde_json::to_string(&c.jwt).unwrap());
    let expected =
        r#"{"active":"2026-11-03","keys":{"2026-11-03":"[redacted]","2026-11-21":"[redacted]"}}"#;
    assert_eq!(serialized, expected);
    let all = format!("{live:?}\n{:?}\n{explained:?}\n{serialized}", live.status());
    for id in ["2026-11-03", "2026-11-21"] {
        assert!(all.contains(id), "{all}");
    }
    assert!(!all.contains("hunter2"), "{all}");
    let schema = Config::json_schema();
    assert!(schema.contains("Id of the key that signs"), "{schema}");
}

#[test]
fn h6_ids_are_shown_of_a_volume_that_is_secret_as_a_whole() {
    let (_dir, volume) = volume(&[OLD, ("jwt.active", "2026-11-03")]);
    let mount = Mount::new(volume.path()).secret();
    let live = Config::loader().source(mount).watch().unwrap();
    volume.publish(&[OLD, NEW, ("jwt.active", "2026-11-12")]);
    let told = until_rejected(&live).join("\n");
    // What `active` names is a value like any other there.
    let reason = "no key has the id `[redacted]`; there are `2026-11-03`, `2026-11-21`";
    assert!(told.contains(reason), "{told}");
    volume.publish(&[OLD, NEW]);
    eventually("both keys", || live.with(|c| ids(&c.jwt).len() == 2));
    let status = live.status();
    let changes = status.history.iter().flat_map(|entry| &entry.changes);
    let changed: Vec<_> = changes.map(|change| &*change.path).collect();
    assert!(changed.contains(&"jwt.keys.2026-11-21"), "{changed:?}");
    assert!(!format!("{status:?}{live:?}").contains("hunter2"));
}
