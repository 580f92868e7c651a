//! The example `feature-flags`: one Deployment, whose page follows a document in a ConfigMap.

use retune_testbed::{Namespace, PodRef, check, wait};
use serde_json::json;

use super::value_of;

const EXAMPLE: &str = "feature-flags";

/// Of the Deployment and the Service.
const NAME: &str = "feature-flags";

const CONFIG_MAP: &str = "app-config";

const PODS: &str = "app=feature-flags";

/// `feature-flags` as it runs in a namespace of its own.
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
        story.wait_page(&["<html lang=\"en\" class=\"old\">", "generation 1</title>"]);
        story
    }

    /// Makes this the ConfigMap's one document.
    #[track_caller]
    fn set(&self, document: &str) {
        let change = json!({"data": {"config.yaml": document}});
        let patch = ["patch", "configmap", CONFIG_MAP, "-p", &change.to_string()];
        self.namespace.kubectl(&patch).run().unwrap();
        super::nudge(&self.namespace, PODS);
    }

    /// The page of both pods says all of this.
    #[track_caller]
    fn wait_page(&self, parts: &[&str]) {
        for (pod, _) in &self.pods {
            wait(&format!("{} shows {parts:?}", pod.name()), || {
                let page = pod.get("/")?;
                check(parts.iter().all(|part| page.contains(part)), page)
            });
        }
    }

    /// The flag as both pods have it, and whether all is well.
    #[track_caller]
    fn assert_status(&self, new_ui: &str, health: &str) {
        for (pod, _) in &self.pods {
            let page = pod.get_json("/configz").unwrap();
            let held = &value_of(&page, "feature_flags.new_ui")["winner"]["value"];
            assert_eq!(
                (held, &page["health"]),
                (&json!(new_ui), &json!(health)),
                "{page}"
            );
        }
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn feature_flags_runs_from_its_own_manifests_but_for_image_and_command() {
    super::assert_overlay_changes_image_and_command_only(EXAMPLE, 3);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn feature_flags_follows_kubectl_edit_to_the_new_look_with_every_hop_in_the_picture() {
    let story = Story::start("look");
    let edit = story.namespace.kubectl(&["edit", "configmap", CONFIG_MAP]);
    let editor = "sed -i 's/^      newUI: false/      newUI: true/'";
    edit.env("KUBE_EDITOR", editor).run().unwrap();
    super::nudge(&story.namespace, PODS);
    let picture = [
        "<html lang=\"en\" class=\"new\">",
        "generation 2</title>",
        "<rect class=\"lag-noticed\"",
        "<rect class=\"lag-swapped\"",
        "<rect class=\"lag-applied\"",
    ];
    story.wait_page(&picture);
    // The API server may learn of the endpoints later than the pods are ready.
    wait("the Service answers", || {
        let page = story.namespace.service_get(NAME, 80, "/")?;
        check(page.contains(picture[0]), page)
    });
    story.assert_status("true", "ok");
    super::assert_same_processes(&story.namespace, PODS, &story.pods);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn feature_flags_shows_the_place_of_a_bad_edit_and_keeps_its_look() {
    let story = Story::start("mistake");
    for (document, parts) in [
        (
            "logLevel: INFO\nfeatureFlags:\n  newUI: maybe\n",
            [
                "An edit was refused",
                "/etc/app/config/config.yaml:3:10",
                "found &quot;maybe&quot;",
            ],
        ),
        (
            "logLevel: [INFO\n",
            [
                "An edit was refused",
                "/etc/app/config/config.yaml:1:11",
                "unclosed bracket",
            ],
        ),
    ] {
        story.set(document);
        story.wait_page(&parts);
        story.assert_status("false", "degraded");
    }
    // A misspelt key is ignored, and shown.
    story.set("logLevel: INFO\nfeatureFlags:\n  newUI: true\n  newUl: true\n");
    story.wait_page(&[
        "Odd, but not wrong",
        "config.yaml:4:3",
        "did you mean `new-ui`?",
    ]);
    story.assert_status("true", "ok");
    super::assert_same_processes(&story.namespace, PODS, &story.pods);
}
