//! A namespace for one test.

use std::env;

use serde_json::{Value, json};

use crate::cluster::{Cluster, must};
use crate::data::{Data, Kind};
use crate::error::Result;
use crate::kubectl::Kubectl;
use crate::manifest::Pod;
use crate::objects::Manifests;
use crate::pod::{self, PodRef};
use crate::report;
use crate::wait::wait;

/// A new namespace. It is deleted when this is dropped, with all that is in it; if the test fails,
/// its pods, logs and events are printed before. What a killed run leaves on a cluster that goes on
/// has the label `app.kubernetes.io/managed-by=retune-testbed`.
#[derive(Debug)]
pub struct Namespace {
    cluster: &'static Cluster,
    name: String,
}

// === impl Namespace ===

impl Namespace {
    /// Makes a namespace called `prefix-xxxxx`, and waits until pods can start in it.
    ///
    /// # Panics
    ///
    /// When there is no cluster, or it does not make one.
    #[track_caller]
    pub fn new(prefix: &str) -> Self {
        let cluster = Cluster::connect();
        let object = json!({ "metadata": {
            "generateName": format!("{prefix}-"),
            "labels": { "app.kubernetes.io/managed-by": "retune-testbed" },
        } });
        let made = must(cluster.create("/api/v1/namespaces", &object));
        let name = made["metadata"]["name"].as_str().unwrap_or_default();
        let namespace = Self {
            cluster,
            name: name.to_owned(),
        };
        for needed in ["serviceaccounts/default", "configmaps/kube-root-ca.crt"] {
            let path = namespace.path(needed);
            wait(&format!("{needed} is there"), || cluster.get(&path));
        }
        namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cluster that it belongs to.
    pub fn cluster(&self) -> &'static Cluster {
        self.cluster
    }

    /// The path in the API of something in it, such as `services/app-server`.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.name)
    }

    /// Applies objects, as `kubectl apply --server-side --force-conflicts` does: JSON, the text of
    /// a YAML file, or a [`Pod`].
    ///
    /// # Panics
    ///
    /// When one is refused; [`Cluster::apply`] gives the refusal instead.
    #[track_caller]
    pub fn apply(&self, manifests: &(impl Manifests + ?Sized)) -> Vec<Value> {
        must(self.cluster.apply(&self.name, manifests))
    }

    /// Applies a pod and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it is refused, or not ready in time.
    #[track_caller]
    pub fn start(&self, pod: &Pod) -> PodRef {
        self.apply(pod);
        let pod = self.pod(pod.name());
        pod.wait_ready();
        pod
    }

    /// A pod by its name.
    pub fn pod(&self, name: &str) -> PodRef {
        PodRef::new(self.cluster, &self.name, name)
    }

    /// The pods that have these labels (`app=server`) and are not going away, by their names.
    ///
    /// # Errors
    ///
    /// When they cannot be listed.
    pub fn pods(&self, selector: &str) -> Result<Vec<PodRef>> {
        pod::with_labels(self.cluster, &self.name, selector)
    }

    /// A ConfigMap by its name.
    pub fn config_map(&self, name: &str) -> Data {
        Data::new(self.cluster, Kind::ConfigMap, &self.name, name)
    }

    /// A Secret by its name.
    pub fn secret(&self, name: &str) -> Data {
        Data::new(self.cluster, Kind::Secret, &self.name, name)
    }

    /// What a Service answers, by way of the API server. The path begins with `/`.
    ///
    /// # Errors
    ///
    /// As [`PodRef::get`].
    pub fn service_get(&self, service: &str, port: u16, path: &str) -> Result<String> {
        let service = self.path("services/") + service;
        self.cluster
            .get_text(&format!("{service}:{port}/proxy{path}"))
    }

    /// A kubectl command in this namespace.
    pub fn kubectl(&self, args: &[&str]) -> Kubectl {
        let within = ["--namespace", &self.name];
        self.cluster.kubectl(&[&within, args].concat())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(
                clippy::print_stderr,
                reason = "the test's own output, where it is captured"
            )]
            {
                eprint!("{}", report::of_namespace(self.cluster, &self.name));
            }
        }
        if env::var_os("RETUNE_TESTBED_KEEP").is_none() {
            // The cluster takes its time, which no test waits for.
            _ = self
                .cluster
                .delete(&format!("/api/v1/namespaces/{}", self.name));
        }
    }
}
