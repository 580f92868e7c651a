//! The example `env-vars`: one Deployment, and a ConfigMap that it has by `envFrom` and mounted.

use retune_testbed::{Namespace, PodRef, check, wait};

use super::value_of;

const EXAMPLE: &str = "env-vars";

const CONFIG_MAP: &str = "env-vars";

/// Of the Deployment, and the pods' label.
const NAME: &str = "env-test-pod";

const PODS: &str = "app=env-test-pod";

/// `env-vars` as it runs in a namespace of its own.
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
        story.wait_value("KEY1", "VAL1");
        story
    }

    /// Changes the ConfigMap's keys; `null` removes one.
    #[track_caller]
    fn patch(&self, data: &str) {
        let change = format!(r#"{{"data":{data}}}"#);
        let patch = ["patch", "configmap", CONFIG_MAP, "-p", &change];
        self.namespace.kubectl(&patch).run().unwrap();
        super::nudge(&self.namespace, PODS);
    }

    /// Both pods answer so, and all is well.
    #[track_caller]
    fn wait_value(&self, name: &str, value: &str) {
        for (pod, _) in &self.pods {
            wait(&format!("{} answers {value:?}", pod.name()), || {
                let answer = pod.get(&format!("/getEnvValue?var={name}"))?;
                check(answer == value, answer)
            });
            let page = pod.get_json("/configz").unwrap();
            assert_eq!(page["health"], "ok", "{page}");
        }
    }

    /// Both pods say of the same variables as a type.
    #[track_caller]
    fn wait_typed(&self, both: &str) {
        for (pod, _) in &self.pods {
            wait(&format!("{} has {both:?}", pod.name()), || {
                let answer = pod.get("/typed")?;
                check(answer == both, answer)
            });
            let page = pod.get_json("/typed/configz").unwrap();
            assert_eq!(page["health"], "ok", "{page}");
        }
    }

    #[track_caller]
    fn assert_refused(&self, path: &str, reason: &str) {
        for (pod, _) in &self.pods {
            let refused = pod.get(path).unwrap_err().to_string();
            assert!(refused.contains(reason), "{path}: {refused}");
        }
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn env_vars_runs_from_its_own_manifests_but_for_image_and_command() {
    super::assert_overlay_changes_image_and_command_only(EXAMPLE, 3);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn env_vars_follows_kubectl_edit_to_new_val1_in_all_replicas() {
    let story = Story::start("newval");
    let ask = || {
        let path = "/getEnvValue?var=KEY1";
        story.namespace.service_get("env-svc", 8080, path)
    };
    // The API server may learn of the endpoints later than the pods are ready.
    wait("the Service answers", || {
        let answer = ask()?;
        check(answer == "VAL1", answer)
    });
    story.wait_typed("key1: VAL1\nkey2: VAL2\n");

    let edit = story.namespace.kubectl(&["edit", "configmap", CONFIG_MAP]);
    let editor = "sed -i 's/^  KEY1: .*/  KEY1: NEW_VAL1/'";
    edit.env("KUBE_EDITOR", editor).run().unwrap();
    super::nudge(&story.namespace, PODS);
    story.wait_value("KEY1", "NEW_VAL1");
    story.wait_value("KEY2", "VAL2");
    // What the container was started with does not hide it.
    story.wait_typed("key1: NEW_VAL1\nkey2: VAL2\n");
    assert_eq!(ask().unwrap(), "NEW_VAL1");
    for (pod, _) in &story.pods {
        for page in ["/configz", "/typed/configz"] {
            let page = pod.get_json(page).unwrap();
            assert_eq!(page["warnings"].as_array().map(Vec::len), Some(0), "{page}");
        }
        wait(&format!("{} has printed it", pod.name()), || {
            let log = pod.log()?;
            let printed = log.lines().filter(|line| line.ends_with(" changed"));
            check(printed.eq(["KEY1 changed"]), log)
        });
        let value = pod.get_json("/configz").unwrap();
        let origin = &value_of(&value, "KEY1")["winner"]["origin"];
        assert!(origin.to_string().contains("/config/KEY1"), "{value}");
    }
    super::assert_same_processes(&story.namespace, PODS, &story.pods);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn env_vars_answers_empty_odd_and_removed_keys_and_discloses_nothing() {
    let story = Story::start("odd");
    story.patch(r#"{"KEY1": "", "KEY2": "50% of %s\nand more", "log-level": "info"}"#);
    story.wait_value("KEY2", "50% of %s\nand more");
    story.wait_value("KEY1", "");
    story.wait_value("log-level", "info");

    // Removed: what `envFrom` gave when the container started.
    story.patch(r#"{"KEY1": null, "log-level": null}"#);
    story.wait_value("KEY1", "VAL1");
    story.wait_typed("key1: VAL1\nkey2: 50% of %s\nand more\n");
    story.assert_refused("/getEnvValue?var=log-level", "There is no variable");

    // Made by the cluster for every container.
    for name in ["KUBERNETES_SERVICE_HOST", "HOSTNAME", "PATH"] {
        let path = format!("/getEnvValue?var={name}");
        story.assert_refused(&path, "There is no variable");
    }
    story.assert_refused("/getEnvValue", "Which variable?");
    for (pod, _) in &story.pods {
        for (page, holder) in [
            ("/configz", "the process's environment"),
            ("/typed/configz", "KEY1"),
        ] {
            let told = pod.get_json(page).unwrap()["warnings"].to_string();
            let expected = format!("no longer given by mount /config; now {holder} holds");
            assert!(told.contains(&expected), "{told}");
        }
        let page = pod.get("/configz").unwrap();
        assert!(!page.contains("KUBERNETES_SERVICE_HOST"), "{page}");
    }
    super::assert_same_processes(&story.namespace, PODS, &story.pods);
}
