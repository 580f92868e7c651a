//! `retune mount apply`, with manifests as people write them.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{expect_failure, expect_success, folder, read, succeed, with_input};

const CONFIG_MAP: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: greeter
data:
  log-level: warn
  app.yaml: |
    message: hi
    timeout: 3s
  empty: ''
binaryData:
  blob: /wAK
";

const SECRET: &str = "
apiVersion: v1
kind: Secret
metadata:
  name: greeter
type: Opaque
data:
  password: aHVudGVyMg==
  user: |
    YWRt
    aW4=
stringData:
  password: swordfish
";

#[test]
fn a_config_map_becomes_the_whole_volume() {
    let folder = folder();
    let dir = folder.path().join("volume");
    succeed(&dir, "set DIR old=1");
    expect_success(with_input(&dir, "apply DIR -f -", CONFIG_MAP));
    assert_eq!(read(&dir, "log-level"), "warn");
    assert_eq!(read(&dir, "app.yaml"), "message: hi\ntimeout: 3s\n");
    assert_eq!(read(&dir, "empty"), "");
    assert_eq!(fs::read(dir.join("blob")).expect("there"), b"\xff\0\n");
    assert!(
        !dir.join("old").exists(),
        "what the manifest does not hold is gone"
    );
    let again = expect_success(with_input(&dir, "apply DIR -f -", CONFIG_MAP));
    assert_eq!(again, "nothing changed\n");
}

#[test]
fn a_secret_is_decoded_its_text_wins_and_its_files_are_private() {
    let folder = folder();
    let dir = folder.path().join("volume");
    let file = folder.path().join("secret.yaml");
    fs::write(&file, SECRET).expect("written");
    succeed(&dir, &format!("apply DIR -f {}", file.display()));
    assert_eq!(read(&dir, "password"), "swordfish");
    assert_eq!(read(&dir, "user"), "admin");
    let mode = fs::metadata(dir.join("user"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for options in ["", "--json"] {
        let shown = succeed(&dir, &format!("show DIR {options}"));
        assert!(shown.contains("password"), "{shown}");
        assert!(
            !shown.contains("swordfish") && !shown.contains("admin"),
            "{shown}"
        );
    }
    assert!(succeed(&dir, "show DIR --reveal").contains("swordfish"));
}

#[test]
fn of_several_objects_one_is_named() {
    let folder = folder();
    let dir = folder.path().join("volume");
    let both = format!("kind: Service\nmetadata: {{name: x}}\n---\n{CONFIG_MAP}---\n{SECRET}");
    let apply = |options: &str| with_input(&dir, &format!("apply DIR -f - {options}"), &both);
    let error = expect_failure(apply(""), 1);
    assert!(
        error.contains("ConfigMap/greeter, Secret/greeter"),
        "{error}"
    );
    assert!(error.contains("--name"), "{error}");
    assert!(expect_failure(apply("--name greeter"), 1).contains("--name"));
    assert!(expect_failure(apply("--name other"), 1).contains("no object called other"));
    assert!(!dir.exists(), "nothing is made before it is known what");
    expect_success(apply("--name configmap/greeter"));
    assert_eq!(read(&dir, "log-level"), "warn");
    expect_success(apply("--name Secret/greeter"));
    assert_eq!(read(&dir, "user"), "admin");
}

#[test]
fn json_and_lists_are_manifests_too() {
    let folder = folder();
    let dir = folder.path().join("volume");
    let list = r#"{"kind":"List","items":[{"kind":"ConfigMap","data":{"a":"1"}}]}"#;
    expect_success(with_input(&dir, "apply DIR -f -", list));
    assert_eq!(read(&dir, "a"), "1");
}

#[test]
fn what_kubernetes_would_refuse_is_refused_with_its_place() {
    let folder = folder();
    let dir = folder.path().join("volume");
    for (manifest, words) in [
        (
            "kind: ConfigMap\ndata: {port: 8080}",
            "data.port: a number where text is expected",
        ),
        (
            "kind: ConfigMap\ndata: {on: yes}",
            "data.on: a boolean where text is expected",
        ),
        (
            "kind: ConfigMap\ndata: {a: [1]}",
            "data.a: a list or map where text",
        ),
        (
            "kind: ConfigMap\ndata: {a/b: x}",
            "data.a/b: a key is made of letters",
        ),
        (
            "kind: ConfigMap\ndata: {..a: x}",
            "does not begin with `..`",
        ),
        ("kind: ConfigMap\ndata: text", "data is not a map"),
        (
            "kind: ConfigMap\nstringData: {a: x}",
            "has `stringData`; expected data and binaryData",
        ),
        (
            "kind: ConfigMap\ndata: {a: x}\nbinaryData: {a: eA==}",
            "`a` is in data and in binaryData",
        ),
        ("kind: ConfigMap\ndata: {a: x, a: y}", "duplicate"),
        ("kind: Service", "neither a ConfigMap nor a Secret"),
        ("", "neither a ConfigMap nor a Secret"),
        ("data: {a: x}", "no `kind`"),
        ("- a", "expected an object"),
        ("kind: [", "not valid YAML"),
    ] {
        let error = expect_failure(with_input(&dir, "apply DIR -f -", manifest), 1);
        assert!(error.contains(words), "{manifest}: {error}");
        assert!(error.starts_with("error: standard input: "), "{error}");
    }
    assert!(!dir.exists());
    expect_failure(with_input(&dir, "apply DIR", ""), 2);
}

#[test]
fn h1_no_error_about_a_manifest_quotes_a_value() {
    let folder = folder();
    let dir = folder.path().join("volume");
    for manifest in [
        "kind: Secret\ndata: {password: hunter2*}",
        "kind: Secret\ndata: hunter2",
        "kind: Secret\nstringData: {password: [hunter2]}",
        "kind: Secret\nstringData: {password: hunter2",
        "kind: Secret\nstringData:\n  password: \"hunter2\n  x: 1",
        "kind: Secret\nstringData:\n  password: hunter2: x",
        "kind: Secret\nstringData:\n  password: |\n     hunter2\n   hunter2\n x",
        "kind: Secret\nstringData:\n  password: !!int hunter2",
        "kind: Secret\nstringData:\n  password: *hunter2",
        "kind: Secret\nstringData:\n\tpassword: hunter2",
        "kind: Secret\nbinaryData: {password: hunter2}",
        "hunter2",
    ] {
        let error = expect_failure(with_input(&dir, "apply DIR -f -", manifest), 1);
        assert!(!error.contains("hunter2"), "{manifest}: {error}");
    }
}
