//! Pods of one Deployment follow a ConfigMap while it is edited.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Edit, Place, Plan, Run, Setting, history};
use crate::cluster::{Cluster, must};
use crate::manifest::Pod;
use crate::namespace::Namespace;
use crate::pod::PodRef;
use crate::wait::{check, wait_for};

/// The Deployment.
const NAME: &str = "lag";

/// How long it may take until all pods are ready.
const START: Duration = Duration::from_secs(300);

/// What an edit may take beyond what the kubelet's sync explains.
const GRACE: Duration = Duration::from_secs(60);

/// Pause before a pod is asked again. Only one is asked at a time, so that asking does not disturb.
const LOOK: Duration = Duration::from_millis(500);

/// The least pause before a nudge: the kubelet lets a second sync within a second wait for its next
/// look at the containers.
const BETWEEN_NUDGES: Duration = Duration::from_secs(2);

/// Measures on the cluster of `KUBECONFIG`, and says how far it is.
///
/// # Panics
///
/// When the cluster does not do what it is asked to, or a pod did not apply every edit exactly once
/// and in order.
#[track_caller]
pub fn measure(plan: &Plan, mut tell: impl FnMut(&str)) -> Run {
    let namespace = Namespace::new(NAME);
    let cluster = namespace.cluster();
    // No test stops a node here: all of them are to have pods.
    must(cluster.keep_pods_off_the_spare(false));
    let config = namespace.config_map("config");
    config.set(&[("revision", "0")]);
    let pods = start(&namespace, plan.pods);
    tell(&format!("{} pods are ready", pods.len()));
    if !plan.setting.nudged {
        scatter(&pods, plan.setting);
    }
    let mut edits = Vec::new();
    for number in 1..=plan.edits {
        thread::sleep(plan.setting.pause());
        let change = json!({ "data": { "revision": number.to_string() } });
        let sent = now();
        must(cluster.patch(&config.path(), &change));
        let returned = now();
        let annotated = plan.setting.nudged.then(|| {
            let nudge = format!("retune.dev/nudge={number}");
            let label = format!("app={NAME}");
            let annotate = ["annotate", "pods", "-l", &label, &nudge, "--overwrite"];
            must(namespace.kubectl(&annotate).run());
            now()
        });
        edits.push(Edit {
            sent,
            returned,
            annotated,
        });
        for pod in &pods {
            wait_for_edit(pod, edits.len(), plan.setting);
        }
        let lag = Duration::from_nanos(now().saturating_sub(sent)).as_secs_f64();
        tell(&format!(
            "edit {number} of {}: seen in all pods after {lag:.1} s",
            plan.edits
        ));
    }
    let samples = pods.iter().flat_map(|pod| {
        let generations = must(pod.get_json("/generations"));
        must(history::samples(pod.name(), &generations, &edits))
    });
    let samples = samples.collect();
    Run {
        plan: plan.clone(),
        place: Place::of(cluster),
        edits,
        samples,
    }
}

/// Starts the pods and waits until they are ready.
#[track_caller]
fn start(namespace: &Namespace, pods: u32) -> Vec<PodRef> {
    let pod = Pod::new(NAME)
        .arg("serve")
        .arg("--mount=/etc/config")
        // Its reader would wake a hundred times a second in each of the pods.
        .arg("--read-every-ms=1000")
        // And be asked every second whether it is ready.
        .patch_container(json!({ "readinessProbe": { "periodSeconds": 10 } }))
        .config_map_volume("config", "/etc/config");
    namespace.apply(&pod.deployment(pods));
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments/{NAME}",
        namespace.name()
    );
    wait_for("all pods are ready", START, || {
        let status = namespace.cluster().get(&path)?["status"].take();
        check(status["readyReplicas"] == pods, status)
    });
    must(namespace.pods(&format!("app={NAME}")))
}

/// Has each pod synced at a random moment of one period: they were started at once, and would be
/// synced at about the same time for long.
fn scatter(pods: &[PodRef], setting: Setting) {
    let began = Instant::now();
    let mut moments: Vec<_> = pods.iter().map(|_| setting.period(random())).collect();
    moments.sort();
    for (pod, moment) in pods.iter().zip(moments) {
        thread::sleep(moment.saturating_sub(began.elapsed()));
        pod.nudge();
    }
}

#[track_caller]
fn wait_for_edit(pod: &PodRef, edit: usize, setting: Setting) {
    let what = format!("pod {} has applied edit {edit}", pod.name());
    // The kubelet lets up to one and a half periods pass.
    let patience = setting.period(1.5) + GRACE;
    wait_for(&what, patience, || {
        let applied = pod.get_json("/generations");
        let applied = applied.and_then(|generations| history::applied(&generations, edit));
        applied.inspect_err(|_| thread::sleep(LOOK))
    });
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

/// At least 0 and less than 1.
fn random() -> f64 {
    // Each state has new keys.
    f64::from(RandomState::new().hash_one(()) as u32) / 2_f64.powi(32)
}

// === impl Setting ===

impl Setting {
    /// So many times the sync period.
    fn period(self, times: f64) -> Duration {
        Duration::from_secs(self.sync.into()).mul_f64(times)
    }

    /// How long to wait before an edit, so that it meets the kubelets' syncs at a random phase.
    fn pause(self) -> Duration {
        match self.nudged {
            true => BETWEEN_NUDGES + Duration::from_secs(1).mul_f64(random()),
            false => self.period(random()),
        }
    }
}

// === impl Place ===

impl Place {
    #[track_caller]
    fn of(cluster: &Cluster) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let nodes = must(cluster.list("/api/v1/nodes"));
        let first = nodes.first().map(|node| &node["status"]["nodeInfo"]);
        let first = first.unwrap_or(&Value::Null);
        // What a node tells of its cores need not be so.
        let cores = cluster
            .testbed()
            .and_then(|_| thread::available_parallelism().ok());
        Self {
            kubernetes: text(&must(cluster.get("/version"))["gitVersion"]),
            kernel: text(&first["kernelVersion"]),
            cores: cores.map(Into::into),
            nodes: nodes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_at_random_and_within_bounds() {
        let plain: Setting = "10s".parse().unwrap();
        let nudged: Setting = "10s+nudge".parse().unwrap();
        let pauses: Vec<_> = (0..20).map(|_| plain.pause()).collect();
        assert!(pauses.iter().all(|pause| *pause < Duration::from_secs(10)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        assert!((0..20).all(|_| nudged.pause() >= BETWEEN_NUDGES));
    }
}
