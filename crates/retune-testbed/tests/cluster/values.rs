//! Bytes, secrets, and variables of the environment, as the cluster brings them.

use retune_testbed::{Namespace, fingerprint};
use serde_json::{Value, json};

use crate::volumes::until::{
    counters, serve, until, until_ok, until_rejected, until_revision, until_value,
};

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn d3_d4_binary_data_is_taken_as_it_is() {
    let namespace = Namespace::new("d4");
    let config = namespace.config_map("config");
    let all: Vec<u8> = (0..=255).chain(*b"\r\n\n").collect();
    let contents: [&[u8]; 4] = [b"\x00\xff\xfe\n", &all, b"\xef\xbb\xbfx\r\n", b""];
    config.binary(&[("blob", contents[0])]);
    let pod = serve("--mount /etc/config");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    for bytes in contents {
        config.binary(&[("blob", bytes)]);
        let shown = json!({ "bytes": bytes.len(), "fingerprint": fingerprint::of(bytes) });
        until_value(&pod, "blob", shown);
    }
    let counters = counters(&pod);
    assert_eq!(counters["applied"], 3, "{counters}");
    assert_eq!(counters["rejected_invalid"], 0, "{counters}");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn d4_binary_data_in_a_text_field_is_refused_with_its_key_and_the_offset() {
    let namespace = Namespace::new("d4");
    let config = namespace.config_map("config");
    config.set(&[("message", "text"), ("revision", "1")]);
    let pod = serve("--mount /etc/config");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    // The bytes 00 FF FE: NUL is UTF-8.
    let change = json!({ "data": { "message": null }, "binaryData": { "message": "AP/+" } });
    let cluster = namespace.cluster();
    cluster.patch(&config.path(), &change).unwrap();
    let problem = until_rejected(&pod);
    assert_eq!(problem["path"], "message");
    assert_eq!(problem["origin"]["mount"], "/etc/config", "{problem}");
    assert_eq!(problem["origin"]["key"], "message", "{problem}");
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("not UTF-8 at byte 1"), "{problem}");
    until_value(&pod, "message", "text");

    let change = json!({ "data": { "message": "again" }, "binaryData": null });
    cluster.patch(&config.path(), &change).unwrap();
    until_value(&pod, "message", "again");
    until_ok(&pod);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn d6_an_empty_value_is_not_an_absent_one() {
    let namespace = Namespace::new("d6");
    let config = namespace.config_map("config");
    config.set(&[("message", ""), ("greeting", ""), ("revision", "1")]);
    let pod = serve("--mount /etc/config");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    until_value(&pod, "message", "");
    until_value(&pod, "greeting", "");
    config.remove(&["message", "greeting"]);
    until_value(&pod, "greeting", "hello");
    until_value(&pod, "message", Value::Null);
    config.set(&[("message", ""), ("greeting", ""), ("revision", "2")]);
    until_revision(&pod, 2);
    until_value(&pod, "message", "");
    until_value(&pod, "greeting", "");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn h1_h2_a_secret_is_in_memory_and_shown_nowhere() {
    const VALUES: [&str; 4] = ["hunter-one", "hunter-two", "hunter-three", "hunter-four"];
    let namespace = Namespace::new("h1");
    let secret = namespace.secret("creds");
    secret.set(&[("token", VALUES[0]), ("message", VALUES[1])]);
    // A `Secret<String>`, and a text from a volume that is secret as a whole.
    let pod = serve("--secret-mount /etc/creds --log trace");
    let pod = namespace.start(&pod.secret_volume("creds", "/etc/creds"));
    let token = |value: &str| json!({ "fingerprint": fingerprint::of(value.as_bytes()) });
    until_value(&pod, "token", token(VALUES[0]));
    secret.set(&[("token", VALUES[2])]);
    until_value(&pod, "token", token(VALUES[2]));

    let shown = || {
        let log = pod.log().unwrap();
        let pages = [
            "/configz",
            "/metrics",
            "/configz?path=token",
            "/generations",
        ];
        let pages = pages.map(|page| pod.get(page).unwrap());
        log + &pages.concat()
    };
    let check = |shown: &str| {
        let line = |value| shown.lines().find(|line| line.contains(value));
        assert_eq!(VALUES.into_iter().find_map(line), None);
    };
    let good = shown();
    check(&good);
    assert!(good.contains("\"paths\":[\"token\"]"), "it is told: {good}");
    assert!(good.contains("[redacted]"), "{good}");

    // Not a number: the refusal does not show what it is.
    secret.set(&[("port", VALUES[3])]);
    let problem = until_rejected(&pod);
    assert_eq!(problem["path"], "port");
    let refused = shown();
    check(&refused);
    assert!(refused.contains("`port`"), "{refused}");

    let mounts = pod.get("/mounts").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" /etc/creds "));
    let kind = mount.and_then(|line| line.split(' ').nth(2));
    assert_eq!(kind, Some("tmpfs"), "{mounts}");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_service_called_like_the_prefix_sets_nothing() {
    let namespace = Namespace::new("prefix");
    for name in ["probe", "probe-log"] {
        namespace.apply(&json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": name },
            "spec": { "selector": { "app": "p" }, "ports": [{ "name": "level", "port": 8080 }] },
        }));
    }
    let config = namespace.config_map("config");
    config.set(&[("revision", "1")]);
    // The variables are the highest source, and what is odd is refused.
    let pod = serve("--mount /etc/config --env PROBE --strict")
        .env("PROBE_GREETING", "by variable")
        .config_map_volume("config", "/etc/config");
    let pod = namespace.start(&pod);
    until_value(&pod, "greeting", "by variable");
    until_value(&pod, "port", Value::Null);
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(
        (&status["health"], &status["warnings"]),
        (&"ok".into(), &json!([]))
    );
    let ignored = |winner: Option<&str>| {
        let port = pod.get_json("/configz?path=port").unwrap();
        assert_eq!(port["winner"]["value"].as_str(), winner, "{port}");
        let loser = &port["losers"][0];
        assert_eq!(loser["origin"]["variable"], "PROBE_PORT", "{port}");
        let why = loser["ignored"].as_str().unwrap();
        assert!(why.contains("made by the cluster for a Service"), "{port}");
    };
    ignored(None);
    config.set(&[("port", "80")]);
    until_value(&pod, "port", 80);
    ignored(Some("80"));
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn e5_the_mount_wins_over_env_from_of_the_same_configmap() {
    let namespace = Namespace::new("e5");
    let config = namespace.config_map("config");
    config.set(&[("message", "old"), ("revision", "1")]);
    let from = json!({ "prefix": "PROBE_", "configMapRef": { "name": "config" } });
    let pod = serve("--env PROBE --mount /etc/config")
        .config_map_volume("config", "/etc/config")
        .patch_container(json!({ "envFrom": [from] }));
    let pod = namespace.start(&pod);
    until_value(&pod, "message", "old");
    config.set(&[("message", "new"), ("revision", "2")]);
    until_revision(&pod, 2);
    until_value(&pod, "message", "new");
    let told = pod.get_json("/configz?path=message").unwrap();
    assert_eq!(told["winner"]["origin"]["mount"], "/etc/config", "{told}");
    let loser = &told["losers"][0];
    let loser = (&loser["value"], &loser["origin"]["variable"]);
    assert_eq!(loser, (&"old".into(), &"PROBE_message".into()), "{told}");

    // The variables are those of the start: a key that is removed comes back from there, and it is
    // told that it does.
    config.remove(&["message"]);
    until_value(&pod, "message", "old");
    let status = until(&pod, "/configz", "a warning", |status| {
        status["warnings"][0]["path"] == "message"
    });
    let warning = status["warnings"][0]["message"].as_str().unwrap();
    assert!(warning.contains("PROBE_message"), "{warning}");
}
