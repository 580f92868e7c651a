//! A volume and what is done to it, once by a kubelet and once by the publisher.

use std::time::Duration;

use retune_mount::Publisher;
use retune_testbed::recorder::{Event, Mark, Recorder};
use retune_testbed::{Namespace, Pod, PodRef, check, image, wait, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than a kubelet with the default period takes even if it overlooks what it is told.
const SYNC: Duration = Duration::from_secs(120);

/// The annotation that the pod's second container watches.
const SYNCED: &str = "retune.dev/synced";

pub(super) type Keys<'a> = &'a [(&'a str, &'a str)];

/// One volume of a pod and the publisher's directory, and who records them.
pub(super) struct Story {
    pod: PodRef,
    publisher: Publisher,
    recorder: Recorder,
    syncs: u32,
    _tmp: TempDir,
}

// === impl Story ===

impl Story {
    /// Starts with what the volume holds first: of that the result is compared, but no event, as
    /// the kubelet writes it before the container starts.
    pub(super) fn begin(
        namespace: &Namespace,
        volume: Value,
        file_mode: u32,
        first: Keys<'_>,
    ) -> Self {
        let mut story = Self::start(namespace, volume, file_mode, first, json!({}));
        story.compare("as found at the start");
        story
    }

    /// As [`begin`](Self::begin), of a pod that is patched, and compares nothing.
    pub(super) fn start(
        namespace: &Namespace,
        mut volume: Value,
        file_mode: u32,
        first: Keys<'_>,
        patch: Value,
    ) -> Self {
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
            .patch(patch)
            // Whatever a file's mode, what it holds is to be compared.
            .patch_container(json!({ "securityContext": { "runAsUser": 0 } }));
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("recorded");
        let publisher = Publisher::create(&dir).unwrap().file_mode(file_mode);
        publisher.publish(first.iter().copied()).unwrap();
        Self {
            pod: namespace.start(&pod),
            publisher,
            recorder: Recorder::start(dir).unwrap(),
            syncs: 0,
            _tmp: tmp,
        }
    }

    /// What was edited meanwhile is published, as these keys.
    pub(super) fn publishes(&mut self, what: &str, keys: Keys<'_>) {
        self.publish(what, keys);
        let events = self.compare(what);
        let swaps = events.iter().filter(|event| event.starts_with("MOVED_TO"));
        assert_eq!(swaps.count(), 1, "{what}: {events:#?}");
    }

    /// As [`publishes`](Self::publishes), and compares nothing.
    pub(super) fn publish(&mut self, what: &str, keys: Keys<'_>) {
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
    }

    /// What was done meanwhile is no change: neither of both does anything.
    pub(super) fn stays(&mut self, what: &str, keys: Keys<'_>) {
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
        let [theirs, ours] = self.marks(what);
        let (events, theirs) = told(&theirs);
        let (_, ours) = told(&ours);
        assert!(
            theirs == ours,
            "{what}:\n=== the kubelet\n{theirs}\n=== the publisher\n{ours}"
        );
        events
    }

    /// What was done by the kubelet and by the publisher, and what came of it.
    pub(super) fn marks(&mut self, what: &str) -> [Mark; 2] {
        let page = format!("/mark?name={}", what.replace(' ', "-"));
        let theirs = wait(&page, || self.pod.get_json(&page));
        let theirs: Mark = serde_json::from_value(theirs).unwrap();
        let ours = self.recorder.mark(&theirs.name).unwrap();
        [theirs, ours]
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
pub(super) fn told(mark: &Mark) -> (Vec<String>, String) {
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
