//! Which secrets the status calls wiped, and what wiping a type does.
#![allow(missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use retune::source::{Env, Mount, from_fn};
use retune::{Live, Retune, Secret, Value};
use support::Volume;

fn wiped<T: Send + Sync + 'static>(live: &Live<T>) -> BTreeMap<String, bool> {
    let secrets = live.status().secrets.into_iter();
    secrets.map(|secret| (secret.path, secret.wiped)).collect()
}

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "the status is looked at")]
struct Config {
    text: Option<Secret<String>>,
    bytes: Option<Secret<Vec<u8>>>,
    path: Option<Secret<PathBuf>>,
    list: Option<Secret<Vec<String>>>,
    each: Option<Vec<Secret<String>>>,
    number: Option<Secret<u64>>,
    map: Option<Secret<BTreeMap<String, String>>>,
    pair: Option<Secret<Pair>>,
    marked: Option<Secret<Marked>>,
    #[retune(from_str)]
    from_str: Option<Secret<String>>,
    #[retune(serde)]
    serde: Option<Secret<String>>,
    plain: Option<String>,
}

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "the status is looked at")]
struct Pair {
    password: String,
}

#[derive(Debug, Retune)]
#[retune(wipe)]
struct Marked {
    password: String,
}

#[test]
fn h4_only_what_is_a_file_of_its_own_and_can_be_wiped_is_called_so() {
    let dir = tempfile::tempdir().unwrap();
    let keys = [
        ("text", "hunter2\r\n\r\n"),
        ("bytes", "hunter2"),
        ("path", "/hunter2"),
        ("list", "a\nb"),
        ("each", "a,b"),
        ("number", "4711"),
        ("map", "a=1"),
        ("pair.password", "hunter2"),
        ("marked.password", "hunter2"),
        ("from_str", "hunter2"),
        ("serde", "hunter2"),
        ("plain", "hunter2"),
    ];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let mount = || Mount::new(volume.path()).secret();
    let live = Config::loader().mount(mount()).watch().unwrap();
    let found = wiped(&live);
    let of = |path: &str| found[path];
    for path in ["text", "bytes", "path", "list", "each", "marked.password"] {
        assert!(of(path), "{path}: {found:?}");
    }
    for path in [
        "number",
        "map",
        "pair.password",
        "from_str",
        "serde",
        "plain",
    ] {
        assert!(!of(path), "{path}: {found:?}");
    }

    // The same values by other ways.
    volume.publish(&[
        (
            "a.yaml",
            "text: hunter2\nbytes: hunter2\nmarked: {password: hunter2}\n",
        ),
        ("list", "[a, b]"),
        ("each", "[a, b]"),
    ]);
    let closure = from_fn("store", || std::io::Result::Ok([("path", "/hunter2")]));
    let live = Config::loader()
        .mount(mount())
        .source(closure.secret())
        .watch()
        .unwrap();
    let found = wiped(&live);
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(found.values().all(|wiped| !wiped), "{found:?}");

    std::fs::write(dir.path().join("text"), "hunter2\n").unwrap();
    let variables = [
        ("APP_TEXT_FILE", dir.path().join("text")),
        ("APP_BYTES", "hunter2".into()),
    ];
    let env = Env::from_iter("APP", variables);
    let live = Config::loader().env(env).watch().unwrap();
    let expected = [("bytes", false), ("text", true)];
    assert_eq!(
        wiped(&live),
        expected
            .map(|(path, wiped)| (path.to_owned(), wiped))
            .into()
    );
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Retune)]
#[retune(wipe)]
enum Login {
    Nobody,
    Token(String),
    Password {
        user: String,
        password: String,
        #[retune(from_str)]
        kept: String,
    },
}

#[derive(Debug, PartialEq, Retune)]
#[retune(wipe)]
struct All {
    logins: Vec<Login>,
    text: Box<str>,
    bytes: Vec<u8>,
    maybe: Option<Box<u64>>,
    by_name: BTreeMap<String, Login>,
    hashed: HashMap<String, f64>,
    set: BTreeSet<Login>,
    hash_set: HashSet<String>,
    path: PathBuf,
    letter: char,
    sure: bool,
    #[retune(serde)]
    kept: String,
}

#[test]
fn h4_what_is_marked_is_wiped_field_by_field() {
    let text = || "hunter2".to_owned();
    let password = Login::Password {
        user: text(),
        password: text(),
        kept: text(),
    };
    let mut all = All {
        logins: vec![Login::Nobody, Login::Token(text()), password],
        text: text().into(),
        bytes: text().into_bytes(),
        maybe: Some(Box::new(4711)),
        by_name: [(text(), Login::Token(text()))].into(),
        hashed: [(text(), 47.11)].into(),
        set: [Login::Token(text())].into(),
        hash_set: [text()].into(),
        path: text().into(),
        letter: 'h',
        sure: true,
        kept: text(),
    };
    all.wipe();
    let password = Login::Password {
        user: String::new(),
        password: String::new(),
        kept: text(),
    };
    let wiped = All {
        logins: vec![Login::Nobody, Login::Token(String::new()), password],
        text: "\0\0\0\0\0\0\0".into(),
        bytes: Vec::new(),
        maybe: Some(Box::new(0)),
        by_name: BTreeMap::new(),
        hashed: HashMap::new(),
        set: BTreeSet::new(),
        hash_set: HashSet::new(),
        path: PathBuf::new(),
        letter: '\0',
        sure: false,
        kept: text(),
    };
    assert_eq!(all, wiped);
}
