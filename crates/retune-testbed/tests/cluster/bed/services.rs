//! Services and their names, and pods' own addresses.

use std::collections::BTreeSet;

use retune_testbed::{Namespace, Pod, PodRef, check, needs_testbed, wait};
use serde_json::{Value, json};

use super::{serving, sh};

/// A Service of the pods of an app.
fn service(name: &str, app: &str, change: Value) -> Value {
    let mut spec =
        json!({ "selector": { "app": app }, "ports": [{ "port": 80, "targetPort": "http" }] });
    for (key, value) in change.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": spec })
}

/// A pod that is ready as long as it has no file `/tmp/unready`.
fn switchable(name: &str) -> Pod {
    serving(name).patch_container(json!({ "readinessProbe": {
        "httpGet": null,
        "exec": { "command": ["test", "!", "-e", "/tmp/unready"] },
        "periodSeconds": 1, "timeoutSeconds": 10, "failureThreshold": 1,
    } }))
}

/// Which pods answer a URL, of 40 requests.
fn answering(client: &PodRef, url: &str) -> retune_testbed::Result<BTreeSet<String>> {
    let fetch = ["/testbed/bin/probe", "fetch", url, "--times", "40"];
    let output = client.exec(&fetch)?;
    check(
        output.status.success(),
        String::from_utf8_lossy(&output.stderr),
    )?;
    let names = String::from_utf8_lossy(&output.stdout);
    assert_eq!(names.lines().count(), 40, "{names}");
    Ok(names.lines().map(str::to_owned).collect())
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_service_balances_over_ready_pods_and_resolves_by_all_its_names() {
    needs_testbed!();
    let namespace = Namespace::new("service");
    namespace.apply(&service("web", "web", json!({})));
    namespace.apply(&switchable("web").deployment(3));
    let client = namespace.start(&serving("client"));
    let all = wait("three pods are ready", || {
        let pods = namespace.pods("app=web")?;
        let ready = pods.iter().filter(|pod| pod.ready().is_ok()).count();
        check(ready == 3, ready).map(|()| pods)
    });
    let names =
        |pods: &[PodRef]| -> BTreeSet<_> { pods.iter().map(|pod| pod.name().to_owned()).collect() };
    let expect = |url: &str, who: &BTreeSet<String>| {
        wait(&format!("{who:?} answer {url}"), || {
            let seen = answering(&client, url)?;
            check(&seen == who, format!("{seen:?}"))
        });
    };
    let ns = namespace.name();
    for host in [
        "web".to_owned(),
        format!("web.{ns}"),
        format!("web.{ns}.svc"),
        format!("web.{ns}.svc.cluster.local"),
    ] {
        expect(&format!("http://{host}/name"), &names(&all));
    }
    sh(&all[0], "touch /tmp/unready");
    wait("it is not ready", || {
        Ok::<_, retune_testbed::Error>(all[0].ready().is_err())
    });
    expect("http://web/name", &names(&all[1..]));
    sh(&all[0], "rm /tmp/unready");
    expect("http://web/name", &names(&all));
    assert_eq!(all[0].restarts().unwrap(), 0);
    // By way of the API server, too.
    let answer = namespace.service_get("web", 80, "/name").unwrap();
    assert!(names(&all).contains(&answer), "{answer}");
    all[2].delete();
    wait("another takes its place", || {
        let pods = namespace.pods("app=web")?;
        let ready = pods.iter().filter(|pod| pod.ready().is_ok()).count();
        check(ready == 3, ready)?;
        let seen = answering(&client, "http://web/name")?;
        check(seen == names(&pods), format!("{seen:?}"))
    });
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_service_without_ready_pods_refuses_and_one_that_is_not_there_has_no_name() {
    needs_testbed!();
    let namespace = Namespace::new("nobody");
    namespace.apply(&service("nobody", "nobody", json!({})));
    let client = namespace.start(&serving("client"));
    assert_ne!(sh(&client, "getent ahostsv4 nobody"), "");
    let answer = answering(&client, "http://nobody/name")
        .unwrap_err()
        .to_string();
    assert!(answer.contains("onnection"), "{answer}");
    let answer = answering(&client, "http://missing/name")
        .unwrap_err()
        .to_string();
    assert!(
        answer.contains("lookup") || answer.contains("resolve"),
        "{answer}"
    );
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_headless_service_resolves_to_its_pods() {
    needs_testbed!();
    let namespace = Namespace::new("headless");
    namespace.apply(&service("web", "web", json!({ "clusterIP": "None" })));
    namespace.apply(&serving("web").deployment(2));
    let client = namespace.start(&serving("client"));
    wait("the name has both pods' addresses", || {
        let mut addresses = BTreeSet::new();
        for pod in namespace.pods("app=web")? {
            pod.ready()?;
            let object = pod.object()?;
            let address = object["status"]["podIP"].as_str();
            addresses.insert(address.unwrap_or_default().to_owned());
        }
        let output = client.exec(&["getent", "ahostsv4", "web"])?;
        let output = String::from_utf8_lossy(&output.stdout);
        let found = output
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        let found: BTreeSet<_> = found.map(str::to_owned).collect();
        check(
            found == addresses && found.len() == 2,
            format!("{found:?} {addresses:?}"),
        )
    });
    // Without a relay in between, the port is the pods' own.
    let answering = answering(&client, "http://web:8080/name").unwrap();
    assert!(!answering.is_empty());
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_pod_proxy_reaches_the_pods_own_address() {
    needs_testbed!();
    let namespace = Namespace::new("proxy");
    // The same port, on the same node.
    for name in ["a", "b"] {
        let pod = namespace.start(&serving(name).on_node("node-1"));
        assert_eq!(pod.get("/name").unwrap(), name);
    }
    // Who listens on the pod's loopback is for the pod alone.
    let inward = serving("c").arg("--listen").arg("127.0.0.1:8080");
    namespace.apply(&inward.without_readiness());
    let pod = namespace.pod("c");
    wait("it listens", || {
        Ok::<_, retune_testbed::Error>(pod.log()?.contains("\"listening\""))
    });
    assert_eq!(pod.get("/name").unwrap_err().status(), Some(503));
    assert_eq!(
        sh(&pod, "/testbed/bin/probe fetch http://127.0.0.1:8080/name"),
        "c"
    );
    let a = namespace.pod("a").object().unwrap();
    let a = a["status"]["podIP"].as_str().unwrap();
    assert_eq!(
        sh(
            &pod,
            &format!("/testbed/bin/probe fetch http://{a}:8080/name")
        ),
        "a"
    );
}
