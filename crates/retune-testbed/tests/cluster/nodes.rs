//! What comes back: containers, processes, kubelets and whole nodes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use retune_testbed::{Error, Namespace, Nodes, Pod, PodRef, Result, check, needs_testbed, wait};
use serde_json::{Value, json};

use crate::aging::{Token, pod_with_token, takes};
use crate::orphans::{assert_well, message};

/// What a kubelet leaves that is killed after it has swapped the data directory and before it has
/// made the link of a new key (kubernetes#122807), and how it goes on.
#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a24_keys_are_found_without_their_links_while_the_kubelet_is_down_and_after() {
    let nodes = needs_testbed!();
    let node = nodes.spare();
    let namespace = Namespace::new("a24");
    let config = namespace.config_map("config");
    config.set(&[("message", "one")]);
    let pod = namespace.start(&follower("p").on_node(node.name()));
    let dir = node.volume_dir(&pod.uid().unwrap(), "configmap", "config");
    let process = process(&pod).unwrap();

    node.kubelet_stop().unwrap();
    config.set(&[("message", "two"), ("greeting", "new")]);
    fs::remove_file(dir.join("message")).unwrap();
    publish_without_links(&dir, &[("message", "two"), ("greeting", "new")]);
    wait("the values are found through `..data`", || {
        shows(&pod, "two", "new")
    });
    assert_well(&pod);
    assert!(!dir.join("message").is_symlink() && !dir.join("greeting").is_symlink());

    config.set(&[("message", "three")]);
    node.kubelet_start().unwrap();
    wait("the kubelet has caught up", || shows(&pod, "three", "new"));
    wait("it has made the links", || {
        let links = ["message", "greeting"].map(|key| dir.join(key).is_symlink());
        check(links == [true; 2], json!(links))
    });
    config.set(&[("message", "four"), ("greeting", "newer")]);
    pod.nudge();
    wait("the next edit", || shows(&pod, "four", "newer"));
    assert_well(&pod);
    assert_eq!(self::process(&pod).unwrap(), process, "all in one process");
    let status = pod.get_json("/configz").unwrap();
    assert_eq!(status["counters"]["rejected_source"], 0, "{status}");
    assert_eq!(status["counters"]["rejected_invalid"], 0, "{status}");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_kubelet_that_restarts_brings_a_new_token_which_is_taken() {
    let nodes = needs_testbed!();
    let node = nodes.spare();
    let namespace = Namespace::new("token");
    namespace.secret("secret").set(&[("message", "one")]);
    let pod = namespace.start(&pod_with_token("p").on_node(node.name()));
    let first = Token::of(&pod).unwrap();
    takes(&pod, &first).unwrap();
    let process = process(&pod).unwrap();
    node.kubelet_stop().unwrap();
    node.kubelet_start().unwrap();
    let second = wait("the token is another one", || {
        let token = Token::of(&pod)?;
        check(token.differs(&first), "the first is there").map(|()| token)
    });
    wait("it is taken", || takes(&pod, &second));
    assert_well(&pod);
    assert_eq!(self::process(&pod).unwrap(), process);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_container_that_fails_comes_up_on_current_values() {
    let namespace = Namespace::new("killed");
    let config = namespace.config_map("config");
    config.set(&[("message", "one")]);
    let pod = namespace.start(&follower("p"));
    config.set(&[("message", "two")]);
    pod.get("/exit?code=1").unwrap();
    wait("it was restarted", || {
        check(pod.restarts()? == 1, "not yet")
    });
    assert_eq!(pod.exit_code().unwrap(), 1);
    wait("it has the current value", || {
        let shown = message(&pod)?;
        check(shown == "two", shown)
    });
    assert_well(&pod);
    let before = pod.log_before_restart().unwrap();
    assert!(before.contains(r#""event":"end""#), "{before}");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_process_that_is_killed_comes_up_on_current_values() {
    let nodes = needs_testbed!();
    let namespace = Namespace::new("killed");
    let config = namespace.config_map("config");
    config.set(&[("message", "one")]);
    let pod = namespace.start(&follower("p"));
    config.set(&[("message", "two")]);
    let mut running = Vec::new();
    // What starts a container may be there beside it for a moment.
    wait("one process runs", || {
        running = processes(nodes, &pod);
        check(running.len() == 1, running.join(", "))
    });
    nodes.enter(&["kill", "-KILL", &running[0]]).unwrap();
    wait("it was restarted", || {
        check(pod.restarts()? == 1, "not yet")
    });
    assert_eq!(pod.exit_code().unwrap(), 128 + 9);
    wait("it has the current value", || {
        let shown = message(&pod)?;
        check(shown == "two", shown)
    });
    assert_well(&pod);
    let before = pod.log_before_restart().unwrap();
    assert!(!before.contains(r#""event":"end""#), "{before}");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_node_that_is_stopped_and_started_loses_nothing() {
    let nodes = needs_testbed!();
    let node = nodes.spare();
    let namespace = Namespace::new("node");
    let (config, secret) = (namespace.config_map("config"), namespace.secret("secret"));
    config.set(&[("message", "one"), ("greeting", "old")]);
    secret.set(&[("message", "one")]);
    let pods = [
        follower("config").on_node(node.name()),
        pod_with_token("token").on_node(node.name()),
    ];
    let pods = pods.map(|pod| namespace.start(&pod));
    for pod in &pods {
        // What starts a container may be there beside it for a moment.
        wait("one process runs", || {
            let running = processes(nodes, pod);
            check(running.len() == 1, running.join(", "))
        });
    }
    let before = pods
        .each_ref()
        .map(|pod| (pod.uid().unwrap(), process(pod).unwrap()));

    node.stop().unwrap();
    for pod in &pods {
        assert_eq!(processes(nodes, pod), [""; 0], "it is off");
    }
    config.set(&[("message", "two"), ("greeting", "new")]);
    secret.set(&[("message", "two")]);
    node.start().unwrap();
    for (pod, (uid, process)) in pods.iter().zip(before) {
        // To ask the one of before, at an address that is no more, would take half a minute.
        wait("it is started again", || {
            check(pod.restarts()? == 1, "not yet")
        });
        pod.wait_ready();
        wait("it has the current value", || {
            let shown = message(pod)?;
            check(shown == "two", shown)
        });
        assert_ne!(self::process(pod).unwrap(), process);
        assert_eq!(pod.uid().unwrap(), uid, "the same pod");
        assert_well(pod);
    }
    shows(&pods[0], "two", "new").unwrap();

    config.set(&[("message", "three")]);
    pods[0].nudge();
    wait("the next edit", || shows(&pods[0], "three", "new"));
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_container_that_fails_again_and_again_is_restarted_later_and_later() {
    let namespace = Namespace::new("crash");
    let pod = Pod::new("p").args(&["exit", "3"]).without_readiness();
    namespace.apply(&pod);
    let pod = namespace.pod("p");
    let state = || {
        Ok::<_, Error>(
            match pod.object()?.pointer_mut("/status/containerStatuses/0") {
                Some(state) => state.take(),
                None => Value::Null,
            },
        )
    };
    let waits = wait("it waits for its next start", || {
        let state = state()?;
        let waits = &state["state"]["waiting"];
        check(waits["reason"] == "CrashLoopBackOff", &state).map(|()| waits.clone())
    });
    let message = waits["message"].as_str().unwrap_or_default();
    assert!(message.contains("back-off"), "{message}");
    let ended = wait("it was restarted twice", || {
        let state = state()?;
        check(pod.restarts()? >= 2, &state)?;
        Ok::<_, Error>(state["lastState"]["terminated"].clone())
    });
    assert_eq!(ended["exitCode"], 3, "{ended}");
    assert_eq!(ended["reason"], "Error", "{ended}");
    assert!(
        ended["startedAt"].is_string() && ended["finishedAt"].is_string(),
        "{ended}"
    );
    wait("an event tells of it", || {
        let events = namespace.cluster().list(&namespace.path("events"))?;
        let told = events.iter().any(|event| event["reason"] == "BackOff");
        check(told, json!(events))
    });
}

/// A pod that follows a ConfigMap called `config`.
fn follower(name: &str) -> Pod {
    Pod::new(name)
        .args(&["serve", "--mount=/etc/config"])
        .config_map_volume("config", "/etc/config")
}

/// Swaps the content of a volume as a kubelet does, and makes no link to a key.
fn publish_without_links(volume: &Path, keys: &[(&str, &str)]) {
    let name = "..2026_01_01_00_00_00.1";
    let data = volume.join(name);
    fs::create_dir(&data).unwrap();
    for (key, text) in keys {
        fs::write(data.join(key), text).unwrap();
    }
    let link = volume.join("..data_tmp");
    symlink(name, &link).unwrap();
    fs::rename(link, volume.join("..data")).unwrap();
}

/// The processes of a pod, as its node numbers them.
fn processes(nodes: &Nodes, pod: &PodRef) -> Vec<String> {
    // Each has the pod's volumes mounted, by their paths on the node; so have the node's own.
    let script = r#"for list in $(grep -ls "/pods/$0/" /proc/[0-9]*/mountinfo); do
        process=${list%/mountinfo}
        case $(readlink $process/exe) in */probe*) echo "${process#/proc/}";; esac
    done"#;
    let uid = pod.uid().unwrap();
    let found = nodes.enter(&["sh", "-c", script, &uid]).unwrap();
    found.split_whitespace().map(str::to_owned).collect()
}

/// Tells one process of a pod from the next: when it started.
fn process(pod: &PodRef) -> Result<u64> {
    let counters = pod.get_json("/counters")?;
    let started = counters["started"].as_u64();
    started.ok_or_else(|| format!("no time: {counters}").into())
}

fn shows(pod: &PodRef, message: &str, greeting: &str) -> Result {
    let values = &pod.get_json("/values")?["values"];
    let shown = values["message"] == message && values["greeting"] == greeting;
    check(
        shown,
        format!("{} {}", values["message"], values["greeting"]),
    )
}
