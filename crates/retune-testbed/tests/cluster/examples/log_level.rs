//! The example `log-level`: two Deployments, and two ConfigMaps.

use std::time::Duration;

use retune_testbed::{Namespace, PodRef, Result, check, wait, wait_for};

use super::{both_ready, copy, folder, text, value_of};

/// What is not nudged waits for the kubelet's own sync, on another cluster up to a minute and a half.
const UNNUDGED: Duration = Duration::from_secs(180);

const EXAMPLE: &str = "log-level";

const APPS: [&str; 2] = ["app-server", "app-client"];

const PODS: &str = "app in (app-server, app-client)";

/// `log-level` as it runs in a namespace of its own.
struct Story {
    namespace: Namespace,
    /// Both pods of both Deployments, with their uids.
    pods: Vec<(PodRef, String)>,
}

impl Story {
    /// Applies the example's own manifests by its overlay, and waits until all four pods are ready
    /// and their mounted `warn` holds.
    fn start(prefix: &str) -> Self {
        let namespace = Namespace::new(prefix);
        super::apply(&namespace, EXAMPLE);
        let pods = APPS.iter().flat_map(|app| both_ready(&namespace, app));
        let pods = pods.collect();
        let story = Self { namespace, pods };
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
        super::nudge(&self.namespace, PODS);
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
        super::assert_same_processes(&self.namespace, PODS, &self.pods);
    }
}

/// A line that each app writes every second at `info`.
fn everyday(app: &str) -> &'static str {
    match app {
        "app-server" => "background job goes on",
        _ => "response received from server",
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn log_level_runs_from_its_own_manifests_but_for_image_and_command() {
    super::assert_overlay_changes_image_and_command_only(EXAMPLE, 5);
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
    let edited = copy(EXAMPLE, |text| {
        text.replace("\n  log-level: warn\n", "\n  log-level: info\n")
    });
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

    story.kubectl(&["delete", "-k", text(&folder(EXAMPLE).join("testbed"))]);
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
