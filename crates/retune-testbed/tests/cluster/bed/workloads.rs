//! Controllers, logs, ends and restarts.

use std::collections::HashSet;
use std::path::Path;

use retune_testbed::{Namespace, check, needs_testbed, wait};
use serde_json::json;

use super::{script, serving, sh, wait_end};

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_deployment_is_spread_over_nodes_and_a_deleted_pod_is_replaced() {
    needs_testbed!();
    let namespace = Namespace::new("deployment");
    namespace.apply(&serving("web").deployment(4));
    let four_are_ready = || {
        wait("four pods are ready", || {
            let pods = namespace.pods("app=web")?;
            let ready = pods.iter().filter(|pod| pod.ready().is_ok()).count();
            check(ready == 4 && pods.len() == 4, ready).map(|()| pods)
        })
    };
    let pods = four_are_ready();
    let nodes: HashSet<_> = pods.iter().map(|pod| pod.node().unwrap()).collect();
    assert!(nodes.len() > 1, "{nodes:?}");
    let addresses = pods.iter().map(|pod| pod.object().unwrap());
    let addresses = addresses.map(|pod| pod["status"]["podIP"].to_string());
    assert_eq!(addresses.collect::<HashSet<_>>().len(), 4);

    pods[0].delete();
    let after = four_are_ready();
    let new = after.iter().filter(|pod| {
        let was_there = pods.iter().any(|before| before.name() == pod.name());
        !was_there
    });
    assert_eq!(new.count(), 1);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn an_exit_code_is_what_the_program_ended_with() {
    needs_testbed!();
    let namespace = Namespace::new("exit");
    let ends = [
        ("seven", "exec /testbed/bin/probe exit 7", 7, "Error"),
        ("zero", "exec /testbed/bin/probe exit 0", 0, "Completed"),
        // Not the first process, whom no signal of its own reaches. (The kubelet makes `$$` of it.)
        ("killed", "sh -c 'kill -9 $$$$'; exit $?", 137, "Error"),
        (
            "told",
            "echo the reason > /dev/termination-log; exit 3",
            3,
            "Error",
        ),
    ];
    for (name, line, ..) in &ends {
        namespace.apply(&script(name, line));
    }
    for (name, _, code, reason) in ends {
        let pod = namespace.pod(name);
        wait_end(&pod, if code == 0 { "Succeeded" } else { "Failed" });
        assert_eq!(pod.exit_code().unwrap(), code, "{name}");
        let object = pod.object().unwrap();
        let end = &object["status"]["containerStatuses"][0]["state"]["terminated"];
        assert_eq!(end["reason"], reason, "{end}");
        if name == "told" {
            assert_eq!(end["message"], "the reason\n", "{end}");
        }
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_log_has_both_outputs_long_lines_and_one_without_an_end() {
    needs_testbed!();
    let namespace = Namespace::new("log");
    let line = "printf %040000d 7; echo; echo to stderr >&2; printf unfinished";
    namespace.apply(&script("talker", line));
    let pod = namespace.pod("talker");
    wait_end(&pod, "Succeeded");
    let log = pod.log().unwrap();
    let long = format!("{:040000}", 7);
    let mut lines: Vec<_> = log.lines().collect();
    lines.sort_by_key(|line| line.len());
    assert!(
        lines == ["to stderr", "unfinished", &long] || lines == ["unfinished", "to stderr", &long],
        "{:?}",
        lines.iter().map(|line| line.len()).collect::<Vec<_>>()
    );
    assert_eq!(pod.log_with("?tailLines=1").unwrap().lines().count(), 1);
    assert!(pod.log_with("?timestamps=true").unwrap().starts_with("20"));
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_container_that_ends_is_restarted_with_back_off() {
    needs_testbed!();
    let namespace = Namespace::new("backoff");
    let line = "echo started; exit 3";
    let always = json!({ "spec": { "restartPolicy": "Always" } });
    namespace.apply(&script("crasher", line).patch(always));
    let pod = namespace.pod("crasher");
    wait("the kubelet waits before the next start", || {
        let object = pod.object()?;
        let container = &object["status"]["containerStatuses"][0];
        let waiting = &container["state"]["waiting"];
        let message = waiting["message"].as_str().unwrap_or_default();
        let waits = waiting["reason"] == "CrashLoopBackOff" && message.contains("back-off");
        check(
            waits && container["restartCount"].as_u64() >= Some(1),
            container,
        )
    });
    assert_eq!(pod.exit_code().unwrap(), 3);
    assert_eq!(pod.log_before_restart().unwrap(), "started\n");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_liveness_probe_that_fails_restarts_the_container_with_a_new_root() {
    needs_testbed!();
    let namespace = Namespace::new("liveness");
    let healthy = json!({ "livenessProbe": {
        "exec": { "command": ["test", "!", "-e", "/tmp/sick"] },
        "periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 10,
    } });
    // It ends at once when it is told to, but not within the second that pods have here, on a busy machine.
    let grace = json!({ "spec": { "terminationGracePeriodSeconds": 30 } });
    let pod = namespace.start(&serving("patient").patch_container(healthy).patch(grace));
    let uid = pod.uid().unwrap();
    sh(&pod, "touch /tmp/sick");
    wait("it was restarted", || {
        Ok::<_, retune_testbed::Error>(pod.restarts()? == 1)
    });
    pod.wait_ready();
    assert_eq!(pod.uid().unwrap(), uid);
    // The probe ends with 0 when it is told to.
    assert_eq!(pod.exit_code().unwrap(), 0);
    assert!(pod.log_before_restart().unwrap().contains("\"signal\":15"));
    assert_eq!(sh(&pod, "ls /tmp"), "");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_liveness_probe_by_http_restarts_too() {
    needs_testbed!();
    let namespace = Namespace::new("http");
    let get = |path| json!({ "httpGet": { "path": path, "port": "http" }, "periodSeconds": 1, "timeoutSeconds": 10 });
    let well = serving("well").patch_container(json!({ "livenessProbe": get("/name") }));
    let sick = serving("sick").patch_container(json!({ "livenessProbe": get("/nothing") }));
    let well = namespace.start(&well);
    namespace.apply(&sick);
    let sick = namespace.pod("sick");
    wait("the sick one was restarted", || {
        Ok::<_, retune_testbed::Error>(sick.restarts()? >= 1)
    });
    assert_eq!(well.restarts().unwrap(), 0);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn exec_gives_output_input_and_exit_code_while_an_exec_probe_runs() {
    needs_testbed!();
    let namespace = Namespace::new("exec");
    let often = json!({ "livenessProbe": {
        "exec": { "command": ["sh", "-c", "echo alive"] }, "periodSeconds": 1, "timeoutSeconds": 10,
    } });
    namespace.apply(&serving("web").patch_container(often).deployment(1));
    let pod = wait("its pod is there", || {
        let pods = namespace.pods("app=web")?;
        check(pods.len() == 1, pods.len()).map(|()| pods[0].clone())
    });
    pod.wait_ready();
    for _ in 0..30 {
        let output = pod.exec(&["hostname"]).unwrap();
        let name = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(name.trim(), pod.name());
    }
    let output = pod.exec(&["sh", "-c", "echo out; echo err >&2; exit 5"]);
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(output.stdout, b"out\n");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("err\n"));

    let counted = namespace.kubectl(&["exec", "-i", pod.name(), "--", "wc", "-c"]);
    let counted = counted.input(&"x".repeat(300_000)).run().unwrap();
    assert_eq!(counted.trim(), "300000");
    let missing = pod.exec(&["no-such-program"]).unwrap();
    let said = String::from_utf8_lossy(&missing.stderr);
    assert!(!missing.status.success());
    assert!(said.contains("no-such-program"), "{said}");
    assert_eq!(pod.restarts().unwrap(), 0);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_pods_processes_are_its_own_and_the_host_sees_none_of_its_files() {
    needs_testbed!();
    let namespace = Namespace::new("apart");
    let root = json!({ "securityContext": { "runAsUser": 0 } });
    let a = namespace.start(&serving("a").patch_container(root.clone()));
    let b = namespace.start(&serving("b").patch_container(root));
    let file = format!("/{}", a.uid().unwrap());
    sh(&a, &format!("echo a > {file}"));
    assert_eq!(sh(&a, &format!("cat {file}")), "a");
    assert!(!b.exec(&["cat", &file]).unwrap().status.success());
    assert!(!Path::new(&file).exists());
    // Its program is number 1, and there is nobody else but who asks.
    assert_eq!(sh(&a, "cat /proc/1/comm"), "probe");
    let processes = sh(&a, "echo /proc/[0-9]*");
    assert_eq!(processes.split_whitespace().count(), 2, "{processes}");
    assert_eq!(sh(&a, "hostname"), "a");
    assert_eq!(sh(&a, "cat /etc/hostname"), "a");
}
