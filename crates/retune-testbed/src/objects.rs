//! Objects and the paths that the API server keeps them under.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::http::escape;

/// One or many objects: JSON, the text of a YAML file, a [`Pod`](crate::Pod), or a list of those.
pub trait Manifests {
    /// The objects, in their order.
    ///
    /// # Errors
    ///
    /// When a text is no YAML.
    fn objects(&self) -> Result<Vec<Value>>;
}

/// Kinds that belong to no namespace; others of that sort are applied with kubectl.
const OF_THE_CLUSTER: [&str; 6] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "Namespace",
    "Node",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

/// The path of an object, in `namespace` if it names none of its own.
pub(crate) fn path(object: &Value, namespace: &str) -> Result<String> {
    let field = |value: &Value, name: &str| match value[name].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Error::from(format!("an object without `{name}`: {object}"))),
    };
    let kind = field(object, "kind")?;
    let name = field(&object["metadata"], "name")?;
    let collection = collection(
        &field(object, "apiVersion")?,
        &kind,
        match () {
            () if OF_THE_CLUSTER.contains(&kind.as_str()) => None,
            () => Some(
                object["metadata"]["namespace"]
                    .as_str()
                    .unwrap_or(namespace),
            ),
        },
    );
    Ok(format!("{collection}/{}", escape(&name)))
}

/// The path of all objects of a kind.
fn collection(version: &str, kind: &str, namespace: Option<&str>) -> String {
    // The core group is the only one whose version names no group.
    let root = if version.contains('/') { "apis" } else { "api" };
    let within = namespace.map(|namespace| format!("namespaces/{namespace}/"));
    let within = within.unwrap_or_default();
    format!("/{root}/{version}/{within}{}", plural(kind))
}

/// As the API spells the plural of a kind.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

// === impl Manifests ===

impl Manifests for Value {
    fn objects(&self) -> Result<Vec<Value>> {
        match (self["kind"].as_str(), &self["items"]) {
            (Some("List"), Value::Array(items)) => Ok(items.clone()),
            _ => Ok(vec![self.clone()]),
        }
    }
}

impl Manifests for str {
    fn objects(&self) -> Result<Vec<Value>> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(self)
            .map_err(|error| format!("the manifest is no YAML: {error}\n{self}"))?;
        let documents = documents.iter().filter(|document| !document.is_null());
        documents
            .map(Manifests::objects)
            .collect::<Result<Vec<_>>>()
            .map(|all| all.concat())
    }
}

impl Manifests for String {
    fn objects(&self) -> Result<Vec<Value>> {
        self.as_str().objects()
    }
}

impl<T: Manifests> Manifests for [T] {
    fn objects(&self) -> Result<Vec<Value>> {
        let all = self.iter().map(Manifests::objects);
        all.collect::<Result<Vec<_>>>().map(|all| all.concat())
    }
}

impl<T: Manifests, const N: usize> Manifests for [T; N] {
    fn objects(&self) -> Result<Vec<Value>> {
        self.as_slice().objects()
    }
}

impl<T: Manifests> Manifests for Vec<T> {
    fn objects(&self) -> Result<Vec<Value>> {
        self.as_slice().objects()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(version: &str, kind: &str) -> Value {
        json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x" } })
    }

    #[test]
    fn an_object_has_a_path_by_its_kind_version_and_namespace() {
        for (version, kind, expected) in [
            ("v1", "ConfigMap", "/api/v1/namespaces/ns/configmaps/x"),
            ("v1", "Namespace", "/api/v1/namespaces/x"),
            (
                "apps/v1",
                "Deployment",
                "/apis/apps/v1/namespaces/ns/deployments/x",
            ),
            (
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "/apis/networking.k8s.io/v1/namespaces/ns/networkpolicies/x",
            ),
            (
                "rbac.authorization.k8s.io/v1",
                "ClusterRole",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/x",
            ),
        ] {
            assert_eq!(path(&object(version, kind), "ns").unwrap(), expected);
        }
        let mut elsewhere = object("v1", "Secret");
        elsewhere["metadata"]["namespace"] = "other".into();
        assert_eq!(
            path(&elsewhere, "ns").unwrap(),
            "/api/v1/namespaces/other/secrets/x"
        );
    }

    #[test]
    fn an_object_without_a_name_is_refused_in_words() {
        let error = path(&json!({ "apiVersion": "v1", "kind": "Pod" }), "ns").unwrap_err();
        assert!(error.to_string().contains("without `name`"), "{error}");
    }

    #[test]
    fn yaml_of_several_documents_is_several_objects() {
        let text = "kind: A\n---\n# nothing\n---\nkind: List\nitems:\n- kind: B\n- kind: C\n";
        let objects = text.objects().unwrap();
        let kinds: Vec<_> = objects
            .iter()
            .map(|object| object["kind"].as_str())
            .collect();
        assert_eq!(kinds, [Some("A"), Some("B"), Some("C")]);
        assert!("a: [".objects().is_err());
    }
}
