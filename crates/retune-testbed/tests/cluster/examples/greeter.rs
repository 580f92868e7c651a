//! The example `greeter`: one Deployment, and a ConfigMap with a document.

use retune_testbed::{Error, Namespace, PodRef, check, wait};
use serde_json::json;

use super::value_of;

const EXAMPLE: &str = "greeter";

/// Of the ConfigMap and the Deployment, and the pods' label.
const NAME: &str = "configmap-microservice-demo";

const PODS: &str = "app=configmap-microservice-demo";

const UPDATED: &str = "Configfile Updated";

/// `greeter` as it runs in a namespace of its own.
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
        story.wait_message("Hello World");
        story
    }

    /// Makes this the ConfigMap's one document.
    #[track_caller]
    fn set(&self, document: &str) {
        let change = json!({"data": {"configmap-microservice-demo.yaml": document}});
        let patch = ["patch", "configmap", NAME, "-p", &change.to_string()];
        self.namespace.kubectl(&patch).run().unwrap();
        super::nudge(&self.namespace, PODS);
    }

    /// Both pods answer with the message, and all is well.
    #[track_caller]
    fn wait_message(&self, message: &str) {
        for (pod, _) in &self.pods {
            wait(&format!("{} answers {message}", pod.name()), || {
                let page = pod.get_json("/configz")?;
                let held = &value_of(&page, "message")["winner"]["value"];
                check(held == message && page["health"] == "ok", &page)
            });
            assert_eq!(pod.get("/").unwrap(), message);
        }
    }

    /// Both pods say why they refuse an update, and answer as before.
    #[track_caller]
    fn wait_refused(&self, reason: &str, message: &str) {
        for (pod, _) in &self.pods {
            wait(&format!("{} tells of: {reason}", pod.name()), || {
                let page = pod.get_json("/configz")?;
                let told = page["reasons"].to_string();
                check(page["health"] == "degraded" && told.contains(reason), &page)
            });
            let metrics = pod.get("/metrics").unwrap();
            let degraded = metrics.lines().any(|line| line == "retune_degraded 1");
            assert!(degraded, "{metrics}");
            assert_eq!(pod.get("/").unwrap(), message);
        }
    }

    /// Both pods have printed so many updates, and what they print first.
    #[track_caller]
    fn wait_updates(&self, updates: usize) {
        for (pod, _) in &self.pods {
            wait(&format!("{updates} updates of {}", pod.name()), || {
                let log = pod.log()?;
                let told = log.lines().filter(|line| *line == UPDATED).count();
                let starts = log.starts_with("Listening on '0.0.0.0:8080'....\n");
                check(starts && told == updates, log)
            });
        }
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn greeter_runs_from_its_own_manifests_but_for_image_and_command() {
    super::assert_overlay_changes_image_and_command_only(EXAMPLE, 3);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn greeter_follows_kubectl_edit_to_hello_grandma_in_all_replicas() {
    let story = Story::start("grandma");
    let ask = || story.namespace.service_get("microservice-svc", 80, "/");
    // The API server may learn of the endpoints later than the pods are ready.
    wait("the Service answers", || {
        let answer = ask()?;
        check(answer == "Hello World", answer)
    });
    story.wait_updates(0);

    let edit = story.namespace.kubectl(&["edit", "configmap", NAME]);
    let editor = "sed -i 's/^    message: .*/    message: Hello Grandma/'";
    edit.env("KUBE_EDITOR", editor).run().unwrap();
    super::nudge(&story.namespace, PODS);
    story.wait_message("Hello Grandma");
    story.wait_updates(1);
    assert_eq!(ask().unwrap(), "Hello Grandma");
    super::assert_same_processes(&story.namespace, PODS, &story.pods);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn greeter_tells_of_a_bad_document_and_answers_as_before() {
    let story = Story::start("document");
    for (document, reason) in [
        ("message: [Hello", "unclosed bracket"),
        ("", "the document is empty"),
        ("mesage: Hello", "`message`: missing"),
    ] {
        story.set(document);
        story.wait_refused(reason, "Hello World");
    }
    let change = r#"{"data":null}"#;
    let patch = ["patch", "configmap", NAME, "-p", change];
    story.namespace.kubectl(&patch).run().unwrap();
    super::nudge(&story.namespace, PODS);
    story.wait_refused("the last good values are kept", "Hello World");

    story.set("message: Hello World");
    story.wait_message("Hello World");
    story.set("message: Hello Grandma");
    story.wait_message("Hello Grandma");
    story.wait_updates(1);
    super::assert_same_processes(&story.namespace, PODS, &story.pods);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn greeter_with_a_bad_document_serves_on_where_it_runs_and_starts_nowhere_until_it_is_mended() {
    let story = Story::start("bomb");
    story.set("message: [Hello");
    story.wait_refused("unclosed bracket", "Hello World");
    let [(gone, _), left] = &story.pods[..] else {
        unreachable!("two pods")
    };
    gone.delete();
    let new = wait("a pod in its place", || {
        let pods = story.namespace.pods(PODS)?;
        let is_new = |pod: &PodRef| story.pods.iter().all(|(old, _)| old.name() != pod.name());
        let new = pods.into_iter().find(is_new);
        new.ok_or_else(|| Error::from("none"))
    });
    wait("it refuses to start", || {
        check(new.exit_code()? == 2, "it ended otherwise")
    });
    wait("it says why", || {
        let log = new.log()?;
        let place = "/etc/config/configmap-microservice-demo.yaml:1:10";
        check(log.contains("unclosed bracket") && log.contains(place), log)
    });
    let (pod, uid) = left;
    assert_eq!(pod.get("/").unwrap(), "Hello World");
    assert_eq!((&pod.uid().unwrap(), pod.restarts().unwrap()), (uid, 0));

    story.set("message: Hello World");
    new.wait_ready();
    assert_eq!(new.get("/").unwrap(), "Hello World");
    assert_eq!((&pod.uid().unwrap(), pod.restarts().unwrap()), (uid, 0));
}
