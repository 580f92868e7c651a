//! The examples run from their own manifests, and are changed as their READMEs tell.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use retune_testbed::{Cluster, Manifests, Namespace, PodRef, Result, check, image, wait, wait_for};
use serde_json::Value;
use tempfile::TempDir;

/// What the README's overlay names.
const OVERLAY_IMAGE: &str = "retune-testbed:nonroot";

/// What is not nudged waits for the kubelet's own sync, on another cluster up to a minute and a half.
const UNNUDGED: Duration = Duration::from_secs(180);

const APPS: [&str; 2] = ["app-server", "app-client"];

/// `log-level` as it runs in a namespace of its own.
struct Story {
    namespace: Namespace,
    /// Both pods of both Deployments, with their uids.
    pods: Vec<(PodRef, String)>,
}

/// The folder of the example.
fn log_level() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/log-level")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the project's path is text")
}

impl Story {
    /// Applies the example's own manifests by its overlay, and waits until all four pods are ready
    /// and their mounted `warn` holds.
    fn start(prefix: &str) -> Self {
        let namespace = Namespace::new(prefix);
        let story = Self {
            namespace,
            pods: Vec::new(),
        };
        if image() == OVERLAY_IMAGE {
            story.kubectl(&["apply", "-k", text(&log_level().join("testbed"))]);
        } else {
            let copy = copy(str::to_owned);
            story.kubectl(&["apply", "-k", text(&copy.path().join("testbed"))]);
        }
        let mut pods = Vec::new();
        for app in APPS {
            let deployment = format!("deployment/{app}");
            story.kubectl(&["rollout", "status", &deployment, "--timeout=120s"]);
            let both = wait(&format!("{app} has two pods"), || {
                let both = story.namespace.pods(&format!("app={app}"))?;
                check(both.len() == 2, both.len()).map(|()| both)
            });
            pods.extend(both);
        }
        let pods = pods.into_iter().map(|pod| {
            pod.wait_ready();
            let uid = pod.uid().unwrap();
            (pod, uid)
        });
        let pods = pods.collect();
        let story = Self { pods, ..story };
        for app in APPS {
            story.wait_level(app, "warn");
        }
        story
    }

    #[track_caller]
    fn kubectl(&self, args: &[&str]) -> String {
        self.namespace.kubectl(args).run().unwrap()
    }

    /// Both pods of a Deployment.
    fn both(&self, app: &str) -> Vec<&PodRef> {
        let of_app = self.pods.iter().map(|(pod, _)| pod);
        of_app.filter(|pod| pod.name().starts_with(app)).collect()
    }

    /// The README's line for those who do not want to wait.
    fn nudge(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = format!("retune.dev/nudge={}", now.as_nanos());
        let pods = "app in (app-server, app-client)";
        self.kubectl(&["annotate", "pods", "-l", pods, &now, "--overwrite"]);
    }

    /// Of both pods, `/configz` tells of the level and that all is well.
    #[track_caller]
    fn wait_level(&self, app: &str, level: &str) {
        self.wait_level_for(app, level, retune_testbed::PATIENCE);
    }

    #[track_caller]
    fn wait_level_for(&self, app: &str, level: &str, patience: Duration) {
        for pod in self.both(app) {
            let what = format!("{} logs at {level}", pod.name());
            wait_for(&what, patience, || {
                let page = pod.get_json("/configz")?;
                let held = &value_of(&page, "log_level")["winner"]["value"];
                check(held == level && page["health"] == "ok", &page)
            });
        }
    }

    /// Both pods of a Deployment write at `info` what they do all the time.
    #[track_caller]
    fn wait_talk(&self, app: &str) {
        for pod in self.both(app) {
            wait(&format!("{} tells what it does", pod.name()), || {
                let log = pod.log()?;
                check(log.contains(everyday(app)), log)
            });
        }
    }

    /// Both pods of a Deployment have written the line of their start, and warnings at most since
    /// then. What would have been written is known to have happened: the servers' requests, which
    /// this makes, and the clients', which servers answer.
    #[track_caller]
    fn assert_silent(&self, app: &str) {
        for pod in self.both(app) {
            if app == "app-server" {
                assert_eq!(pod.get("/").unwrap(), "Hello, World!\n");
            }
            let log = pod.log().unwrap();
            // A client that came before the servers has warned of it, as it should.
            let own = |line: &&str| line.contains("\"info\"") && !line.contains("retune::");
            let own = log.lines().filter(own);
            assert_eq!(own.count(), 1, "{}: {log}", pod.name());
            assert!(log.contains("start"), "{log}");
        }
    }

    /// The pods are those of the start, and their processes too.
    #[track_caller]
    fn assert_same_processes(&self) {
        for (pod, uid) in &self.pods {
            assert_eq!(&pod.uid().unwrap(), uid, "{}", pod.name());
            assert_eq!(pod.restarts().unwrap(), 0, "{}", pod.name());
            assert!(pod.ready().is_ok(), "{:?}", pod.ready());
        }
        let all = self.namespace.pods("app in (app-server,app-client)");
        assert_eq!(all.unwrap().len(), self.pods.len());
    }
}

/// The example's manifests in a folder of their own, each edited, and with the image that pods run.
fn copy(edit: impl Fn(&str) -> String) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let image = image();
    let (name, tag) = image.rsplit_once(':').expect("an image with a tag");
    for folder in ["k8s", "testbed"] {
        let to = copy.path().join(folder);
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(log_level().join(folder)).unwrap() {
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

/// A line that each app writes every second at `info`.
fn everyday(app: &str) -> &'static str {
    match app {
        "app-server" => "background job goes on",
        _ => "response received from server",
    }
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

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn log_level_runs_from_its_own_manifests_but_for_image_and_command() {
    let kustomize = |folder: &str| {
        let folder = log_level().join(folder);
        let kubectl = Cluster::connect().kubectl(&["kustomize", text(&folder)]);
        kubectl.run().unwrap()
    };
    let (own, here) = (kustomize("k8s"), kustomize("testbed"));
    assert_ne!(own, here);
    let [own, here] = [own, here].map(|all| without_image_and_command(&all));
    assert_eq!(own.len(), 5);
    assert_eq!(own, here);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn log_level_follows_kubectl_edit_without_a_nudge() {
    let story = Story::start("edit");
    story.assert_silent("app-server");
    story.assert_silent("app-client");
    // Line by line, as an editor shows it; the annotation of `apply` is another line.
    let editor = "sed -i -E 's/^  log-level: .*/  log-level: info/'";
    for app in APPS {
        let edit = story.namespace.kubectl(&["edit", "configmap", app]);
        edit.env("KUBE_EDITOR", editor).run().unwrap();
        story.wait_level_for(app, "info", UNNUDGED);
        story.wait_talk(app);
        if app == "app-server" {
            // The clients called all the time: servers say so now.
            wait("the servers tell of the clients' requests", || {
                let logs: Result<Vec<_>> = story.both(app).iter().map(|pod| pod.log()).collect();
                let requests = logs?.concat().matches("new request received").count();
                check(requests >= 4, requests)
            });
            story.assert_silent("app-client");
        }
    }
    story.assert_same_processes();
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn log_level_follows_kubectl_replace() {
    let story = Story::start("replace");
    for app in APPS {
        let file = story.kubectl(&["get", "configmap", app, "-o", "yaml"]);
        let changed = file.replace("\n  log-level: warn\n", "\n  log-level: info\n");
        assert_ne!(file, changed);
        let replace = story.namespace.kubectl(&["replace", "-f", "-"]);
        replace.input(&changed).run().unwrap();
    }
    story.nudge();
    for app in APPS {
        story.wait_level(app, "info");
        story.wait_talk(app);
    }
    story.assert_same_processes();
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn log_level_follows_kubectl_apply_and_is_deleted() {
    let story = Story::start("apply");
    let edited = copy(|text| text.replace("\n  log-level: warn\n", "\n  log-level: info\n"));
    let overlay = edited.path().join("testbed");
    let said = story.kubectl(&["apply", "-k", text(&overlay)]);
    for app in APPS {
        let configured = format!("configmap/{app} configured");
        assert!(said.contains(&configured), "{said}");
    }
    story.nudge();
    for app in APPS {
        story.wait_level(app, "info");
        story.wait_talk(app);
    }
    story.assert_same_processes();

    story.kubectl(&["delete", "-k", text(&log_level().join("testbed"))]);
    wait("all of it is gone", || {
        let left = story.kubectl(&["get", "pods,deployments,services", "-o", "name"]);
        check(left.trim().is_empty(), left)
    });
    let left = story.kubectl(&["get", "configmaps", "-o", "name"]);
    assert_eq!(left.trim(), "configmap/kube-root-ca.crt");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn log_level_refuses_a_level_that_is_none_and_says_so_until_it_is_put_right() {
    let story = Story::start("wran");
    let set = |level: &str| {
        for app in APPS {
            let patch = format!(r#"{{"data":{{"log-level":"{level}"}}}}"#);
            story.kubectl(&["patch", "configmap", app, "-p", &patch]);
        }
        story.nudge();
    };
    set("info");
    for app in APPS {
        story.wait_level(app, "info");
    }
    set("wran");
    for (pod, _) in &story.pods {
        wait(&format!("{} is degraded", pod.name()), || {
            let metrics = pod.get("/metrics")?;
            let degraded = metrics.lines().any(|line| line == "retune_degraded 1");
            check(degraded, metrics)
        });
        let metrics = pod.get("/metrics").unwrap();
        let refused = "retune_rejected_total{reason=\"invalid\"} 1";
        assert!(metrics.lines().any(|line| line == refused), "{metrics}");
        let page = pod.get_json("/configz").unwrap();
        assert_eq!(page["health"], "degraded", "{page}");
        let reason = page["rejection"].to_string();
        for part in ["log_level", "wran", "did you mean `warn`?"] {
            assert!(reason.contains(part), "{page}");
        }
        assert_eq!(value_of(&page, "log_level")["winner"]["value"], "info");
        let log = pod.log().unwrap();
        assert!(log.contains("configuration refused"), "{log}");
    }
    set("warn");
    for app in APPS {
        story.wait_level(app, "warn");
    }
    for (pod, _) in &story.pods {
        let metrics = pod.get("/metrics").unwrap();
        assert!(
            metrics.lines().any(|line| line == "retune_degraded 0"),
            "{metrics}"
        );
    }
    story.assert_same_processes();
}
