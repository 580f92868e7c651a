//! `retune_mount::Publisher` writes a volume as the kubelet does, event by event and link by link.
//!
//! Each story is told twice, by a kubelet to a pod that records its volume and by a publisher to a
//! directory here, and both are recorded by the same recorder.
//!
//! Not compared, as the kubelet leaves it open:
//!
//! - the order in which links of several keys are made, and in which they are removed: it goes
//!   through maps, whose order Go shuffles. Runs of such events are sorted.
//! - the digits of a data directory's name; the recorder numbers them.
//!
//! Nor the directory itself, which the kubelet makes before it writes into it.

mod story;

use retune_testbed::{Data, Namespace};
use serde_json::{Value, json};

use story::{Keys, Story, told};

/// Tells what can happen to a volume that shows all keys of one object.
fn tell_of_all_keys(namespace: &Namespace, volume: Value, file_mode: u32, object: &Data) {
    let first: Keys<'_> = &[("a", "1"), ("b", "one\ntwo\n"), ("c.yaml", ""), (".d", "x")];
    object.replace(first);
    let mut story = Story::begin(namespace, volume, file_mode, first);
    let mut now = first.to_vec();
    let change = |story: &mut Story, what: &str, keys: Keys<'_>| {
        object.replace(keys);
        story.publishes(what, keys);
    };
    let same_again = |story: &mut Story, keys: Keys<'_>| {
        annotate(namespace, object, &keys.len().to_string());
        story.stays("the same again", keys);
    };

    now[0].1 = "2";
    change(&mut story, "value update", &now);
    same_again(&mut story, &now);
    now.push(("e", "new"));
    change(&mut story, "key added", &now);
    now.remove(1);
    change(&mut story, "key removed", &now);
    now[0].1 = "3";
    now.extend([("f", "new"), ("g", "new"), ("h", "new")]);
    now.retain(|(key, _)| !["c.yaml", "e"].contains(key));
    change(&mut story, "update, add and remove", &now);
    same_again(&mut story, &now);
    change(&mut story, "all keys removed", &[]);
    same_again(&mut story, &[]);
    change(&mut story, "keys back", first);
    let others = &[("x", "1"), ("y", "2"), ("z", "3")];
    change(&mut story, "every key another", others);
    let longer = &[("x", "12"), ("x-", "1"), ("x.y", "1")];
    change(&mut story, "of one a start of another", longer);
}

/// Writes the object anew, with the same data.
fn annotate(namespace: &Namespace, object: &Data, value: &str) {
    let change = json!({ "metadata": { "annotations": { "edited": value } } });
    let patched = namespace.cluster().patch(&object.path(), &change);
    patched.unwrap();
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_publisher_writes_as_the_kubelet_a_config_map() {
    let namespace = Namespace::new("kubelet-config-map");
    let volume = json!({ "configMap": { "name": "config" } });
    let object = namespace.config_map("config");
    tell_of_all_keys(&namespace, volume, 0o644, &object);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_publisher_writes_as_the_kubelet_a_secret() {
    let namespace = Namespace::new("kubelet-secret");
    let volume = json!({ "secret": { "secretName": "secret" } });
    let object = namespace.secret("secret");
    tell_of_all_keys(&namespace, volume, 0o644, &object);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_publisher_writes_as_the_kubelet_a_projected_volume() {
    let namespace = Namespace::new("kubelet-projected");
    let volume = json!({ "projected": { "sources": [{ "configMap": { "name": "config" } }] } });
    let object = namespace.config_map("config");
    tell_of_all_keys(&namespace, volume, 0o644, &object);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_publisher_writes_as_the_kubelet_a_volume_of_several_objects() {
    let namespace = Namespace::new("kubelet-several");
    let (config, secret) = (namespace.config_map("config"), namespace.secret("secret"));
    config.replace(&[("a", "1")]);
    let volume = json!({ "projected": { "sources": [
        { "configMap": { "name": "config" } },
        { "secret": { "name": "secret", "optional": true, "items": [
            { "key": "token", "path": "tls/token" },
            { "key": "key", "path": "tls/key" },
        ] } },
    ] } });
    let mut story = Story::begin(&namespace, volume, 0o644, &[("a", "1")]);

    secret.replace(&[("token", "t"), ("key", "k")]);
    let all = &[("a", "1"), ("tls/token", "t"), ("tls/key", "k")];
    story.publishes("a Secret appears", all);
    config.replace(&[("a", "2"), ("b", "1")]);
    let all = &[("a", "2"), ("b", "1"), ("tls/token", "t"), ("tls/key", "k")];
    story.publishes("the ConfigMap changes", all);
    secret.delete();
    let left = &[("a", "2"), ("b", "1")];
    story.publishes("the Secret is deleted", left);
    story.stays("nothing more", left);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_publisher_writes_as_the_kubelet_nested_items() {
    let namespace = Namespace::new("kubelet-nested");
    let config = namespace.config_map("config");
    config.replace(&[("a", "1"), ("top", "1")]);
    let item = |key: &str, path: &str| json!({ "key": key, "path": path });
    let volume = json!({ "configMap": { "name": "config", "optional": true, "items": [
        item("a", "sub/dir/a.yaml"),
        item("b", "sub/dir/b.yaml"),
        item("c", "sub/c.yaml"),
        item("d", "other/dir/d.yaml"),
        item("top", "top.yaml"),
    ] } });
    let first = &[("sub/dir/a.yaml", "1"), ("top.yaml", "1")];
    let mut story = Story::begin(&namespace, volume, 0o644, first);
    let mut change = |what: &str, entries: Keys<'_>, keys: Keys<'_>| {
        config.replace(entries);
        story.publishes(what, keys);
        // No item names it.
        config.set(&[("unseen", what)]);
        story.stays(&format!("{what}: a key that no item names"), keys);
    };

    change(
        "nested value update",
        &[("a", "2"), ("top", "1")],
        &[("sub/dir/a.yaml", "2"), ("top.yaml", "1")],
    );
    change(
        "added in a folder that is there",
        &[("a", "2"), ("b", "1"), ("c", "1"), ("top", "1")],
        &[
            ("sub/dir/a.yaml", "2"),
            ("sub/dir/b.yaml", "1"),
            ("sub/c.yaml", "1"),
            ("top.yaml", "1"),
        ],
    );
    change(
        "added in a new folder and removed from another",
        &[("c", "1"), ("d", "1"), ("top", "1")],
        &[
            ("sub/c.yaml", "1"),
            ("other/dir/d.yaml", "1"),
            ("top.yaml", "1"),
        ],
    );
    change(
        "the last of a folder removed",
        &[("d", "1"), ("top", "1")],
        &[("other/dir/d.yaml", "1"), ("top.yaml", "1")],
    );
    change("all items removed", &[], &[]);
    change("an item back", &[("a", "1")], &[("sub/dir/a.yaml", "1")]);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_publisher_writes_as_the_kubelet_with_a_mode_for_the_owner_alone() {
    let namespace = Namespace::new("kubelet-mode");
    let config = namespace.config_map("config");
    let volume = json!({ "configMap": { "name": "config", "defaultMode": 0o400 } });
    tell_of_all_keys(&namespace, volume, 0o400, &config);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_publisher_writes_as_the_kubelet_with_a_mode_for_all() {
    let namespace = Namespace::new("kubelet-mode");
    let secret = namespace.secret("secret");
    secret.replace(&[("a", "1")]);
    let item = json!([{ "key": "a", "path": "sub/a" }]);
    let volume = json!({ "secret": {
        "secretName": "secret", "defaultMode": 0o777, "items": item,
    } });
    let mut story = Story::begin(&namespace, volume, 0o777, &[("sub/a", "1")]);
    secret.replace(&[("a", "2")]);
    story.publishes("value update", &[("sub/a", "2")]);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_publisher_writes_as_the_kubelet_an_object_that_comes_and_goes() {
    let namespace = Namespace::new("kubelet-optional");
    let config = namespace.config_map("config");
    let volume = json!({ "configMap": { "name": "config", "optional": true } });
    let mut story = Story::begin(&namespace, volume, 0o644, &[]);

    story.stays("it is not there", &[]);
    config.replace(&[("a", "1"), ("b", "1")]);
    story.publishes("it appears", &[("a", "1"), ("b", "1")]);
    config.delete();
    story.publishes("it is deleted", &[]);
    story.stays("it is not there again", &[]);
    config.replace(&[("a", "1"), ("b", "1")]);
    story.publishes("it is back", &[("a", "1"), ("b", "1")]);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn an_object_that_is_deleted_and_not_optional_is_no_publish() {
    let namespace = Namespace::new("kubelet-deleted");
    let config = namespace.config_map("config");
    config.replace(&[("a", "1"), ("b", "1")]);
    let volume = json!({ "configMap": { "name": "config" } });
    let mut story = Story::begin(&namespace, volume, 0o644, &[("a", "1"), ("b", "1")]);

    config.delete();
    story.stays("it is deleted", &[("a", "1"), ("b", "1")]);
    config.replace(&[("a", "2")]);
    story.publishes("it is back with other keys", &[("a", "2")]);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn what_fs_group_adds_to_a_publish_is_over_before_the_swap() {
    let namespace = Namespace::new("kubelet-fs-group");
    let config = namespace.config_map("config");
    let first = &[("a", "1"), ("b", "1")];
    config.replace(first);
    let volume = json!({ "configMap": { "name": "config" } });
    let fs_group = json!({ "spec": { "securityContext": { "fsGroup": 1000 } } });
    let mut story = Story::start(&namespace, volume, 0o644, first, fs_group);
    // Not compared: the modes are others.
    _ = story.marks("as found at the start");

    let next = &[("a", "2"), ("c", "1")];
    config.replace(next);
    story.publish("update, add and remove", next);
    let [theirs, ours] = story.marks("update, add and remove");
    let (theirs, ours) = (told(&theirs).0, told(&ours).0);
    let is_mode = |event: &&String| event.starts_with("ATTRIB");
    let modes = |events: &[String]| events.iter().filter(is_mode).count();
    let swap = theirs
        .iter()
        .position(|event| event.starts_with("MOVED_TO"));
    let (before, after) = theirs.split_at(swap.expect("a swap"));
    assert!(modes(before) > modes(&ours), "{theirs:#?}");
    assert_eq!(modes(after), 0, "{theirs:#?}");
    let rest = |events: &[String]| -> Vec<_> {
        let rest = events.iter().filter(|event| !is_mode(event));
        rest.cloned().collect()
    };
    assert_eq!(rest(&theirs), rest(&ours));
}
