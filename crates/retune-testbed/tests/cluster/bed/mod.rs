//! The test bed is what it says it is: what the other tests build on holds.
//!
//! Most of this needs the test bed's containers, which have a shell and its tools.

mod access;
mod containers;
mod lifecycle;
mod services;
mod workloads;

use retune_testbed::{Pod, PodRef, check, wait};
use serde_json::json;

/// A pod of the probe that follows nothing.
fn serving(name: &str) -> Pod {
    Pod::new(name).arg("serve")
}

/// A pod that runs a shell's script to its end.
fn script(name: &str, script: &str) -> Pod {
    Pod::new(name)
        .command(&["sh", "-c", script])
        .without_readiness()
        .patch(json!({ "spec": { "restartPolicy": "Never" } }))
}

/// What a command in the pod's first container wrote, which must end with 0.
#[track_caller]
fn sh(pod: &PodRef, command: &str) -> String {
    let output = pod.exec(&["sh", "-c", command]).unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Waits until a pod that is not restarted has ended.
#[track_caller]
fn wait_end(pod: &PodRef, phase: &str) {
    wait(&format!("pod {} is {phase}", pod.name()), || {
        let object = pod.object()?;
        check(object["status"]["phase"] == phase, &object["status"])
    });
}
