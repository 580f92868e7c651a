//! How a volume's files reach a program: single files, permissions, users.

use retune_testbed::{Namespace, Pod, PodRef, Result, check, fingerprint, wait};
use serde_json::{Value, json};

const USER: u32 = 65532;
const GROUP: u32 = 2000;

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a21_a_sub_path_says_at_the_start_that_it_never_updates_and_does_not() {
    let namespace = Namespace::new("a21");
    let config = namespace.config_map("config");
    config.set(&[("config.yaml", "message: one"), ("left", "1")]);
    // One volume, mounted whole, and one file of it above the rest: that `left` is new shows that
    // the kubelet has published the other key as well.
    let pod = Pod::new("p")
        .args(&["serve", "--mount=/etc/whole", "--file=/etc/app/config.yaml"])
        .config_map_volume("config", "/etc/whole")
        .mount(json!({
            "name": "config",
            "mountPath": "/etc/app/config.yaml",
            "subPath": "config.yaml",
            "readOnly": true,
        }));
    let pod = namespace.start(&pod);

    let log = pod.log().unwrap();
    let told = log.lines().position(|line| {
        [
            r#""level":"warn""#,
            "/etc/app/config.yaml",
            "subPath",
            "never updates while the container runs",
            "an update of a volume is a new file",
            "mount the whole volume, without subPath",
        ]
        .iter()
        .all(|part| line.contains(part))
    });
    let started = log
        .lines()
        .position(|line| line.contains(r#""event":"start""#));
    assert!(told.is_some() && told < started, "{log}");
    let assert_status = || {
        let status = pod.get_json("/configz").unwrap();
        assert_eq!(status["health"], "ok", "as it was made: {status}");
        let path = &status["sources"][1]["paths"][0];
        assert_eq!(path["mode"], "subpath", "{status}");
        let warnings = status["warnings"].to_string();
        assert!(warnings.contains("/etc/app/config.yaml"), "{status}");
        let metrics = pod.get("/metrics").unwrap();
        let line = r#"retune_watch_mode{path="/etc/app/config.yaml",mode="subpath"} 1"#;
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
    };
    assert_status();

    config.set(&[("config.yaml", "message: two"), ("left", "2")]);
    pod.nudge();
    let shown = wait("the whole volume has the edit", || {
        let shown = values(&pod)?;
        check(shown["left"] == 2, &shown).map(|()| shown)
    });
    assert_eq!(shown["message"], "one", "the file is the old one");
    assert_status();

    pod.get("/exit?code=0").unwrap();
    wait("a new container has the new file", || {
        let shown = values(&pod)?;
        check(shown["message"] == "two", shown)
    });
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a23_a_secret_of_mode_0400_is_refused_to_another_user_with_path_and_uid() {
    let namespace = Namespace::new("a23");
    namespace.secret("secret").set(&[("password", "s3cret-1")]);
    let pod = with_secret(json!({ "runAsUser": USER, "runAsNonRoot": true }))
        .without_readiness()
        .patch(json!({ "spec": { "restartPolicy": "Never" } }))
        .patch_container(json!({ "terminationMessagePolicy": "FallbackToLogsOnError" }));
    namespace.apply(&pod);
    let pod = namespace.pod("p");
    let code = wait("it has ended", || pod.exit_code());
    assert_eq!(code, 2);

    let log = pod.log().unwrap();
    let object = pod.object().unwrap();
    let ended = &object["status"]["containerStatuses"][0]["state"]["terminated"];
    let message = ended["message"].as_str().unwrap_or_default();
    let described = namespace.kubectl(&["describe", "pod", "p"]).run().unwrap();
    for (what, text) in [
        ("log", &*log),
        ("message", message),
        ("describe", &described),
    ] {
        for part in [
            "/etc/secret/password",
            "uid 65532 may not",
            "mode is 0400",
            "owner 0:0",
        ] {
            // kubectl indents, and breaks no lines.
            assert!(text.contains(part), "the {what} lacks {part}: {text}");
        }
        assert!(!text.contains("s3cret"), "{what}");
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a23_a_secret_of_mode_0400_is_read_and_followed_with_fs_group() {
    let namespace = Namespace::new("a23");
    let secret = namespace.secret("secret");
    secret.set(&[("password", "s3cret-1")]);
    let user = json!({ "runAsUser": USER, "runAsNonRoot": true, "fsGroup": GROUP });
    let pod = namespace.start(&with_secret(user));
    assert_eq!(password(&pod).unwrap(), fingerprint::of(b"s3cret-1"));
    let started = start_of(&pod);
    assert_eq!(started["uid"], USER);
    let groups = started["groups"].as_array().unwrap();
    assert!(groups.contains(&GROUP.into()), "{started}");

    secret.set(&[("password", "s3cret-2")]);
    pod.nudge();
    wait("the edit is taken", || {
        let shown = password(&pod)?;
        check(shown == fingerprint::of(b"s3cret-2"), shown)
    });
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(status["generation"], 2);
    assert_eq!(status["counters"]["rejected_source"], 0, "{status}");
    assert!(!pod.log().unwrap().contains("s3cret"));
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_read_only_root_and_a_user_of_its_own_hold_and_hinder_nothing() {
    let namespace = Namespace::new("user");
    let config = namespace.config_map("config");
    config.set(&[("message", "one")]);
    let pod = Pod::new("p")
        .args(&["serve", "--mount=/etc/config"])
        .config_map_volume("config", "/etc/config")
        .volume(json!({ "name": "scratch", "emptyDir": {} }))
        .mount(json!({ "name": "scratch", "mountPath": "/scratch" }))
        .patch_container(json!({ "securityContext": {
            "runAsUser": 1234,
            "runAsGroup": 4321,
            "readOnlyRootFilesystem": true,
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
        } }));
    let pod = namespace.start(&pod);
    let started = start_of(&pod);
    assert_eq!(
        (&started["uid"], &started["gid"]),
        (&json!(1234), &json!(4321))
    );

    config.set(&[("message", "two")]);
    pod.nudge();
    wait("the edit is taken", || {
        let shown = values(&pod)?;
        check(shown["message"] == "two", shown)
    });
    if namespace.cluster().testbed().is_none() {
        // The image has no program that could try to write.
        return;
    }
    let touch = |file| {
        let output = pod.exec(&["touch", file]).unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for read_only in ["/file", "/tmp/file", "/etc/config/file"] {
        let said = touch(read_only);
        assert!(
            said.contains("Read-only file system"),
            "{read_only}: {said}"
        );
    }
    assert_eq!(touch("/scratch/file"), "");
}

/// A pod whose Secret only root may read, unless `fsGroup` gives it to a group.
fn with_secret(security: Value) -> Pod {
    Pod::new("p")
        .args(&["serve", "--secret-mount=/etc/secret"])
        .volume(
            json!({ "name": "secret", "secret": { "secretName": "secret", "defaultMode": 0o400 } }),
        )
        .mount(json!({ "name": "secret", "mountPath": "/etc/secret", "readOnly": true }))
        .patch(json!({ "spec": { "securityContext": security } }))
}

fn values(pod: &PodRef) -> Result<Value> {
    Ok(pod.get_json("/values")?["values"].take())
}

fn password(pod: &PodRef) -> Result<String> {
    let shown = values(pod)?;
    Ok(shown["password"]["fingerprint"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

/// Who the probe says that it is.
fn start_of(pod: &PodRef) -> Value {
    let log = pod.log().unwrap();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut lines = lines.filter(|line| line["event"] == "start");
    lines.next().unwrap()
}
