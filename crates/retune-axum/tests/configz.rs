//! `/configz`: what holds, where it came from, what happened.

mod support;

use axum::http::StatusCode;
use retune::{Retune, source::Env};
use serde_json::Value;
use support::{Config, Volume, ask, configz, eventually, fetch, shown};

/// The values of one key in an array of objects.
fn all<'v>(array: &'v Value, key: &str) -> Vec<&'v Value> {
    array
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item[key])
        .collect()
}

/// Where each of them was written, in the short form.
fn origins(given: &Value) -> Vec<&Value> {
    let origins = all(given, "origin").into_iter();
    origins.map(|origin| &origin["text"]).collect()
}

#[test]
fn i1_a_key_set_in_four_layers_is_explained_with_winner_losers_and_places() {
    let volume = Volume::new(&[("log-level", "warn\n")]);
    let file = volume.beside("greeter.yaml", "message: hi\nlogLevel: debug\n");
    let live = Config::loader()
        .file(file.clone())
        .mount(volume.not_secret())
        .env(Env::from_iter("APP", [("APP_LOG_LEVEL", "error")]))
        .args(["greeter", "--log-level", "info"])
        .watch()
        .unwrap();
    for writing in ["logLevel", "log-level", "LOG_LEVEL"] {
        let told = configz(&live, &format!("?path={writing}"));
        assert_eq!(told["path"], "log_level");
        assert_eq!(told["winner"]["value"], "info");
        assert_eq!(told["winner"]["origin"]["text"], "--log-level");
        assert_eq!(told["since_generation"], 1);
        let key = format!("{}:1:1", shown(&volume.path().join("log-level")));
        let line = format!("{}:2:11", shown(&file));
        assert_eq!(
            origins(&told["losers"]),
            ["APP_LOG_LEVEL", &key, &line, "default"]
        );
        assert_eq!(
            all(&told["losers"], "value"),
            ["error", "warn", "debug", "info"]
        );
    }
    let whole = configz(&live, "");
    assert_eq!(whole["generation"], 1);
    assert!(whole["times"]["swapped"].is_string());
    let log_level = &whole["values"][0];
    assert_eq!(*log_level, configz(&live, "?path=log-level"));
}

#[test]
fn i2_after_a_removal_the_value_that_holds_now_is_explained() {
    let mut volume = Volume::new(&[("message", "from the volume"), ("log-level", "warn")]);
    let file = volume.beside("greeter.yaml", "message: from the file\n");
    let live = Config::loader()
        .file(file.clone())
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    volume.publish(&[("log-level", "warn")]);
    let message = || configz(&live, "?path=message");
    eventually("the file's message holds", || {
        message()["since_generation"] == 2
    });
    let told = message();
    assert_eq!(told["winner"]["value"], "from the file");
    assert_eq!(
        told["winner"]["origin"]["text"],
        format!("{}:1:10", shown(&file))
    );
    assert_eq!(origins(&told["losers"]), ["default"]);
    live.with(|config| assert_eq!(config.message, "from the file"));
}

#[test]
fn i3_the_history_names_what_each_generation_added_changed_and_removed() {
    let mut volume = Volume::new(&[("message", "one"), ("signing-key", "s3cr3t-one")]);
    let live = volume.live();
    let reached = |generation| {
        let what = format!("generation {generation}");
        eventually(&what, || live.status().history.len() == generation);
    };
    // Added, changed, removed.
    volume.publish(&[
        ("message", "one"),
        ("signing-key", "s3cr3t-one"),
        ("greeting", "hey"),
    ]);
    reached(2);
    volume.publish(&[
        ("message", "two"),
        ("signing-key", "s3cr3t-two"),
        ("greeting", "hey"),
    ]);
    reached(3);
    volume.publish(&[("message", "two"), ("signing-key", "s3cr3t-two")]);
    reached(4);
    let page = configz(&live, "");
    let history = &page["history"];
    let numbers: Vec<_> = all(history, "generation").into_iter().cloned().collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let change = |path, old, new| serde_json::json!({ "path": path, "old": old, "new": new });
    let none: Option<&str> = None;
    assert_eq!(
        history[1]["changes"],
        Value::from(vec![change("greeting", none, Some("hey"))])
    );
    let masked = Some("[redacted]");
    let mut secret = change("signing_key", masked, masked);
    secret["rotated"] = history[2]["changes"][1]["rotated"].clone();
    assert_ne!(secret["rotated"]["from"], secret["rotated"]["to"]);
    assert_eq!(
        history[2]["changes"],
        Value::from(vec![change("message", Some("one"), Some("two")), secret])
    );
    assert_eq!(
        history[3]["changes"],
        Value::from(vec![change("greeting", Some("hey"), none)])
    );
    assert!(!page.to_string().contains("s3cr3t"));
}

#[test]
fn i7_a_rejected_update_is_degraded_with_its_reason_and_still_served() {
    let mut volume = Volume::new(&[("log-level", "warn")]);
    let live = volume.live();
    let server = retune_axum::serve("127.0.0.1:0", retune_axum::router(live.clone())).unwrap();
    let page = || {
        let (head, body) = fetch(server.address(), "/configz");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("application/json"), "{head}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let good = page();
    assert_eq!(
        (&good["health"], &good["reasons"]),
        (&"ok".into(), &Value::from(Vec::<u8>::new()))
    );

    volume.publish(&[("log-level", "wran")]);
    eventually("degraded", || page()["health"] == "degraded");
    let bad = page();
    let reason = bad["reasons"][0].as_str().unwrap();
    for part in ["log-level:1:1", "`log_level`", "`warn`"] {
        assert!(reason.contains(part), "no {part} in: {reason}");
    }
    assert_eq!(bad["rejection"]["reason"], "invalid");
    assert_eq!(bad["rejection"]["problems"][0]["path"], "log_level");
    // What runs is what ran before.
    assert_eq!(
        (&bad["generation"], &bad["hash"]),
        (&good["generation"], &good["hash"])
    );
    assert_eq!(bad["values"][0]["winner"]["value"], "warn");

    volume.publish(&[("log-level", "warn")]);
    eventually("well again", || page()["health"] == "ok");
    assert_eq!(page()["rejection"], Value::Null);
}

#[test]
fn a_path_that_nobody_knows_is_not_found_with_a_suggestion() {
    let live = Volume::new(&[("message", "hi")]).live();
    let router = retune_axum::configz(live);
    let (status, body) = ask(&router, "/configz?path=log-levle");
    assert_eq!(status, StatusCode::NOT_FOUND);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["error"], "no value has the path `log-levle`");
    assert_eq!(told["help"], "did you mean `log-level`?");
    let (status, body) = ask(&router, "/configz?path=zebra");
    assert_eq!(status, StatusCode::NOT_FOUND);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["help"], Value::Null);
}

#[test]
fn h1_no_secret_in_configz_or_metrics() {
    const SECRETS: [&str; 4] = ["hunter2", "correct-horse", "battery-staple", "tr0ub4dor"];
    let mut volume = Volume::new(&[("signing-key", SECRETS[1]), ("message", "plain")]);
    let file = volume.beside("base.yaml", &format!("signingKey: {}\n", SECRETS[3]));
    let live = Config::loader()
        .file(file)
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    let pages = retune_axum::router(live.clone());
    let look = || {
        let mut seen = String::new();
        for page in ["", "?path=signing-key", "?path=pin", "?path=hunter3"] {
            seen += &ask(&pages, &format!("/configz{page}")).1;
        }
        seen += &ask(&pages, "/metrics").1;
        for secret in SECRETS {
            assert!(!seen.contains(secret), "{secret} in {seen}");
        }
        seen
    };
    // What is not secret is there, so the pages do show values.
    let seen = look();
    assert!(
        seen.contains("\"plain\"") && seen.contains("[redacted]"),
        "{seen}"
    );
    // Rotated.
    volume.publish(&[("signing-key", SECRETS[2]), ("message", "plain")]);
    eventually("rotated", || {
        live.with(|c| c.signing_key.expose() == SECRETS[2])
    });
    look();
    // Refused for a secret that cannot be read as what it should be.
    volume.publish(&[("signing-key", SECRETS[2]), ("pin", SECRETS[0])]);
    eventually("refused", || live.status().rejection.is_some());
    assert!(look().contains("`pin`"));
    // Refused for a secret in a document that is not well-formed.
    volume.publish(&[("x.yaml", "signingKey: [hunter2")]);
    eventually("refused for the document", || look().contains("x.yaml"));
}
