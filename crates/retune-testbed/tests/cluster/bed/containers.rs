//! Containers: their users, their roots, what is mounted in them.

use retune_testbed::{Namespace, Pod, PodRef, check, needs_testbed, wait};
use serde_json::{Value, json};

use super::{serving, sh};

/// Who the probe says that it is, at its start.
fn identity(pod: &PodRef) -> Value {
    let log = pod.log().unwrap();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut starts = lines.filter(|line| line["event"] == "start");
    let start = starts.next().expect("a line that tells of the start");
    json!([start["uid"], start["gid"], start["groups"]])
}

fn with_image(pod: Pod, image: &str) -> Pod {
    pod.patch_container(json!({ "image": image }))
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_container_runs_as_who_the_manifest_or_the_image_says() {
    needs_testbed!();
    let namespace = Namespace::new("user");
    let someone = json!({ "spec": { "securityContext": {
        "runAsUser": 1234, "runAsGroup": 2345, "supplementalGroups": [3456], "runAsNonRoot": true,
    } } });
    let pods = [
        (with_image(serving("image"), "any:nonroot"), 65532),
        (with_image(serving("root"), "any:latest"), 0),
        (
            with_image(serving("someone"), "any:latest").patch(someone),
            1234,
        ),
        (
            serving("container").patch_container(json!({ "securityContext": { "runAsUser": 77 } })),
            77,
        ),
    ];
    for (pod, _) in &pods {
        namespace.apply(pod);
    }
    for (pod, uid) in &pods {
        let pod = namespace.pod(pod.name());
        pod.wait_ready();
        assert_eq!(identity(&pod)[0], *uid, "{}", pod.name());
        assert_eq!(sh(&pod, "id -u"), uid.to_string());
    }
    let someone = namespace.pod("someone");
    assert_eq!(identity(&someone)[1], 2345);
    let groups = identity(&someone)[2].to_string();
    assert!(groups.contains("3456"), "{groups}");

    // Root where the manifest forbids it is refused by the kubelet.
    let refused = with_image(serving("refused"), "any:latest");
    namespace
        .apply(&refused.patch(json!({ "spec": { "securityContext": { "runAsNonRoot": true } } })));
    wait("the kubelet refuses it", || {
        let object = namespace.pod("refused").object()?;
        let waiting = &object["status"]["containerStatuses"][0]["state"]["waiting"];
        check(
            waiting["reason"] == "CreateContainerConfigError",
            &object["status"],
        )
    });
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_read_only_root_cannot_be_written_but_an_empty_dir_can() {
    needs_testbed!();
    let namespace = Namespace::new("readonly");
    let security = json!({ "securityContext": { "readOnlyRootFilesystem": true, "runAsUser": 0 } });
    let pod = serving("p").patch_container(security);
    let pod = pod.volume(json!({ "name": "scratch", "emptyDir": {} }));
    let pod =
        namespace.start(&pod.mount(json!({ "name": "scratch", "mountPath": "/var/scratch" })));
    for path in ["/x", "/tmp/x", "/etc/x", "/usr/x"] {
        let output = pod.exec(&["touch", path]).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("Read-only file system"), "{path}: {output:?}");
    }
    sh(&pod, "touch /var/scratch/x");
    assert_eq!(sh(&pod, "ls /var/scratch"), "x");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_volume_is_mounted_wherever_the_manifest_says() {
    needs_testbed!();
    let namespace = Namespace::new("paths");
    namespace.config_map("config").set(&[("message", "hello")]);
    let paths = [
        "/a/b/c",
        "/etc/x",
        "/usr/share/y",
        "/new",
        "/var/lib/z",
        "/opt/own",
        "/tmp/t",
        "/run/r",
    ];
    let mut pod =
        serving("p").volume(json!({ "name": "config", "configMap": { "name": "config" } }));
    for path in paths {
        pod = pod.mount(json!({ "name": "config", "mountPath": path, "readOnly": true }));
    }
    let pod = namespace.start(&pod.patch_container(json!({ "workingDir": "/srv/of/mine" })));
    for path in paths {
        assert_eq!(sh(&pod, &format!("cat {path}/message")), "hello", "{path}");
        assert!(!std::path::Path::new(path).join("message").exists());
        assert!(
            !pod.exec(&["touch", &format!("{path}/new")])
                .unwrap()
                .status
                .success()
        );
    }
    assert_eq!(
        sh(&pod, "pwd; readlink /proc/1/cwd"),
        "/srv/of/mine\n/srv/of/mine"
    );
    // Beside what the machine has there.
    assert_eq!(
        sh(
            &pod,
            "test -e /etc/passwd && test -d /usr/share && echo both"
        ),
        "both"
    );

    namespace
        .config_map("config")
        .set(&[("message", "changed")]);
    pod.nudge();
    wait("every mount shows the change", || {
        let all = sh(
            &pod,
            &format!(
                "cat {}",
                paths.map(|path| format!("{path}/message")).join(" ")
            ),
        );
        check(all == "changed".repeat(paths.len()), all)
    });
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn an_empty_dir_is_shared_by_the_containers_of_a_pod_and_outlives_a_restart() {
    needs_testbed!();
    let namespace = Namespace::new("emptydir");
    let mount = json!([{ "name": "shared", "mountPath": "/shared" }]);
    let pod = serving("p")
        .volume(json!({ "name": "shared", "emptyDir": {} }))
        .volume(json!({ "name": "memory", "emptyDir": { "medium": "Memory" } }))
        .mount(mount[0].clone())
        .mount(json!({ "name": "memory", "mountPath": "/memory" }))
        .patch(json!({ "spec": {
            "initContainers": [{
                "name": "before", "image": "any:nonroot",
                "command": ["sh", "-c", "echo before >> /shared/log"], "volumeMounts": mount,
            }],
            "containers": [{
                "name": "beside", "image": "any:nonroot",
                "command": ["sh", "-c", "echo beside >> /shared/log; exec sleep 1000000"], "volumeMounts": mount,
            }],
        } }));
    let pod = namespace.start(&pod);
    wait("both have written", || {
        let log = sh(&pod, "cat /shared/log");
        check(log == "before\nbeside", log)
    });
    assert_eq!(sh(&pod, "stat -f -c %T /memory"), "tmpfs");
    // One network for both: the other reaches this one's port.
    let fetch = [
        "exec",
        "p",
        "-c",
        "beside",
        "--",
        "/testbed/bin/probe",
        "fetch",
        "http://127.0.0.1:8080/name",
    ];
    assert_eq!(namespace.kubectl(&fetch).run().unwrap(), "p\n");
    assert_eq!(pod.get("/exit?code=9").unwrap(), "ends with 9\n");
    wait("it was restarted", || {
        Ok::<_, retune_testbed::Error>(pod.restarts()? == 1)
    });
    pod.wait_ready();
    assert_eq!(sh(&pod, "cat /shared/log"), "before\nbeside");
    assert_eq!(pod.exit_code().unwrap(), 9);
}
