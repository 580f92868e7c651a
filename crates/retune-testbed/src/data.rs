//! ConfigMaps and Secrets.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::cluster::{Cluster, must};
use crate::error::Result;

/// A ConfigMap or Secret of a namespace, be it there or not.
#[derive(Debug, Clone)]
pub struct Data {
    cluster: &'static Cluster,
    kind: Kind,
    /// The path of all of its kind.
    collection: String,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ConfigMap,
    Secret,
}

// === impl Data ===

impl Data {
    pub(crate) fn new(cluster: &'static Cluster, kind: Kind, namespace: &str, name: &str) -> Self {
        let plural = match kind {
            Kind::ConfigMap => "configmaps",
            Kind::Secret => "secrets",
        };
        Self {
            cluster,
            kind,
            collection: format!("/api/v1/namespaces/{namespace}/{plural}"),
            name: name.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its path in the API, for what is not here: `cluster.patch(&config.path(), …)`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection, self.name)
    }

    /// The object as the API server has it.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub fn object(&self) -> Result<Value> {
        self.cluster.get(&self.path())
    }

    /// Sets these keys and leaves the others; makes it if it is not there.
    ///
    /// # Panics
    ///
    /// When the API server refuses it.
    #[track_caller]
    pub fn set(&self, entries: &[(&str, &str)]) {
        must(self.merge(self.content(entries)));
    }

    /// Sets these keys to bytes and leaves the others; makes it if it is not there. In a ConfigMap
    /// they go to `binaryData`.
    ///
    /// # Panics
    ///
    /// When the API server refuses it.
    #[track_caller]
    pub fn binary(&self, entries: &[(&str, &[u8])]) {
        let field = match self.kind {
            Kind::ConfigMap => "binaryData",
            Kind::Secret => "data",
        };
        let encoded: Map<_, _> = entries
            .iter()
            .map(|(key, bytes)| ((*key).to_owned(), BASE64_STANDARD.encode(bytes).into()))
            .collect();
        must(self.merge(json!({ field: encoded })));
    }

    /// Removes these keys.
    ///
    /// # Panics
    ///
    /// When the API server refuses it.
    #[track_caller]
    pub fn remove(&self, keys: &[&str]) {
        let gone = || -> Map<_, _> {
            let keys = keys.iter().map(|key| ((*key).to_owned(), Value::Null));
            keys.collect()
        };
        let mut change = json!({ "data": gone() });
        if self.kind == Kind::ConfigMap {
            change["binaryData"] = gone().into();
        }
        must(self.cluster.patch(&self.path(), &change));
    }

    /// Gives it exactly these keys; makes it if it is not there.
    ///
    /// # Panics
    ///
    /// When the API server refuses it.
    #[track_caller]
    pub fn replace(&self, entries: &[(&str, &str)]) {
        let object = self.with_name(self.content(entries));
        match self.cluster.replace(&self.path(), &object) {
            Err(error) if error.is_not_found() => {
                must(self.cluster.create(&self.collection, &object));
            }
            result => drop(must(result)),
        }
    }

    /// Marks it as one that never changes again.
    ///
    /// # Panics
    ///
    /// When the API server refuses it.
    #[track_caller]
    pub fn make_immutable(&self) {
        must(
            self.cluster
                .patch(&self.path(), &json!({ "immutable": true })),
        );
    }

    /// Deletes it.
    ///
    /// # Panics
    ///
    /// When it is not there.
    #[track_caller]
    pub fn delete(&self) {
        must(self.cluster.delete(&self.path()));
    }

    fn merge(&self, change: Value) -> Result<Value> {
        match self.cluster.patch(&self.path(), &change) {
            Err(error) if error.is_not_found() => self
                .cluster
                .create(&self.collection, &self.with_name(change)),
            result => result,
        }
    }

    /// A Secret's `stringData` is merged into its `data` by the API server.
    fn content(&self, entries: &[(&str, &str)]) -> Value {
        let entries = entries
            .iter()
            .map(|(key, text)| ((*key).to_owned(), Value::from(*text)));
        let field = match self.kind {
            Kind::ConfigMap => "data",
            Kind::Secret => "stringData",
        };
        json!({ field: entries.collect::<Map<_, _>>() })
    }

    fn with_name(&self, mut content: Value) -> Value {
        content["metadata"] = json!({ "name": self.name });
        content
    }
}
