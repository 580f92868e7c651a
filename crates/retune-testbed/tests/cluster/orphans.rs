//! Volumes that a kubelet tore down under a running container.
//!
//! When writing a volume fails half-way, the kubelet removes the volume and makes it anew. Here a
//! file in the way of its next write does that. What the container has mounted stays the old one.

use retune_testbed::{
    Error, Namespace, Nodes, Pod, PodRef, Result, check, fingerprint, needs_testbed, wait,
};
use serde_json::Value;

const RESTART: &str = "only a restart of the container reconnects it";

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn orphan_config_map_keeps_its_values_until_the_container_restarts() {
    let nodes = needs_testbed!();
    let namespace = Namespace::new("orphan");
    let config = namespace.config_map("config");
    config.set(&[("message", "one")]);
    let pod = Pod::new("p").args(&["serve", "--mount=/etc/config"]);
    let pod = namespace.start(&pod.config_map_volume("config", "/etc/config"));
    tear_down(nodes, &pod, ["configmap", "config", "message"], || {
        config.set(&[("message", "two")]);
    });

    let status = wait("the status says that it is orphaned", || {
        let status = pod.get_json("/configz")?;
        check(mode(&status) == "orphaned", &status)?;
        Ok::<_, Error>(status)
    });
    assert_says_orphaned(&pod, &status, "/etc/config: orphaned");
    let metrics = pod.get("/metrics").unwrap();
    for line in [
        r#"retune_watch_mode{path="/etc/config",mode="orphaned"} 1"#,
        "retune_degraded 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
    }
    assert_eq!(message(&pod).unwrap(), "one");

    restart(&pod);
    assert_eq!(message(&pod).unwrap(), "two");
    assert_well(&pod);
}

/// Not as one would wish, but as it is: nothing tells it from a Secret that nobody edits.
#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn orphan_secret_is_silent_and_looks_healthy_until_the_pod_is_replaced() {
    let nodes = needs_testbed!();
    let namespace = Namespace::new("orphan");
    let (secret, marker) = (namespace.secret("secret"), namespace.config_map("marker"));
    secret.set(&[("password", "first")]);
    marker.set(&[("revision", "1")]);
    let manifest = Pod::new("p")
        .args(&["serve", "--secret-mount=/etc/secret", "--mount=/etc/marker"])
        .secret_volume("secret", "/etc/secret")
        .config_map_volume("marker", "/etc/marker");
    let pod = namespace.start(&manifest);
    tear_down(nodes, &pod, ["secret", "secret", "password"], || {
        secret.set(&[("password", "second")]);
    });
    marker.set(&[("revision", "2")]);
    pod.nudge();
    wait("what was edited later elsewhere is seen", || {
        let shown = pod.get_json("/values")?;
        check(shown["values"]["revision"] == 2, shown)
    });
    assert_eq!(shown(&pod, "password").unwrap(), fingerprint::of(b"first"));
    assert_well(&pod);

    pod.delete();
    let pod = namespace.start(&manifest);
    assert_eq!(shown(&pod, "password").unwrap(), fingerprint::of(b"second"));
}

/// Makes the next write of a volume fail, by `edit`, and waits until the kubelet has made the volume
/// anew, with another content of `key`.
pub(crate) fn tear_down(nodes: &Nodes, pod: &PodRef, volume: [&str; 3], edit: impl FnOnce()) {
    let [plugin, volume, key] = volume;
    let node = nodes.node(&pod.node().unwrap()).unwrap();
    let dir = node.volume_dir(&pod.uid().unwrap(), plugin, volume);
    let (key, file) = (dir.join(key), dir.join("..data_tmp"));
    let look = || nodes.enter(&["cat".as_ref(), key.as_os_str()]);
    let before = look().unwrap();
    nodes.enter(&["touch".as_ref(), file.as_os_str()]).unwrap();
    edit();
    pod.nudge();
    wait("the kubelet has made the volume anew", || {
        check(look()? != before, "it is as it was")
    });
}

/// Ends the container, and waits for the next.
pub(crate) fn restart(pod: &PodRef) {
    pod.get("/exit?code=0").unwrap();
    wait("the container was restarted", || {
        check(pod.restarts()? == 1, "not yet")
    });
    pod.wait_ready();
}

#[track_caller]
pub(crate) fn assert_says_orphaned(pod: &PodRef, status: &Value, why: &str) {
    assert_eq!(status["health"], "degraded");
    let reasons = status["reasons"].to_string();
    assert!(
        reasons.contains(why) && reasons.contains(RESTART),
        "{reasons}"
    );
    let mut log = String::new();
    // A line is on its way for a moment.
    wait("the log tells it", || {
        log = pod.log()?;
        check(log.contains(RESTART), &log)
    });
    let told = log.lines().filter(|line| line.contains(RESTART));
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 1, "once: {log}");
    assert!(told[0].contains(r#""level":"warn""#), "{told:?}");
}

#[track_caller]
pub(crate) fn assert_well(pod: &PodRef) {
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(status["health"], "ok", "{status}");
    assert_eq!(mode(&status), "events", "{status}");
}

/// How the first path of the first source is followed.
pub(crate) fn mode(status: &Value) -> &str {
    status["sources"][0]["paths"][0]["mode"].as_str().unwrap()
}

pub(crate) fn message(pod: &PodRef) -> Result<String> {
    let values = pod.get_json("/values")?;
    let message = values["values"]["message"].as_str();
    Ok(message.unwrap_or_default().to_owned())
}

/// What is shown of a secret.
pub(crate) fn shown(pod: &PodRef, field: &str) -> Result<String> {
    let values = pod.get_json("/values")?;
    let fingerprint = values["values"][field]["fingerprint"].as_str();
    Ok(fingerprint.unwrap_or_default().to_owned())
}
