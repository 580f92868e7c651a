//! The manifest of a pod that runs the probe.

use std::env;

use serde_json::{Value, json};

use crate::error::Result;
use crate::objects::Manifests;

/// The program under test, as the test bed and the image have it.
const PROBE: &str = "/testbed/bin/probe";

/// The image that pods run: `RETUNE_TESTBED_IMAGE`, or `retune-testbed:nonroot`.
pub fn image() -> String {
    env::var("RETUNE_TESTBED_IMAGE").unwrap_or_else(|_| "retune-testbed:nonroot".to_owned())
}

/// The manifest of a pod with one container, called as the pod, that runs
/// `/testbed/bin/probe ARGS` and is ready when its port 8080 says so at `/ready`.
///
/// ```
/// use retune_testbed::Pod;
///
/// let pod = Pod::new("p")
///     .args(&["serve", "--mount", "/etc/config"])
///     .config_map_volume("config", "/etc/config")
///     .patch(serde_json::json!({ "spec": { "securityContext": { "fsGroup": 1000 } } }));
/// assert_eq!(pod.manifest()["spec"]["containers"][0]["args"][0], "serve");
/// ```
#[derive(Debug, Clone)]
pub struct Pod {
    name: String,
    /// Without its container.
    pod: Value,
    container: Value,
}

// === impl Pod ===

impl Pod {
    /// A pod whose probe has no arguments, no volumes and no variables.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            pod: json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "name": name, "labels": { "app": name } },
                "spec": {
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": 1,
                },
            }),
            container: json!({
                "name": name,
                "image": image(),
                "imagePullPolicy": "IfNotPresent",
                "command": [PROBE],
                "ports": [{ "name": "http", "containerPort": 8080 }],
                "readinessProbe": {
                    "httpGet": { "path": "/ready", "port": 8080 },
                    "periodSeconds": 1,
                    // For a machine that runs eight tests at once.
                    "timeoutSeconds": 5,
                },
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Another program than the probe. The readiness check stays: [`without_readiness`](Self::without_readiness).
    pub fn command(mut self, command: &[&str]) -> Self {
        self.container["command"] = command.into();
        self
    }

    /// One more argument of the probe.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        push(&mut self.container["args"], arg.into().into());
        self
    }

    /// More arguments of the probe.
    pub fn args(self, args: &[&str]) -> Self {
        args.iter().fold(self, |pod, arg| pod.arg(*arg))
    }

    /// A variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        push(
            &mut self.container["env"],
            json!({ "name": name, "value": value }),
        );
        self
    }

    /// All keys of a ConfigMap as variables.
    pub fn env_from_config_map(mut self, config_map: &str) -> Self {
        let from = json!({ "configMapRef": { "name": config_map } });
        push(&mut self.container["envFrom"], from);
        self
    }

    /// A ConfigMap as a volume of the same name, mounted at `path`.
    pub fn config_map_volume(self, config_map: &str, path: &str) -> Self {
        self.volume(json!({ "name": config_map, "configMap": { "name": config_map } }))
            .mount(json!({ "name": config_map, "mountPath": path, "readOnly": true }))
    }

    /// A Secret as a volume of the same name, mounted at `path`.
    pub fn secret_volume(self, secret: &str, path: &str) -> Self {
        self.volume(json!({ "name": secret, "secret": { "secretName": secret } }))
            .mount(json!({ "name": secret, "mountPath": path, "readOnly": true }))
    }

    /// One more volume, as it stands in a manifest.
    pub fn volume(mut self, volume: Value) -> Self {
        push(&mut self.pod["spec"]["volumes"], volume);
        self
    }

    /// One more mount of the container, as it stands in a manifest.
    pub fn mount(mut self, mount: Value) -> Self {
        push(&mut self.container["volumeMounts"], mount);
        self
    }

    /// An annotation.
    pub fn annotation(self, key: &str, value: &str) -> Self {
        self.patch(json!({ "metadata": { "annotations": { key: value } } }))
    }

    /// A label beside `app`, which is the pod's name.
    pub fn label(self, key: &str, value: &str) -> Self {
        self.patch(json!({ "metadata": { "labels": { key: value } } }))
    }

    /// Runs on this node, without a scheduler.
    pub fn on_node(self, node: &str) -> Self {
        self.patch(json!({ "spec": { "nodeName": node } }))
    }

    /// Ready as soon as it runs, for a program that serves nothing.
    pub fn without_readiness(self) -> Self {
        self.patch_container(json!({ "readinessProbe": null }))
    }

    /// Merges into the pod as a merge patch does: `null` removes, a list replaces. Containers in
    /// `spec.containers` come in addition to the probe's.
    pub fn patch(mut self, change: Value) -> Self {
        merge(&mut self.pod, change);
        self
    }

    /// As [`patch`](Self::patch), into the probe's container.
    pub fn patch_container(mut self, change: Value) -> Self {
        merge(&mut self.container, change);
        self
    }

    /// The manifest.
    pub fn manifest(&self) -> Value {
        let mut pod = self.pod.clone();
        let containers = &mut pod["spec"]["containers"];
        let others = containers.take();
        push(containers, self.container.clone());
        for other in others.as_array().into_iter().flatten() {
            push(containers, other.clone());
        }
        pod
    }

    /// A Deployment of such pods, called as the pod; they have the label `app` with that name.
    pub fn deployment(&self, replicas: u32) -> Value {
        let mut pod = self.manifest();
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": self.name },
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": { "app": self.name } },
                "template": {
                    "metadata": {
                        "labels": pod["metadata"]["labels"].take(),
                        "annotations": pod["metadata"]["annotations"].take(),
                    },
                    "spec": pod["spec"].take(),
                },
            },
        })
    }
}

impl Manifests for Pod {
    fn objects(&self) -> Result<Vec<Value>> {
        Ok(vec![self.manifest()])
    }
}

/// Appends to a list, which is made if there is none.
fn push(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) => items.push(item),
        none => *none = Value::Array(vec![item]),
    }
}

/// A JSON merge patch (RFC 7396).
fn merge(target: &mut Value, change: Value) {
    let Value::Object(changes) = change else {
        *target = change;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, change) in changes {
        if change.is_null() {
            target
                .as_object_mut()
                .and_then(|fields| fields.remove(&key));
        } else {
            merge(&mut target[&key], change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_runs_the_probe_with_what_was_asked_for() {
        let pod = Pod::new("p")
            .arg("--a")
            .arg("--b")
            .env("X", "1")
            .config_map_volume("config", "/etc/config")
            .secret_volume("key", "/etc/key")
            .on_node("node-2")
            .manifest();
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["command"], json!(["/testbed/bin/probe"]));
        assert_eq!(container["args"], json!(["--a", "--b"]));
        assert_eq!(container["env"], json!([{ "name": "X", "value": "1" }]));
        assert_eq!(container["volumeMounts"][1]["mountPath"], "/etc/key");
        assert_eq!(pod["spec"]["volumes"][0]["configMap"]["name"], "config");
        assert_eq!(pod["spec"]["volumes"][1]["secret"]["secretName"], "key");
        assert_eq!(pod["spec"]["nodeName"], "node-2");
        assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    }

    #[test]
    fn a_patch_adds_replaces_and_removes() {
        let pod = Pod::new("p")
            .patch(json!({ "spec": {
                "terminationGracePeriodSeconds": null,
                "securityContext": { "fsGroup": 7 },
                "containers": [{ "name": "beside" }],
            } }))
            .patch_container(json!({ "securityContext": { "runAsUser": 8 } }))
            .without_readiness()
            .manifest();
        assert_eq!(pod["spec"]["securityContext"]["fsGroup"], 7);
        assert!(pod["spec"].get("terminationGracePeriodSeconds").is_none());
        let containers = pod["spec"]["containers"].as_array().unwrap();
        assert_eq!(containers[0]["securityContext"]["runAsUser"], 8);
        assert!(containers[0].get("readinessProbe").is_none());
        assert_eq!(containers[1]["name"], "beside");
    }

    #[test]
    fn a_deployment_selects_its_own_pods() {
        let deployment = Pod::new("p").label("tier", "x").deployment(3);
        let template = &deployment["spec"]["template"];
        assert_eq!(deployment["spec"]["selector"]["matchLabels"]["app"], "p");
        assert_eq!(
            template["metadata"]["labels"],
            json!({ "app": "p", "tier": "x" })
        );
        assert_eq!(template["spec"]["containers"][0]["name"], "p");
    }
}
