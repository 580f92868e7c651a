//! Since when each secret is what it is.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::time::SystemTime;

use retune::source::{Env, Mount};
use retune::status::SecretStatus;
use retune::{Live, Retune, Secret};
use support::{Volume, eventually};

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "the status is looked at")]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = "hunter2")]
    by_default: Secret<String>,
    key: Secret<String>,
    #[retune(default)]
    users: Vec<User>,
    #[retune(default)]
    keys: Secret<BTreeMap<String, String>>,
    #[retune(default = 80)]
    port: u16,
}

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "the status is looked at")]
struct User {
    name: String,
    password: Secret<String>,
}

fn secrets<T: Send + Sync + 'static>(live: &Live<T>) -> BTreeMap<String, (u64, SystemTime)> {
    let secrets = live.status().secrets.into_iter();
    let ages = secrets.map(|s: SecretStatus| (s.path, (s.generation, s.changed)));
    ages.collect()
}

#[test]
fn i1_a_secret_is_as_old_as_the_generation_that_brought_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = Volume::new(dir.path().join("config"), &[("message", "one")]);
    let keys = |key: &str, users: &str| {
        [
            ("key".to_owned(), key.to_owned()),
            (
                "config.yaml".to_owned(),
                format!("keys: {{hunter2: a}}\nusers: [{users}]"),
            ),
        ]
    };
    let secret = Volume::new(dir.path().join("secret"), &[]);
    let publish = |key: &str, users: &str| {
        let keys = keys(key, users);
        secret.publish(&keys.each_ref().map(|(key, value)| (&**key, &**value)));
    };
    publish("hunter2-1", "");
    let published = SystemTime::now();
    let live = Config::loader()
        .mount(config.not_secret())
        .mount(secret.not_secret())
        .watch()
        .unwrap();
    let first = secrets(&live);
    let paths: Vec<_> = first.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        ["key", "keys"],
        "a list with nobody in it has no secret"
    );
    for (generation, changed) in first.values() {
        assert_eq!(*generation, 1);
        assert!(*changed <= published, "it was there before the process");
    }

    config.publish(&[("message", "two")]);
    eventually("another value", || live.load().message == "two");
    assert_eq!(secrets(&live), first, "no secret changed");
    live.reload().unwrap();
    assert_eq!(secrets(&live), first);

    let before = SystemTime::now();
    publish("hunter2-2", "{name: jane, password: hunter2}");
    eventually("a rotation", || live.load().key.expose() == "hunter2-2");
    let second = secrets(&live);
    assert_eq!(second["keys"], first["keys"]);
    for path in ["key", "users"] {
        let (generation, changed) = second[path];
        assert_eq!(generation, 3);
        assert!(changed >= before);
        assert!(changed <= live.status().times.swapped);
    }
    publish("hunter2-2", "");
    eventually("jane is gone", || live.load().users.is_empty());
    assert_eq!(secrets(&live).get("users"), None);
    let status = serde_json::to_string(&live.status()).unwrap();
    assert!(!status.contains("hunter2"), "{status}");
}

#[test]
fn every_value_of_a_secret_source_is_a_secret_and_what_nothing_dates_is_as_old_as_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one"), ("port", "1")]);
    let env = Env::from_iter("", [("KEY", "hunter2"), ("PORT", "2")]);
    let before = SystemTime::now();
    let live = Config::loader()
        .mount(Mount::new(volume.path()).secret())
        .env(env)
        .watch()
        .unwrap();
    let secrets = secrets(&live);
    assert_eq!(secrets.keys().collect::<Vec<_>>(), ["key", "message"]);
    assert!(secrets["message"].1 <= before);
    assert!(secrets["key"].1 >= before);
}
