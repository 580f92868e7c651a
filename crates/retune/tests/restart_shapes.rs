//! F8: restart fields that are nested, optional, whole lists and maps, or secret.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;

use retune::source::Mount;
use retune::{Ignored, Retune, Secret};
use support::pending::{pending, start, waits};
use support::{Volume, eventually, log};
use tempfile::tempdir;

#[test]
fn f8_a_secret_is_told_as_changed_and_never_shown() {
    #[derive(Debug, Retune)]
    struct Secrets {
        #[retune(default = "hunter1", restart)]
        key: Secret<String>,
        /// From a mount that is secret as a whole.
        #[retune(default = "nobody", restart)]
        user: String,
        #[retune(default, restart)]
        more: BTreeMap<String, Secret<String>>,
    }
    log::keep();
    let dir = tempdir().unwrap();
    let keys = [
        ("key", "hunter3"),
        ("user", "hunter4"),
        ("more", "a=hunter5"),
    ];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let live = Secrets::loader()
        .mount(Mount::new(volume.path()).secret())
        .watch()
        .unwrap();
    volume.publish(&[
        ("key", "hunter6"),
        ("user", "hunter7"),
        ("more", "a=hunter8"),
    ]);
    let redacted = |path| waits(path, "[redacted]", "[redacted]");
    eventually("pending", || {
        pending(&live)
            == [
                redacted("key"),
                redacted("more[redacted]"),
                redacted("user"),
            ]
    });
    volume.publish(&[
        ("key", "hunter6"),
        ("user", "hunter4"),
        ("more", "a=hunter5"),
    ]);
    eventually("one", || pending(&live) == [redacted("key")]);
    let more = |c: &Secrets| c.more["a"].expose().clone();
    assert_eq!(live.with(|c| c.key.expose().clone()), "hunter3");
    assert_eq!(
        live.with(|c| (c.user.clone(), more(c))),
        ("hunter4".into(), "hunter5".into())
    );
    let status = serde_json::to_string(&live.status()).unwrap();
    let explained = serde_json::to_string(&live.explain_all()).unwrap();
    let texts = live.explain_all().iter().map(|e| e.to_string()).collect();
    let debug = format!("{:?}", live.status());
    for shown in [status, explained, texts, debug, log::lines().concat()] {
        assert!(!shown.contains("hunter"), "{shown}");
    }
}

#[derive(Debug, Retune)]
struct Nested {
    #[retune(restart)]
    server: Server,
    database: Database,
    tls: Option<Database>,
    #[retune(default, restart)]
    labels: BTreeMap<String, u16>,
    #[retune(default, restart)]
    peers: Vec<String>,
    #[retune(default = 0)]
    n: u32,
}

#[derive(Debug, Retune)]
struct Server {
    #[retune(default = "localhost")]
    host: String,
    #[retune(default = 80)]
    port: u16,
}

#[derive(Debug, Retune)]
struct Database {
    #[retune(default = 10, restart)]
    pool: u16,
    #[retune(default = "app")]
    user: String,
}

#[test]
fn f8_a_nested_struct_is_whole_and_a_nested_field_is_one() {
    let (_dir, volume, live) = start::<Nested>(&[("server.port", "81"), ("database.pool", "5")]);
    volume.publish(&[("server.host", "db"), ("database.user", "me"), ("n", "1")]);
    eventually("applied", || live.with(|c| c.n == 1));
    assert_eq!(
        pending(&live),
        [
            waits("database.pool", "5", "10"),
            waits("server.host", "localhost", "db"),
            waits("server.port", "81", "80"),
        ]
    );
    let running = |c: &Nested| (c.server.host.clone(), c.server.port, c.database.pool);
    assert_eq!(live.with(running), ("localhost".into(), 81, 5));
    assert_eq!(live.load().database.user, "me");
    // Nothing of it is given any more, and still it runs.
    volume.publish(&[("n", "2")]);
    eventually("applied", || live.with(|c| c.n == 2));
    assert_eq!(live.with(running), ("localhost".into(), 81, 5));
    assert_eq!(live.load().database.user, "app");
}

#[test]
fn f8_a_struct_whose_default_is_now_written_out_has_not_changed() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(restart)]
        listen: Listen,
    }
    #[derive(Debug, Retune)]
    struct Listen {
        host: String,
        #[retune(default = 80)]
        port: u16,
    }
    let (_dir, volume, live) = start::<Config>(&[("listen.host", "a")]);
    volume.publish(&[("listen.host", "a"), ("listen.port", "80")]);
    live.reload().unwrap();
    assert_eq!(pending(&live), []);
    volume.publish(&[("listen.host", "a"), ("listen.port", "81")]);
    live.reload().unwrap();
    assert_eq!(pending(&live), [waits("listen.port", "80", "81")]);
    assert_eq!(
        live.with(|c| (c.listen.host.clone(), c.listen.port)),
        ("a".into(), 80)
    );
}

#[test]
fn f8_a_struct_that_was_not_there_has_nothing_that_runs() {
    let (_dir, volume, live) = start::<Nested>(&[]);
    volume.publish(&[("tls.pool", "3")]);
    eventually("there", || live.with(|c| c.tls.is_some()));
    assert_eq!(live.with(|c| c.tls.as_ref().map(|t| t.pool)), Some(3));
    assert_eq!(pending(&live), []);
    volume.publish(&[("tls.pool", "4"), ("tls.user", "me")]);
    eventually("the user", || {
        live.with(|c| c.tls.as_ref().is_some_and(|t| t.user == "me"))
    });
    assert_eq!(pending(&live), [waits("tls.pool", "3", "4")]);
    volume.publish(&[("n", "1")]);
    eventually("gone", || live.with(|c| c.tls.is_none()));
    assert_eq!(pending(&live), []);
    // And so it is with `null`, which says that it is not there.
    volume.publish(&[("app.yaml", "n: 2\ntls: null")]);
    eventually("nothing new", || live.with(|c| c.n == 2));
    assert_eq!(pending(&live), []);
    volume.publish(&[("app.yaml", "tls: {pool: 5}")]);
    eventually("there again", || live.with(|c| c.tls.is_some()));
    assert_eq!(live.with(|c| c.tls.as_ref().map(|t| t.pool)), Some(5));
    volume.publish(&[("app.yaml", "tls: null")]);
    eventually("gone", || live.with(|c| c.tls.is_none()));
    assert_eq!(pending(&live), []);
}

#[test]
fn f8_lists_and_maps_are_whole() {
    let (_dir, volume, live) = start::<Nested>(&[("labels", "a=1, b=2"), ("peers", "x, y")]);
    volume.publish(&[("labels", "b=3, c=4"), ("peers", "x"), ("n", "1")]);
    eventually("applied", || live.with(|c| c.n == 1));
    assert_eq!(
        pending(&live),
        [
            ("labels.a".into(), Some("1".into()), None),
            waits("labels.b", "2", "3"),
            ("labels.c".into(), None, Some("4".into())),
            waits("peers", "[x, y]", "[x]"),
        ]
    );
    let labels = live.with(|c| c.labels.clone());
    assert_eq!(labels, [("a".into(), 1), ("b".into(), 2)].into());
    assert_eq!(live.load().peers, ["x", "y"]);
    let new = live.explain("labels.c").unwrap();
    assert!(new.winner.is_none(), "{new}");
    assert_eq!(new.losers[0].ignored, Some(Ignored::UntilRestart));
    assert!(live.explain_all().iter().any(|e| e.path == "labels.c"));
    // From entries to no map at all: none of them is left, and that waits too.
    volume.publish(&[("n", "2")]);
    eventually("applied", || live.with(|c| c.n == 2));
    assert_eq!(live.with(|c| c.labels.len()), 2);
    assert_eq!(pending(&live).len(), 3);
}

#[test]
fn f8_a_struct_that_code_makes_is_whole() {
    #[derive(Debug, Retune)]
    struct Made {
        #[retune(default = Database { pool: 7, user: "code".to_owned() })]
        database: Database,
        #[retune(restart)]
        empty: Option<Server>,
    }
    let (_dir, volume, live) = start::<Made>(&[]);
    volume.publish(&[("database.user", "me")]);
    eventually("pending", || pending(&live).len() == 1);
    assert_eq!(live.load().database.pool, 7);
    assert_eq!(live.load().database.user, "code");
    volume.publish(&[("app.yaml", "empty: {}")]);
    eventually("an empty struct is one", || {
        pending(&live) == [("empty".into(), None, Some("{}".into()))]
    });
    assert!(live.with(|c| c.empty.is_none()));
}

#[test]
fn f8_an_entry_whose_key_begins_with_a_bracket_is_one_value() {
    #[derive(Debug, Retune)]
    struct Peers {
        #[retune(restart)]
        peers: BTreeMap<String, String>,
    }
    let (_dir, volume, live) = start::<Peers>(&[("c.yaml", "peers: {'[::1]': a}")]);
    volume.publish(&[("c.yaml", "peers: {'[::1]': b}")]);
    live.reload().unwrap();
    assert_eq!(pending(&live), [waits("peers[::1]", "a", "b")]);
    assert!(live.explain_all().iter().all(|one| one.path != "peers"));
    assert_eq!(live.with(|config| config.peers["[::1]"].clone()), "a");
}

#[test]
fn f8_null_for_an_optional_field_that_nothing_gave_is_no_change() {
    #[derive(Debug, Retune)]
    struct Optional {
        #[retune(restart)]
        proxy: Option<String>,
        #[retune(restart, default = "a")]
        given: Option<String>,
    }
    let (_dir, volume, live) = start::<Optional>(&[("c.yaml", "{}")]);
    volume.publish(&[("c.yaml", "proxy: null")]);
    live.reload().unwrap();
    assert_eq!(pending(&live), []);
    assert_eq!(live.with(|config| config.proxy.clone()), None);
    volume.publish(&[("c.yaml", "given: null")]);
    live.reload().unwrap();
    assert_eq!(pending(&live), [waits("given", "a", "null")]);
    assert_eq!(
        live.with(|config| config.given.clone()).as_deref(),
        Some("a")
    );
}

#[test]
fn f8_of_many_values_that_wait_the_log_names_the_first() {
    #[derive(Debug, Retune)]
    struct Many {
        #[retune(default, restart)]
        map: BTreeMap<String, String>,
    }
    log::keep();
    let (_dir, volume, live) = start::<Many>(&[("c.yaml", "{}")]);
    let entries: Vec<_> = (1000..2000).map(|i| format!("many{i}: x")).collect();
    let content = format!("map: {{{}}}", entries.join(", "));
    volume.publish(&[("c.yaml", &content)]);
    live.reload().unwrap();
    assert_eq!(live.status().pending_restart.len(), 1000);
    assert!(live.with(|config| config.map.is_empty()));
    assert_eq!(log::logged(&["map.many1000", "values=1000"]), 1);
    assert_eq!(log::logged(&["map.many1999", "on restart"]), 0);
}
