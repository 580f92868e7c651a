//! The cluster, as the environment names it.

use std::env;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::http::{Body, Http};
use crate::kubectl::Kubectl;
use crate::nodes::Nodes;
use crate::objects::{self, Manifests};
use crate::proxy::Proxy;

/// Who the API server says has set a field.
const MANAGER: &str = "retune-testbed";

/// A cluster: one for the whole process, whichever tests run in it.
#[derive(Debug)]
pub struct Cluster {
    http: Http,
    /// The test bed's nodes, where it is the test bed.
    nodes: Option<Nodes>,
    /// Held for as long as the process lives.
    _proxy: Proxy,
}

// === impl Cluster ===

impl Cluster {
    /// The cluster of `KUBECONFIG`. The first call starts a `kubectl proxy`, which ends with this
    /// process. Of the test bed's nodes one is cordoned, for [`Nodes::spare`].
    ///
    /// # Panics
    ///
    /// When `KUBECONFIG` is not set, or the cluster does not answer.
    #[track_caller]
    pub fn connect() -> &'static Self {
        static CLUSTER: OnceLock<Result<Cluster>> = OnceLock::new();
        match CLUSTER.get_or_init(Self::new) {
            Ok(cluster) => cluster,
            Err(error) => panic!("{error}"),
        }
    }

    fn new() -> Result<Self> {
        if env::var_os("KUBECONFIG").is_none_or(|path| path.is_empty()) {
            let what = "KUBECONFIG is not set: run these tests by `cargo xtask cluster-test`, \
                        with `--kubeconfig FILE` for a cluster of your own";
            return Err(what.into());
        }
        let proxy = Proxy::start(&kubectl())?;
        let http = Http::new(format!("http://{}", proxy.address));
        let cluster = Self {
            http,
            nodes: Nodes::of_environment(),
            _proxy: proxy,
        };
        let answers = cluster.get("/version");
        answers.map_err(|error| error.in_trying_to("the cluster of KUBECONFIG does not answer"))?;
        cluster.keep_pods_off_the_spare(true)?;
        Ok(cluster)
    }

    /// Whether the scheduler leaves the test bed's spare node alone, where there is one.
    pub(crate) fn keep_pods_off_the_spare(&self, off: bool) -> Result {
        let Some(node) = self.nodes.as_ref().map_or(Ok(None), Nodes::last)? else {
            return Ok(());
        };
        let path = format!("/api/v1/nodes/{}", node.name());
        let change = json!({ "spec": { "unschedulable": off } });
        self.patch(&path, &change).map(drop)
    }

    /// What only the test bed can do; `None` on any other cluster.
    ///
    /// [`needs_testbed!`](crate::needs_testbed) is the usual way to ask.
    pub fn testbed(&self) -> Option<&Nodes> {
        self.nodes.as_ref()
    }

    /// What is at a path of the API, such as `/api/v1/namespaces/default/configmaps/config`.
    ///
    /// # Errors
    ///
    /// When there is nothing, or it may not be seen.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.http.json("GET", path, None)
    }

    /// As [`get`](Self::get), of text: a log, or what a pod or Service answers by way of the API
    /// server (`…/pods/NAME:8080/proxy/PATH`).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and whatever the pod answers beside 2xx.
    pub fn get_text(&self, path: &str) -> Result<String> {
        self.http.text("GET", path, None)
    }

    /// The objects at a path of many; a query may follow (`?labelSelector=…`).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        match self.get(path)?["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Err(format!("GET {path}: no list").into()),
        }
    }

    /// Makes a new object at a path of many.
    ///
    /// # Errors
    ///
    /// When it is refused, or there is one of that name.
    pub fn create(&self, path: &str, object: &Value) -> Result<Value> {
        self.send("POST", path, "application/json", object)
    }

    /// Puts an object in place of what is there.
    ///
    /// # Errors
    ///
    /// When it is refused, or there is none.
    pub fn replace(&self, path: &str, object: &Value) -> Result<Value> {
        self.send("PUT", path, "application/json", object)
    }

    /// Merges into what is there: `null` removes, a list replaces.
    ///
    /// # Errors
    ///
    /// When it is refused, or there is none.
    pub fn patch(&self, path: &str, change: &Value) -> Result<Value> {
        self.send("PATCH", path, "application/merge-patch+json", change)
    }

    /// Applies objects as `kubectl apply --server-side --force-conflicts` does; those that name no
    /// namespace belong to `namespace`. Gives them as they are then.
    ///
    /// # Errors
    ///
    /// When one is refused; those before it are applied.
    pub fn apply(
        &self,
        namespace: &str,
        manifests: &(impl Manifests + ?Sized),
    ) -> Result<Vec<Value>> {
        let apply = |object: &Value| {
            let path = objects::path(object, namespace)?;
            let path = format!("{path}?fieldManager={MANAGER}&force=true");
            self.send("PATCH", &path, "application/apply-patch+yaml", object)
        };
        manifests.objects()?.iter().map(apply).collect()
    }

    /// Deletes what is at a path; a query may follow (`?gracePeriodSeconds=0`).
    ///
    /// # Errors
    ///
    /// When it is refused, or there is nothing.
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.http.json("DELETE", path, None)
    }

    /// A kubectl command, for what people are told to type.
    pub fn kubectl(&self, args: &[&str]) -> Kubectl {
        Kubectl::new(kubectl(), args)
    }

    fn send(&self, method: &str, path: &str, kind: &'static str, value: &Value) -> Result<Value> {
        self.http.json(method, path, Some(Body { kind, value }))
    }
}

/// kubectl: the one within the test bed's program, or the one in `PATH`.
fn kubectl() -> Command {
    match env::var_os("RETUNE_TESTBED") {
        Some(program) => {
            let mut command = Command::new(program);
            command.arg("kubectl");
            command
        }
        None => Command::new("kubectl"),
    }
}

/// Ends the test where it stands.
#[track_caller]
pub(crate) fn must<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
