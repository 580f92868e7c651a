//! What the workspace's own packages are called and hold, from `cargo metadata`.

use serde_json::Value;

use crate::{Result, sh};

/// A package of this workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its features by name, `default` left out.
    pub(crate) features: Vec<String>,
    /// Names of its programs.
    pub(crate) binaries: Vec<String>,
}

/// A package that is published.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) name: String,
    pub(crate) version: String,
    /// A library for programs, and no macro.
    pub(crate) is_library: bool,
    /// What a registry's page shows, and the manifest does not say.
    pub(crate) lacks: Vec<&'static str>,
}

/// The packages that are published, by name.
///
/// # Errors
///
/// As [`all`].
pub(crate) fn published() -> Result<Vec<Published>> {
    const SHOWN: [&str; 6] = [
        "description",
        "license",
        "repository",
        "readme",
        "keywords",
        "categories",
    ];
    let metadata = metadata()?;
    let published = list(&metadata["packages"]).filter(|package| package["publish"].is_null());
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let mut published: Vec<_> = published
        .map(|package| Published {
            name: text(&package["name"]),
            version: text(&package["version"]),
            is_library: list(&package["targets"])
                .any(|target| list(&target["kind"]).any(|kind| kind == "lib")),
            lacks: SHOWN
                .into_iter()
                .filter(|field| is_empty(&package[field]))
                .collect(),
        })
        .collect();
    published.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(published)
}

/// All packages of the workspace, by name.
///
/// # Errors
///
/// When cargo cannot read the manifests, or `Cargo.lock` does not match them.
pub(crate) fn all() -> Result<Vec<Package>> {
    let metadata = metadata()?;
    let mut packages: Vec<Package> = list(&metadata["packages"]).map(package).collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

/// The packages of these names, in this order.
///
/// # Errors
///
/// As [`all`], and when there is none of a name.
pub(crate) fn named(names: &[&str]) -> Result<Vec<Package>> {
    let mut all = all()?;
    let find = |name: &&str| {
        let at = all.iter().position(|package| package.name == *name);
        at.map(|at| all.swap_remove(at))
            .ok_or_else(|| format!("no package is called {name}"))
    };
    names.iter().map(find).collect()
}

/// The examples: those with a folder of their name in `examples/`.
///
/// # Errors
///
/// As [`all`].
pub(crate) fn examples() -> Result<Vec<Package>> {
    let mut packages = all()?;
    packages.retain(|package| sh::root().join("examples").join(&package.name).is_dir());
    Ok(packages)
}

fn metadata() -> Result<Value> {
    let line = "metadata --locked --no-deps --format-version 1";
    let text = sh::output(&mut sh::cargo(line))?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn package(value: &Value) -> Package {
    let features = value["features"]
        .as_object()
        .into_iter()
        .flat_map(|map| map.keys());
    let is_binary = |target: &&Value| list(&target["kind"]).any(|kind| kind == "bin");
    Package {
        name: text(&value["name"]),
        features: features
            .filter(|name| *name != "default")
            .cloned()
            .collect(),
        binaries: list(&value["targets"])
            .filter(is_binary)
            .map(|t| text(&t["name"]))
            .collect(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
