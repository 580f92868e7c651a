//! A pod of a namespace: what it says and what is done to it.

use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cluster::{Cluster, must};
use crate::error::{Error, Result};
use crate::http::escape;
use crate::report;
use crate::wait::{check, wait};

/// The port of the probe, and of the examples.
const PORT: u16 = 8080;

/// A pod by its name, be it there or not.
#[derive(Debug, Clone)]
pub struct PodRef {
    cluster: &'static Cluster,
    namespace: String,
    name: String,
}

// === impl PodRef ===

impl PodRef {
    pub(crate) fn new(cluster: &'static Cluster, namespace: &str, name: &str) -> Self {
        Self {
            cluster,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its path in the API.
    pub fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.name)
    }

    /// The object as the API server has it.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub fn object(&self) -> Result<Value> {
        self.cluster.get(&self.path())
    }

    /// Whether it is ready; one that is going away is not.
    ///
    /// # Errors
    ///
    /// When it is not, with its state, or when it is not there.
    pub fn ready(&self) -> Result {
        let object = self.object()?;
        check(is_ready(&object), report::state(&object))
    }

    /// Waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it is not in time, with its state.
    #[track_caller]
    pub fn wait_ready(&self) {
        wait(&format!("pod {} is ready", self.name), || self.ready());
    }

    /// What its first container has written, since its last start.
    ///
    /// # Errors
    ///
    /// When it has not started yet.
    pub fn log(&self) -> Result<String> {
        self.log_with("")
    }

    /// What its first container wrote before its last restart.
    ///
    /// # Errors
    ///
    /// When it was not restarted.
    pub fn log_before_restart(&self) -> Result<String> {
        self.log_with("?previous=true")
    }

    /// A log as the API's query asks for it, such as `?container=c&tailLines=30`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn log_with(&self, query: &str) -> Result<String> {
        self.cluster
            .get_text(&format!("{}/log{query}", self.path()))
    }

    /// What it answers on port 8080, by way of the API server. The path begins with `/`.
    ///
    /// # Errors
    ///
    /// When it does not answer, or with anything but 2xx: then with
    /// [`status`](Error::status) and the answer's text.
    pub fn get(&self, path: &str) -> Result<String> {
        self.get_at(PORT, path)
    }

    /// As [`get`](Self::get), on another port.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_at(&self, port: u16, path: &str) -> Result<String> {
        let pod = self.path();
        self.cluster.get_text(&format!("{pod}:{port}/proxy{path}"))
    }

    /// As [`get`](Self::get), of JSON.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), or when the answer is no JSON.
    pub fn get_json(&self, path: &str) -> Result<Value> {
        let text = self.get(path)?;
        serde_json::from_str(&text).map_err(|error| {
            format!("{path} of pod {}: not JSON ({error}): {text}", self.name).into()
        })
    }

    /// How often its first container was restarted.
    ///
    /// # Errors
    ///
    /// When the pod is not there.
    pub fn restarts(&self) -> Result<u64> {
        let count = self.container()?["restartCount"].as_u64();
        Ok(count.unwrap_or_default())
    }

    /// What its first container ended with: now, or before its last restart.
    ///
    /// # Errors
    ///
    /// When it has never ended, or the pod is not there.
    pub fn exit_code(&self) -> Result<i64> {
        let container = self.container()?;
        let ends = ["state", "lastState"].map(|state| &container[state]["terminated"]);
        let code = ends.into_iter().find_map(|end| end["exitCode"].as_i64());
        code.ok_or_else(|| format!("pod {} has not ended: {container}", self.name).into())
    }

    /// Its uid, which changes when a pod takes the place of another of the same name.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub fn uid(&self) -> Result<String> {
        let object = self.object()?;
        text(&object["metadata"]["uid"], "uid", &object)
    }

    /// The name of its node.
    ///
    /// # Errors
    ///
    /// When it is not there, or was given to no node yet.
    pub fn node(&self) -> Result<String> {
        let object = self.object()?;
        text(&object["spec"]["nodeName"], "node", &object)
    }

    /// Annotates it.
    ///
    /// # Panics
    ///
    /// When it is not there.
    #[track_caller]
    pub fn annotate(&self, key: &str, value: &str) {
        let change = json!({ "metadata": { "annotations": { key: value } } });
        must(self.cluster.patch(&self.path(), &change));
    }

    /// Annotates it with something new, so that its kubelet syncs it at once and brings its volumes
    /// up to date.
    ///
    /// # Panics
    ///
    /// When it is not there.
    #[track_caller]
    pub fn nudge(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        self.annotate("retune.dev/nudge", &now.to_string());
    }

    /// Deletes it and waits until it is gone.
    ///
    /// # Panics
    ///
    /// When it is not there, or does not go.
    #[track_caller]
    pub fn delete(&self) {
        let uid = must(self.uid());
        must(self.cluster.delete(&self.path()));
        wait(&format!("pod {} is gone", self.name), || match self.uid() {
            Err(error) if error.is_not_found() => Ok(()),
            Ok(other) if other != uid => Ok(()),
            Ok(_) => Err(Error::from("it is still there")),
            Err(error) => Err(error),
        });
    }

    /// Runs a command in its first container, by `kubectl exec`.
    ///
    /// # Errors
    ///
    /// When kubectl cannot be started.
    pub fn exec(&self, command: &[&str]) -> Result<Output> {
        let exec = ["exec", "--namespace", &self.namespace, &self.name, "--"];
        self.cluster.kubectl(&[&exec, command].concat()).output()
    }

    /// The state of its first container, or nothing as long as there is none.
    fn container(&self) -> Result<Value> {
        let mut object = self.object()?;
        let name = object["spec"]["containers"][0]["name"].clone();
        let states = object["status"]["containerStatuses"].as_array_mut();
        let mut states = states.into_iter().flatten();
        let state = states.find(|state| state["name"] == name);
        Ok(state.map(Value::take).unwrap_or_default())
    }
}

pub(crate) fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    object["metadata"]["deletionTimestamp"].is_null()
        && conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// The pods of a namespace that have these labels (`app=server`), in the order of their names.
pub(crate) fn with_labels(
    cluster: &'static Cluster,
    namespace: &str,
    selector: &str,
) -> Result<Vec<PodRef>> {
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods?labelSelector={}",
        escape(selector)
    );
    let pods = cluster.list(&path)?;
    let pods = pods
        .iter()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let names = pods.filter_map(|pod| pod["metadata"]["name"].as_str());
    let mut pods: Vec<_> = names
        .map(|name| PodRef::new(cluster, namespace, name))
        .collect();
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(pods)
}

fn text(value: &Value, what: &str, object: &Value) -> Result<String> {
    let name = &object["metadata"]["name"];
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| format!("pod {name} has no {what}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_goes_away_is_not_ready() {
        let mut pod = json!({ "status": { "conditions": [
            { "type": "PodScheduled", "status": "True" },
            { "type": "Ready", "status": "True" },
        ] } });
        assert!(is_ready(&pod));
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert!(!is_ready(&pod));
        assert!(!is_ready(&json!({})));
    }
}
