//! A9, A10, A17, A18: keys and whole objects that go and come.

use retune_testbed::{Namespace, Pod, check, wait};
use serde_json::json;

use super::config;
use super::until::{
    counters, revisions, serve, until_ok, until_rejected, until_revision, until_value,
};

/// A volume of the ConfigMap `config`, which may be missing.
fn optional(pod: Pod) -> Pod {
    pod.volume(json!({ "name": "config", "configMap": { "name": "config", "optional": true } }))
        .mount(json!({ "name": "config", "mountPath": "/etc/config" }))
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a9_a10_a_removed_key_falls_to_the_next_source_or_the_default_until_it_is_back() {
    let namespace = Namespace::new("a9");
    namespace.config_map("base").set(&[("message", "base")]);
    let both = [("message", "over"), ("greeting", "hi")];
    let config = config(&namespace, &both);
    config.set(&[("revision", "1")]);
    let pod = serve("--mount /etc/base --mount /etc/config")
        .config_map_volume("base", "/etc/base")
        .config_map_volume("config", "/etc/config");
    let pod = namespace.start(&pod);
    until_value(&pod, "message", "over");

    config.remove(&["message", "greeting"]);
    until_value(&pod, "greeting", "hello");
    until_value(&pod, "message", "base");
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(status["generation"], 2, "both went at once");
    assert_eq!(status["health"], "ok");
    let warned = status["warnings"].as_array().unwrap();
    let warned: Vec<_> = warned.iter().map(|warning| &warning["path"]).collect();
    assert_eq!(warned, ["greeting", "message"]);

    config.set(&both);
    until_value(&pod, "message", "over");
    until_value(&pod, "greeting", "hi");
    config.set(&[("message", "next"), ("revision", "2")]);
    until_revision(&pod, 2);
    until_value(&pod, "message", "next");
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(
        (&status["generation"], &status["warnings"]),
        (&4.into(), &json!([]))
    );
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a9_a10_a_required_key_that_is_removed_keeps_its_last_value_until_it_is_back() {
    let namespace = Namespace::new("a9");
    let config = config(&namespace, &[("message", "one"), ("revision", "1")]);
    let pod = serve("--mount /etc/config --required");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    config.remove(&["message"]);
    let problem = until_rejected(&pod);
    assert_eq!(problem["path"], "message");
    assert!(
        problem["message"].as_str().unwrap().contains("missing"),
        "{problem}"
    );
    assert!(
        problem["help"].as_str().unwrap().contains("message"),
        "{problem}"
    );
    until_value(&pod, "message", "one");

    config.set(&[("message", "one")]);
    until_ok(&pod);
    assert_eq!(
        revisions(&until_revision(&pod, 1)).len(),
        1,
        "the same value is no news"
    );
    for (revision, message) in [(2, "two"), (3, "three")] {
        config.set(&[("message", message), ("revision", &revision.to_string())]);
        until_revision(&pod, revision);
        until_value(&pod, "message", message);
    }
    let generations = until_revision(&pod, 3);
    assert_eq!(revisions(&generations), [1, 2, 3].map(Some));
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a17_an_optional_configmap_that_appears_later_is_picked_up() {
    let namespace = Namespace::new("a17");
    let pod = namespace.start(&optional(serve("--mount /etc/config --strict")));
    until_value(&pod, "greeting", "hello");
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(
        (&status["health"], &status["generation"]),
        (&"ok".into(), &1.into())
    );
    let config = config(&namespace, &[("greeting", "late"), ("revision", "1")]);
    until_revision(&pod, 1);
    until_value(&pod, "greeting", "late");
    config.set(&[("revision", "2")]);
    let generations = until_revision(&pod, 2);
    assert_eq!(revisions(&generations), [None, Some(1), Some(2)]);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a18_an_optional_configmap_that_is_deleted_leaves_the_last_good_values() {
    let namespace = Namespace::new("a18");
    let config = config(&namespace, &[("message", "one"), ("revision", "1")]);
    let pod = namespace.start(&optional(serve("--mount /etc/config")));
    config.delete();
    let problem = until_rejected(&pod);
    let message = problem["message"].as_str().unwrap();
    assert!(
        message.contains("/etc/config: has no keys any more"),
        "{problem}"
    );
    assert!(
        problem["help"].as_str().unwrap().contains("ConfigMap"),
        "{problem}"
    );
    until_value(&pod, "message", "one");
    config.set(&[("message", "two"), ("revision", "2")]);
    assert_eq!(revisions(&until_revision(&pod, 2)), [1, 2].map(Some));
    until_ok(&pod);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a18_a_deleted_configmap_means_the_defaults_where_that_was_asked_for() {
    let namespace = Namespace::new("a18");
    let config = config(&namespace, &[("greeting", "hi"), ("revision", "1")]);
    let pod = namespace.start(&optional(serve("--droppable-mount /etc/config")));
    config.delete();
    until_value(&pod, "greeting", "hello");
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(status["health"], "ok");
    assert_ne!(status["warnings"], json!([]), "the loss is told");
    config.set(&[("greeting", "again"), ("revision", "2")]);
    assert_eq!(
        revisions(&until_revision(&pod, 2)),
        [Some(1), None, Some(2)]
    );
    until_value(&pod, "greeting", "again");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a18_a_configmap_that_is_not_optional_is_not_missed_when_it_is_deleted() {
    let namespace = Namespace::new("a18");
    let config = config(&namespace, &[("message", "one"), ("revision", "1")]);
    let pod = serve("--mount /etc/config");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    config.delete();
    pod.nudge();
    wait("the kubelet misses it", || {
        let events = namespace.cluster().list(&namespace.path("events"))?;
        let missed = events.iter().any(|event| event["reason"] == "FailedMount");
        check(missed, format!("{} events", events.len()))
    });
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(
        (&status["health"], &status["generation"]),
        (&"ok".into(), &1.into())
    );
    until_value(&pod, "message", "one");
    config.set(&[("message", "two"), ("revision", "2")]);
    let generations = until_revision(&pod, 2);
    assert_eq!(revisions(&generations), [1, 2].map(Some));
    let counters = counters(&pod);
    assert_eq!(counters["rejected_source"], 0, "{counters}");
}
