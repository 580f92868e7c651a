//! The examples run from their own manifests, and are changed as their READMEs tell.

mod env_vars;
mod feature_flags;
mod greeter;
mod jwt_rotation;
mod log_level;
mod options;
mod postgres_rotation;
mod tls_rotation;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use retune_testbed::{Cluster, Manifests, Namespace, PodRef, check, image, wait};
use serde_json::Value;
use tempfile::TempDir;

/// What the overlays name.
const OVERLAY_IMAGE: &str = "retune-testbed:nonroot";

/// The folder of an example.
fn folder(example: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    examples.join(example)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the project's path is text")
}

/// Applies an example's own manifests by its overlay.
#[track_caller]
fn apply(namespace: &Namespace, example: &str) {
    // On another cluster the image has another name.
    let copied = (image() != OVERLAY_IMAGE).then(|| copy(example, str::to_owned));
    let own = folder(example);
    let overlay = copied.as_ref().map_or(&*own, TempDir::path).join("testbed");
    let apply = namespace.kubectl(&["apply", "-k", text(&overlay)]);
    apply.run().unwrap();
}

/// Waits until a Deployment has two pods that are ready; with their uids.
#[track_caller]
fn both_ready(namespace: &Namespace, deployment: &str) -> Vec<(PodRef, String)> {
    let rollout = format!("deployment/{deployment}");
    let rollout = namespace.kubectl(&["rollout", "status", &rollout, "--timeout=120s"]);
    rollout.run().unwrap();
    let both = wait(&format!("{deployment} has two pods"), || {
        let both = namespace.pods(&format!("app={deployment}"))?;
        check(both.len() == 2, both.len()).map(|()| both)
    });
    let both = both.into_iter().map(|pod| {
        pod.wait_ready();
        let uid = pod.uid().unwrap();
        (pod, uid)
    });
    both.collect()
}

/// The READMEs' line for those who do not want to wait.
#[track_caller]
fn nudge(namespace: &Namespace, pods: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = format!("retune.dev/nudge={}", now.as_nanos());
    let annotate = namespace.kubectl(&["annotate", "pods", "-l", pods, &now, "--overwrite"]);
    annotate.run().unwrap();
}

/// The pods are those of the start, and their processes too.
#[track_caller]
fn assert_same_processes(namespace: &Namespace, selector: &str, pods: &[(PodRef, String)]) {
    for (pod, uid) in pods {
        assert_eq!(&pod.uid().unwrap(), uid, "{}", pod.name());
        assert_eq!(pod.restarts().unwrap(), 0, "{}", pod.name());
        assert!(pod.ready().is_ok(), "{:?}", pod.ready());
    }
    assert_eq!(namespace.pods(selector).unwrap().len(), pods.len());
}

/// The overlay gives the same objects as the example's own manifests, but for what it may change.
#[track_caller]
fn assert_overlay_changes_image_and_command_only(example: &str, objects: usize) {
    let [own, here] = ["k8s", "testbed"].map(|sub| {
        let folder = folder(example).join(sub);
        let kubectl = Cluster::connect().kubectl(&["kustomize", text(&folder)]);
        kubectl.run().unwrap()
    });
    assert_ne!(own, here);
    let [own, here] = [own, here].map(|all| without_image_and_command(&all));
    assert_eq!(own.len(), objects);
    assert_eq!(own, here);
}

/// An example's manifests in a folder of their own, each edited, and with the image that pods run.
fn copy(example: &str, edit: impl Fn(&str) -> String) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let image = image();
    let (name, tag) = image.rsplit_once(':').expect("an image with a tag");
    for folder in ["k8s", "testbed"] {
        let to = copy.path().join(folder);
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(self::folder(example).join(folder)).unwrap() {
            let file = file.unwrap();
            let content = edit(&fs::read_to_string(file.path()).unwrap());
            let content = content
                .replace("newName: retune-testbed\n", &format!("newName: {name}\n"))
                .replace("newTag: nonroot\n", &format!("newTag: {tag}\n"));
            fs::write(to.join(file.file_name()), content).unwrap();
        }
    }
    copy
}

/// What `/configz` says of a path.
fn value_of<'a>(page: &'a Value, path: &str) -> &'a Value {
    let values = page["values"].as_array().into_iter().flatten();
    let mut values = values.filter(|value| value["path"] == path);
    values.next().unwrap_or(&Value::Null)
}

/// What is left of a manifest without what the overlay may change.
fn without_image_and_command(manifests: &str) -> Vec<Value> {
    let mut objects = manifests.objects().unwrap();
    for object in &mut objects {
        if let Some(containers) = object.pointer_mut("/spec/template/spec/containers") {
            for container in containers.as_array_mut().unwrap() {
                let fields = container.as_object_mut().unwrap();
                assert!(fields.remove("image").is_some());
                assert!(fields.remove("command").is_some());
            }
        }
    }
    objects
}
