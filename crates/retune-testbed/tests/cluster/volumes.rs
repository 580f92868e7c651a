//! A1–A25: what becomes of a volume's edits when a real kubelet writes it.

mod gone;
pub(crate) mod until;

use retune_testbed::{Data, Namespace, Pod, PodRef, check, fingerprint, wait};
use serde_json::{Value, json};

use until::{counters, revisions, serve, until, until_revision, until_value};

/// What the API server takes: the sum of the values, without the keys.
const MIB: usize = 1_048_576;

fn config(namespace: &Namespace, entries: &[(&str, &str)]) -> Data {
    let config = namespace.config_map("config");
    config.set(entries);
    config
}

/// Sets so many keys of a map to values that tell the edit and their number.
fn set_group(data: &Data, map: &str, revision: u64, keys: usize, more: &[(&str, &str)]) {
    let key = |key| {
        (
            format!("{map}.k{key:02}"),
            format!("r{revision}/{keys}:{key}"),
        )
    };
    let group: Vec<_> = (0..keys).map(key).collect();
    let group = group.iter().map(|(key, value)| (&**key, &**value));
    data.set(&group.chain(more.iter().copied()).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a1_one_edit_is_one_generation() {
    let namespace = Namespace::new("a1");
    let config = config(&namespace, &[("message", "one"), ("revision", "1")]);
    let pod = serve("--mount /etc/config --poll-ms 200");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    let before = counters(&pod);
    config.set(&[("message", "two"), ("revision", "2")]);
    until_revision(&pod, 2);
    until_value(&pod, "message", "two");
    // What would follow from the first edit comes before what follows from the second.
    config.set(&[("revision", "3")]);
    let generations = until_revision(&pod, 3);
    assert_eq!(revisions(&generations), [1, 2, 3].map(Some));
    let numbers = generations.iter().map(|one| one["generation"].as_u64());
    assert!(numbers.eq([1, 2, 3].map(Some)), "{generations:#?}");
    let after = counters(&pod);
    let applied = |counters: &Value| counters["applied"].as_u64().unwrap();
    assert_eq!(applied(&after), applied(&before) + 2);
    for refused in ["rejected_source", "rejected_invalid"] {
        assert_eq!(after[refused], 0, "{after}");
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a2_keys_that_are_changed_together_are_never_mixed() {
    let namespace = Namespace::new("a2");
    let config = namespace.config_map("config");
    let edit = |n: u64| {
        let (message, revision) = (format!("r{n}:hello"), n.to_string());
        let more = [("message", &*message), ("revision", &*revision)];
        set_group(&config, "items", n, 20, &more);
    };
    edit(1);
    let pod = serve("--mount /etc/config --together items,message,revision --read-every-ms 0");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    for n in 2..=10 {
        edit(n);
        until_revision(&pod, n);
    }
    // Faster than the kubelet writes them.
    for n in 11..=30 {
        edit(n);
        pod.nudge();
    }
    let generations = until_revision(&pod, 30);
    // The subscriber may step over generations that come fast.
    let seen = generations.iter().filter(|one| one["seen"] == true);
    let seen: Vec<_> = seen.collect();
    for one in &seen {
        let n = &one["revision"];
        let expected = json!({ "items": n, "message": n, "revision": n });
        assert_eq!(one["revisions"], expected, "{one}");
    }
    let seen = seen.iter().map(|one| one["revision"].as_u64());
    let seen: Vec<_> = seen.flatten().collect();
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    assert!(
        seen.starts_with(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        "{seen:?}"
    );
    // It ends at a torn generation, by what it looks at all the time.
    assert_eq!(pod.restarts().unwrap(), 0);
    let reads = pod.get_json("/counters").unwrap()["reads"].as_u64();
    assert!(reads > Some(10_000), "{reads:?}");
    assert_eq!(counters(&pod)["rejected_source"], 0);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a7_a_key_that_is_added_appears() {
    let namespace = Namespace::new("a7");
    let config = config(&namespace, &[("revision", "1")]);
    let pod = serve("--mount /etc/config --strict");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    until_value(&pod, "message", Value::Null);
    config.set(&[("message", "new"), ("items.new", "x"), ("revision", "2")]);
    let generations = until_revision(&pod, 2);
    assert_eq!(generations.len(), 2, "{generations:#?}");
    until_value(&pod, "message", "new");
    until_value(&pod, "items", json!({ "new": "x" }));
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a7_a_required_key_that_is_added_lets_a_pod_start_that_could_not() {
    let namespace = Namespace::new("a7");
    let config = config(&namespace, &[("revision", "1")]);
    let pod = serve("--mount /etc/config --required");
    namespace.apply(&pod.config_map_volume("config", "/etc/config"));
    let pod = namespace.pod("p");
    let code = wait("it ends", || pod.exit_code());
    assert_eq!(code, 2);
    config.set(&[("message", "now")]);
    pod.nudge();
    pod.wait_ready();
    until_value(&pod, "message", "now");
    let report = pod.log_before_restart().unwrap();
    assert!(report.contains("`message`: missing"), "{report}");
}

/// A container beside the probe that tells, on port 8081, what the kubelet does to a volume.
fn with_witness(pod: Pod, volume: &str) -> Pod {
    let witness = json!({
        "name": "witness",
        "image": retune_testbed::image(),
        "command": ["/testbed/bin/probe"],
        "args": ["record", "/etc/seen", "--listen", "0.0.0.0:8081"],
        "volumeMounts": [{ "name": volume, "mountPath": "/etc/seen" }],
    });
    pod.patch(json!({ "spec": { "containers": [witness] } }))
}

/// Nudges the pod until its witness has seen this.
#[track_caller]
fn until_witnessed(pod: &PodRef, expected: &str) {
    let mut looks = 0;
    wait(&format!("the kubelet has written {expected}"), || {
        if looks % 20 == 0 {
            pod.nudge();
        }
        looks += 1;
        let mark = pod.get_at(8081, "/mark")?;
        check(mark.contains(expected), mark)
    });
}

/// A ConfigMap and a Secret, each with a map of its own.
fn two_volumes(args: &str) -> (Namespace, Data, Data, PodRef) {
    let namespace = Namespace::new("a15");
    let (config, secret) = (namespace.config_map("config"), namespace.secret("creds"));
    set_group(&config, "one", 1, 10, &[]);
    set_group(&secret, "two", 1, 10, &[]);
    let pod = serve(args)
        .config_map_volume("config", "/etc/config")
        .secret_volume("creds", "/etc/creds");
    let pod = namespace.start(&with_witness(pod, "config"));
    (namespace, config, secret, pod)
}

/// The edits of both maps, generation by generation, once the last one is of these.
#[track_caller]
fn both_at(pod: &PodRef, one: u64, two: u64) -> Vec<Value> {
    let both = json!({ "one": one, "two": two });
    let last = |page: &Value| Some(page.as_array()?.last()?["revisions"] == both);
    let what = format!("the last generation is of {both}");
    let page = until(pod, "/generations", &what, |page| last(page) == Some(true));
    let all = page.as_array().unwrap().iter();
    all.map(|one| one["revisions"].clone()).collect()
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a15_two_volumes_are_two_generations_each_whole() {
    let (_namespace, config, secret, pod) =
        two_volumes("--mount /etc/config --secret-mount /etc/creds");
    set_group(&config, "one", 2, 10, &[]);
    both_at(&pod, 2, 1);
    set_group(&secret, "two", 2, 10, &[]);
    let expected = [(1, 1), (2, 1), (2, 2)].map(|(one, two)| json!({ "one": one, "two": two }));
    assert_eq!(both_at(&pod, 2, 2), expected);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a15_two_volumes_are_gathered_into_one_generation() {
    let args = "--mount /etc/config --secret-mount /etc/creds --gather-ms 20000";
    let (_namespace, config, secret, pod) = two_volumes(args);
    set_group(&config, "one", 2, 10, &[]);
    // Without a window, this would be a generation of its own by now.
    until_witnessed(&pod, "r2/10:");
    set_group(&secret, "two", 2, 10, &[]);
    let expected = [1, 2].map(|n| json!({ "one": n, "two": n }));
    assert_eq!(both_at(&pod, 2, 2), expected);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a16_a_projected_volume_of_several_objects_is_one_generation() {
    let namespace = Namespace::new("a16");
    let (config, secret) = (namespace.config_map("config"), namespace.secret("creds"));
    let edit = |n: u64| {
        let text = format!("r{n}:x");
        config.set(&[("message", &text), ("revision", &n.to_string())]);
        secret.set(&[("token", &text)]);
        json!({ "metadata": {
            "labels": { "edit": n.to_string() },
            "annotations": { "edit": text },
        } })
    };
    let own = |field: &str| json!({ "fieldPath": format!("metadata.{field}['edit']") });
    let pod = serve("--mount /etc/all --together message,revision --together annotations,labels")
        .patch(edit(1))
        .volume(json!({ "name": "all", "projected": { "sources": [
            { "configMap": { "name": "config" } },
            { "secret": { "name": "creds" } },
            { "downwardAPI": { "items": [
                { "path": "annotations", "fieldRef": own("annotations") },
                { "path": "labels", "fieldRef": own("labels") },
            ] } },
        ] } }))
        .mount(json!({ "name": "all", "mountPath": "/etc/all" }));
    let pod = namespace.start(&pod);
    let mut before = 1;
    // A sync may come between the edits of a round, and then publish what it sees.
    let whole = (2..=10).any(|n| {
        let own = edit(n);
        namespace.cluster().patch(&pod.path(), &own).unwrap();
        let all = json!({ "annotations": n, "message": n, "revision": n, "token": n });
        let last = |page: &Value| Some(page.as_array()?.last()?["revisions"] == all);
        let page = until(&pod, "/generations", "all of the edit", |page| {
            last(page) == Some(true)
        });
        until_value(&pod, "labels", n.to_string());
        let generations = page.as_array().unwrap();
        let published = generations.iter().map(|one| one["published"].as_u64());
        let published: Vec<_> = published.collect();
        assert!(
            published.is_sorted_by(|a, b| a.is_some() && a < b),
            "of one publish one generation: {page}"
        );
        let new = generations.len() - std::mem::replace(&mut before, generations.len());
        new == 1
    });
    assert!(whole, "no round was one generation");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a22_an_immutable_configmap_wakes_nobody() {
    let namespace = Namespace::new("a22");
    let config = config(&namespace, &[("message", "for ever")]);
    config.make_immutable();
    let own = json!({ "path": "all", "fieldRef": { "fieldPath": "metadata.annotations" } });
    let pod = serve("--mount /etc/config")
        .config_map_volume("config", "/etc/config")
        .volume(json!({ "name": "own", "downwardAPI": { "items": [own] } }));
    // The other volume shows when the kubelet has gone through those of the pod.
    let pod = namespace.start(&with_witness(pod, "own"));
    until_value(&pod, "message", "for ever");
    let events = || counters(&pod)["events"].clone();
    let before = events();
    for n in 1..=3 {
        pod.annotate("edit", &format!("edit-{n}"));
        until_witnessed(&pod, &format!("edit-{n}"));
    }
    assert_eq!(events(), before);
    let counters = counters(&pod);
    assert_eq!(
        (&counters["applied"], &counters["rejected_source"]),
        (&0.into(), &0.into())
    );

    let change = json!({ "data": { "message": "not for ever" } });
    let refusal = namespace
        .cluster()
        .patch(&config.path(), &change)
        .unwrap_err();
    assert_eq!(refusal.status(), Some(422), "{refusal}");
    assert!(refusal.to_string().contains("immutable"), "{refusal}");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a25_the_largest_configmap_loads_and_can_be_edited() {
    const KEYS: usize = 16;
    let namespace = Namespace::new("a25");
    let config = namespace.config_map("config");
    let key = |n: usize| format!("bulk.k{n:02}");
    let values: Vec<_> = (0..KEYS)
        .map(|n| format!("{n:x}").repeat(MIB / KEYS))
        .collect();
    let entries: Vec<_> = (0..KEYS).map(|n| (key(n), &*values[n])).collect();
    config.set(
        &entries
            .iter()
            .map(|(key, value)| (&**key, *value))
            .collect::<Vec<_>>(),
    );
    let one_more = json!({ "data": { "revision": "1" } });
    let refusal = namespace.cluster().patch(&config.path(), &one_more);
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.status(), Some(422), "{refusal}");
    assert!(refusal.to_string().contains("Too long"), "{refusal}");

    let pod = serve("--mount /etc/config");
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    let shown = |values: &[String]| {
        let entry = |(n, value): (usize, &String)| format!("k{n:02}\0{value}\0");
        let all: String = values.iter().enumerate().map(entry).collect();
        json!({ "keys": KEYS, "bytes": MIB, "fingerprint": fingerprint::of(all.as_bytes()) })
    };
    until_value(&pod, "bulk", shown(&values));

    let mut edited = values;
    edited[7] = "x".repeat(MIB / KEYS);
    config.set(&[(&key(7), &edited[7])]);
    until_value(&pod, "bulk", shown(&edited));
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(status["generation"], 2);
    assert_eq!(status["history"][1]["changed"], 1);
}
