//! Service accounts and their rights, and kubectl's ways into a pod.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use retune_testbed::{Cluster, Namespace, PodRef, check, needs_testbed, wait};
use serde_json::{Value, json};

use super::{serving, sh};

const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A pod with its account's token and, at `/kubectl`, the test bed's program.
fn with_kubectl(namespace: &Namespace) -> PodRef {
    let program = env::var("RETUNE_TESTBED").expect("the test bed's program");
    namespace.start(
        &serving("caller")
            .patch(json!({ "spec": { "automountServiceAccountToken": true } }))
            // The program may lie where only root can look.
            .patch_container(json!({ "securityContext": { "runAsUser": 0 } }))
            .volume(json!({ "name": "kubectl", "hostPath": { "path": program, "type": "File" } }))
            .mount(json!({ "name": "kubectl", "mountPath": "/kubectl", "readOnly": true })),
    )
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_service_account_may_do_what_its_role_says_and_nothing_else() {
    needs_testbed!();
    let namespace = Namespace::new("rbac");
    namespace.config_map("config").set(&[("message", "hello")]);
    let pod = with_kubectl(&namespace);
    let account = format!("system:serviceaccount:{}:default", namespace.name());
    let can = |verb: &str, what: &str| {
        let args = ["auth", "can-i", verb, what, "--as", &account];
        let output = namespace.kubectl(&args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert_eq!(output.status.success(), said == "yes", "{output:?}");
        said
    };
    let get = [
        "/kubectl",
        "kubectl",
        "get",
        "configmap",
        "config",
        "-o",
        "jsonpath={.data.message}",
    ];
    if namespace
        .kubectl(&["auth", "can-i", "get", "secrets", "--as", &account])
        .run()
        .is_ok()
    {
        return retune_testbed::left_out("everything is allowed here: --authorization AlwaysAllow");
    }
    assert_eq!(can("get", "configmaps"), "no");
    let refused = pod.exec(&get).unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(
        said.contains("Forbidden") && said.contains(&account),
        "{said}"
    );

    let group = "rbac.authorization.k8s.io";
    namespace.apply(&json!({
        "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": { "name": "reader" },
        "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] }],
    }));
    namespace.apply(&json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": { "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "default", "namespace": namespace.name() }],
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "reader" },
    }));
    wait("it may read", || {
        let output = pod.exec(&get)?;
        check(
            output.stdout == b"hello",
            String::from_utf8_lossy(&output.stderr),
        )
    });
    assert_eq!(can("get", "configmaps"), "yes");
    assert_eq!(can("update", "configmaps"), "no");
    assert_eq!(can("get", "secrets"), "no");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn the_mounted_token_is_the_service_accounts() {
    needs_testbed!();
    let namespace = Namespace::new("token");
    let mounting = json!({ "spec": { "automountServiceAccountToken": true } });
    let pod = namespace.start(&serving("p").patch(mounting));
    let token = sh(&pod, &format!("cat {MOUNTED}/token"));
    let review = |token: &str| -> Value {
        let path = "/apis/authentication.k8s.io/v1/tokenreviews";
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": { "token": token },
        });
        let cluster = Cluster::connect();
        cluster.create(path, &review).unwrap()["status"].take()
    };
    let status = review(&token);
    assert_eq!(status["authenticated"], true, "{status}");
    let account = format!("system:serviceaccount:{}:default", namespace.name());
    assert_eq!(status["user"]["username"], account);
    let bound = &status["user"]["extra"]["authentication.kubernetes.io/pod-uid"];
    assert_eq!(bound, &json!([pod.uid().unwrap()]));
    let (head, signature) = token.rsplit_once('.').unwrap();
    let other: String = signature.chars().rev().collect();
    assert_ne!(review(&format!("{head}.{other}"))["authenticated"], true);

    assert_eq!(
        sh(&pod, &format!("cat {MOUNTED}/namespace")),
        namespace.name()
    );
    let ca = sh(&pod, &format!("cat {MOUNTED}/ca.crt"));
    assert!(ca.contains("BEGIN CERTIFICATE"), "{ca}");
    // Who asks for none gets none.
    let without = namespace.start(&serving("without"));
    assert!(!without.exec(&["ls", MOUNTED]).unwrap().status.success());
}

/// A command that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn port_forward_reaches_the_pod() {
    needs_testbed!();
    let namespace = Namespace::new("forward");
    let pod = namespace.start(&serving("p"));
    let mut command = Command::new(env::var_os("RETUNE_TESTBED").unwrap());
    command.args(["kubectl", "port-forward", "--namespace", namespace.name()]);
    command.args(["pod/p", ":8080"]).stdout(Stdio::piped());
    let mut forward = Running(command.spawn().unwrap());
    let mut line = String::new();
    let output = forward.0.stdout.take().unwrap();
    let mut output = BufReader::new(output);
    output.read_line(&mut line).unwrap();
    // Forwarding from 127.0.0.1:39581 -> 8080
    let address = line.split_whitespace().nth(2).unwrap();
    for _ in 0..5 {
        let mut answer = ureq::get(format!("http://{address}/name")).call().unwrap();
        assert_eq!(answer.body_mut().read_to_string().unwrap(), pod.name());
    }
}
