//! The example `options`: its Deployment holds a Secret's token.

use retune_testbed::{Namespace, PodRef, check, wait};
use serde_json::json;

use super::value_of;

const EXAMPLE: &str = "options";

/// Of the Deployment, and the pods' label.
const NAME: &str = "example";

const SECRET: &str = "example-secret";

const PODS: &str = "app=example";

/// As its manifest gives it.
const TOKEN: &str = "super-strong-secret";

const GIVEN: &str = "[redacted] (AUTH_TOKEN_FILE=/secrets/example-secret/auth-token)";

/// The holders of the token as they run in a namespace of their own.
struct Story {
    namespace: Namespace,
    /// Both pods, with their uids.
    pods: Vec<(PodRef, String)>,
}

impl Story {
    /// Applies the example's own manifests by its overlay, and waits until both pods are ready.
    fn start(prefix: &str) -> Self {
        let namespace = Namespace::new(prefix);
        super::apply(&namespace, EXAMPLE);
        let pods = super::both_ready(&namespace, NAME);
        let story = Self { namespace, pods };
        story.wait_line(&format!("has a token: {GIVEN}"));
        story
    }

    /// Makes this the Secret's token.
    #[track_caller]
    fn set(&self, token: &str) {
        let change = json!({"stringData": {"auth-token": token}});
        let patch = ["patch", "secret", SECRET, "-p", &change.to_string()];
        self.namespace.kubectl(&patch).run().unwrap();
        super::nudge(&self.namespace, PODS);
    }

    /// Both pods have printed this as their last line but for the log's.
    #[track_caller]
    fn wait_line(&self, line: &str) {
        for (pod, _) in &self.pods {
            wait(&format!("{} prints {line}", pod.name()), || {
                let log = pod.log()?;
                let printed = log.lines().rfind(|line| line.starts_with("has "));
                check(printed == Some(line), &log)
            });
        }
    }

    /// Both pods say so of themselves.
    #[track_caller]
    fn wait_health(&self, health: &str, reason: &str) {
        for (pod, _) in &self.pods {
            wait(&format!("{} is {health}: {reason}", pod.name()), || {
                let page = pod.get_json("/configz")?;
                let told = page["reasons"].to_string();
                check(page["health"] == health && told.contains(reason), &page)
            });
        }
    }

    /// Nothing that anybody can ask a pod for holds a word.
    #[track_caller]
    fn assert_untold(&self, secrets: &[&str]) {
        for (pod, _) in &self.pods {
            let page = pod.get_json("/configz").unwrap();
            let held = &value_of(&page, "auth_token")["winner"];
            assert_eq!(held["value"], "[redacted]", "{page:#}");
            let metrics = pod.get("/metrics").unwrap();
            let all = format!("{page}\n{metrics}\n{}", pod.log().unwrap());
            for secret in secrets {
                assert!(!all.contains(secret), "{all}");
            }
        }
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn options_runs_from_its_own_manifests_but_for_image_and_command() {
    super::assert_overlay_changes_image_and_command_only(EXAMPLE, 2);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn options_follows_a_secret_s_token_in_all_replicas_and_never_shows_it() {
    let story = Story::start("token");
    story.set("another-secret");
    story.wait_line(&format!("has another token: {GIVEN}"));
    for (token, reason) in [("", "it is empty"), ("\n", "it is empty")] {
        story.set(token);
        story.wait_health("degraded", reason);
    }
    story.set("another-secret\n");
    story.wait_health("ok", "");
    super::assert_same_processes(&story.namespace, PODS, &story.pods);
    story.assert_untold(&[TOKEN, "another-secret"]);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn options_is_deleted_by_its_manifests_with_its_secret() {
    let story = Story::start("deleted");
    let overlay = super::folder(EXAMPLE).join("testbed");
    let delete = ["delete", "-k", super::text(&overlay), "--wait=true"];
    story.namespace.kubectl(&delete).run().unwrap();
    let left = ["get", "deployments,secrets", "-o", "name"];
    let left = story.namespace.kubectl(&left).run().unwrap();
    assert_eq!(left.trim(), "");
}
