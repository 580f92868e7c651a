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
//! Nor what is no publish: the directory itself, which the kubelet makes before it writes into it,
//! and what `fsGroup` does to owners and modes, which shows as events of their own.

use std::time::Duration;

use retune_mount::Publisher;
use retune_testbed::recorder::{Event, Mark, Recorder};
use retune_testbed::{Data, Namespace, Pod, PodRef, check, image, wait, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than a kubelet with the default period takes even if it overlooks what it is told.
const SYNC: Duration = Duration::from_secs(120);

/// The annotation that the pod's second container watches.
const SYNCED: &str = "retune.dev/synced";

type Keys<'a> = &'a [(&'a str, &'a str)];

/// One volume of a pod and the publisher's directory, and who records them.
struct Story {
    pod: PodRef,
    publisher: Publisher,
    recorder: Recorder,
    syncs: u32,
    _tmp: TempDir,
}

// === impl Story ===

impl Story {
    /// Starts with what the volume holds first: of that the result is seen, but no event, as the
    /// kubelet writes it before the container starts.
    fn begin(namespace: &Namespace, volume: Value, file_mode: u32, first: Keys<'_>) -> Self {
        let mut volume = volume;
        volume["name"] = "recorded".into();
        let pod = Pod::new("recorder")
            .arg("record")
            .arg("/recorded")
            .volume(volume)
            .mount(json!({ "name": "recorded", "mountPath": "/recorded" }))
            .patch(synced_container())
            .volume(json!({ "name": "synced", "downwardAPI": { "items": [{
                "path": "message",
                "fieldRef": { "fieldPath": format!("metadata.annotations['{SYNCED}']") },
            }] } }))
            // Whatever a file's mode, what it holds is to be compared.
            .patch_container(json!({ "securityContext": { "runAsUser": 0 } }));
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("recorded");
        let publisher = Publisher::create(&dir).unwrap().file_mode(file_mode);
        publisher.publish(first.iter().copied()).unwrap();
        let mut story = Self {
            pod: namespace.start(&pod),
            publisher,
            recorder: Recorder::start(dir).unwrap(),
            syncs: 0,
            _tmp: tmp,
        };
        story.compare("as found at the start");
        story
    }

    /// What was edited meanwhile is published, as these keys.
    fn publishes(&mut self, what: &str, keys: Keys<'_>) {
        let mut looks = 0;
        wait_for(&format!("the kubelet publishes: {what}"), SYNC, || {
            if looks % 50 == 0 {
                self.pod.nudge();
            }
            looks += 1;
            let seen = self.pod.get_json("/events")?;
            let events: Vec<Event> = serde_json::from_value(seen.clone()).unwrap_or_default();
            // The last thing that a publish does.
            let cleaned = |event: &Event| event.to_string().starts_with("DELETE|ISDIR ..ts");
            check(events.iter().any(cleaned), seen)
        });
        let published = self.publisher.publish(keys.iter().copied()).unwrap();
        assert!(published.changed, "{what}");
        let events = self.compare(what);
        let swaps = events.iter().filter(|event| event.starts_with("MOVED_TO"));
        assert_eq!(swaps.count(), 1, "{what}: {events:#?}");
    }

    /// What was done meanwhile is no change: neither of both does anything.
    fn stays(&mut self, what: &str, keys: Keys<'_>) {
        // A sync begins after the volumes of the last one are all written, so that at the second
        // the first is over.
        for _ in 0..2 {
            self.sync();
        }
        let published = self.publisher.publish(keys.iter().copied()).unwrap();
        assert!(!published.changed, "{what}");
        assert_eq!(self.compare(what), [""; 0], "{what}");
    }

    /// Waits until the kubelet has looked at the pod's volumes, which another of them shows.
    fn sync(&mut self) {
        self.syncs += 1;
        let sync = self.syncs.to_string();
        self.pod.annotate(SYNCED, &sync);
        wait_for("the kubelet syncs the pod", SYNC, || {
            let values = self.pod.get_at(8081, "/values")?;
            let values: Value = serde_json::from_str(&values).unwrap_or_default();
            check(values["values"]["message"] == *sync, values)
        });
    }

    /// Compares what was done since the last comparison, and what came of it; gives the events.
    fn compare(&mut self, what: &str) -> Vec<String> {
        let page = format!("/mark?name={}", what.replace(' ', "-"));
        let theirs = wait(&page, || self.pod.get_json(&page));
        let theirs: Mark = serde_json::from_value(theirs).unwrap();
        let ours = self.recorder.mark(&theirs.name).unwrap();
        let (events, theirs) = told(&theirs);
        let (_, ours) = told(&ours);
        assert!(
            theirs == ours,
            "{what}:\n=== the kubelet\n{theirs}\n=== the publisher\n{ours}"
        );
        events
    }
}

/// A container that shows the annotation [`SYNCED`] as the kubelet has published it.
fn synced_container() -> Value {
    json!({ "spec": { "containers": [{
        "name": "synced",
        "image": image(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["/testbed/bin/probe", "serve"],
        "args": ["--mount", "/synced", "--listen", "0.0.0.0:8081"],
        "volumeMounts": [{ "name": "synced", "mountPath": "/synced" }],
    }] } })
}

/// The events as far as they are determined, and a text of them and of what came of them.
fn told(mark: &Mark) -> (Vec<String>, String) {
    let mut events: Vec<_> = mark.events.iter().map(Event::to_string).collect();
    let of_one_run = |a: &String, b: &String| {
        let event = link_event(a);
        event.is_some() && event == link_event(b)
    };
    for run in events.chunk_by_mut(of_one_run) {
        run.sort();
    }
    let tree: Vec<_> = mark.tree.iter().map(|entry| entry.to_string()).collect();
    let text = format!("{}\n--\n{}", events.join("\n"), tree.join("\n"));
    (events, text)
}

/// What happened to the link of a key, if the event is about one.
fn link_event(event: &str) -> Option<&str> {
    let (mask, name) = event.split_once(' ')?;
    let link = matches!(mask, "CREATE" | "DELETE") && !name.starts_with("..");
    link.then_some(mask)
}

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
