//! The example `tls-rotation`: servers whose certificate is a Secret of the type `kubernetes.io/tls`, and
//! clients that keep a connection and make new ones.

use std::fs;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use retune_testbed::{Namespace, PodRef, check, wait};
use serde_json::json;
use tempfile::TempDir;

const EXAMPLE: &str = "tls-rotation";

/// Of the Deployment, the Service and the Secret.
const SERVER: &str = "tls-server";

const CLIENT: &str = "tls-client";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate and its key, in PEM.
struct Pair {
    crt: String,
    key: String,
}

/// `tls-rotation` as it runs in a namespace of its own.
struct Story {
    namespace: Namespace,
    authority: CertifiedIssuer<'static, KeyPair>,
    /// For what kubectl reads.
    dir: TempDir,
    /// Two servers, and two clients, with their uids.
    servers: Vec<(PodRef, String)>,
    clients: Vec<(PodRef, String)>,
}

// === impl Story ===

impl Story {
    /// Makes what the README makes, applies the example's own manifests by its overlay, and waits until all
    /// pods are ready.
    fn start(prefix: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let mut story = Self {
            namespace: Namespace::new(prefix),
            authority: CertifiedIssuer::self_signed(params, key).unwrap(),
            dir: tempfile::tempdir().unwrap(),
            servers: Vec::new(),
            clients: Vec::new(),
        };
        let trusted = story.file("ca.crt", &story.authority.pem());
        let from = format!("--from-file=ca.crt={trusted}");
        let create = ["create", "configmap", "authority", &from];
        story.namespace.kubectl(&create).run().unwrap();
        story.rotate(&story.issue(1));
        super::apply(&story.namespace, EXAMPLE);
        story.servers = super::both_ready(&story.namespace, SERVER);
        story.clients = super::both_ready(&story.namespace, CLIENT);
        story
    }

    /// A certificate that is valid now.
    fn issue(&self, number: u64) -> Pair {
        let now = SystemTime::now();
        self.issue_until(number, now + 30 * DAY)
    }

    fn issue_until(&self, number: u64, until: SystemTime) -> Pair {
        let mut params = CertificateParams::new([SERVER.to_owned()]).unwrap();
        params.serial_number = Some(number.into());
        params.not_before = (until - 60 * DAY).into();
        params.not_after = until.into();
        let key = KeyPair::generate().unwrap();
        Pair {
            crt: params.signed_by(&key, &self.authority).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let file = self.dir.path().join(name);
        fs::write(&file, text).unwrap();
        super::text(&file).to_owned()
    }

    /// `kubectl create secret tls … --dry-run=client -o yaml | kubectl apply -f -`
    #[track_caller]
    fn rotate(&self, Pair { crt, key }: &Pair) {
        let crt = format!("--cert={}", self.file("tls.crt", crt));
        let key = format!("--key={}", self.file("tls.key", key));
        let create = ["create", "secret", "tls", SERVER, &crt, &key];
        let create = [&create[..], &["--dry-run=client", "-o", "yaml"]].concat();
        let secret = self.namespace.kubectl(&create).run().unwrap();
        let apply = self.namespace.kubectl(&["apply", "-f", "-"]);
        apply.input(&secret).run().unwrap();
        self.nudge();
    }

    /// Writes what kubectl would not: a pair that does not fit.
    #[track_caller]
    fn force(&self, Pair { crt, key }: &Pair) {
        let change = json!({"stringData": {"tls.crt": crt, "tls.key": key}}).to_string();
        let patch = ["patch", "secret", SERVER, "-p", &change];
        self.namespace.kubectl(&patch).run().unwrap();
        self.nudge();
    }

    fn nudge(&self) {
        if !self.servers.is_empty() {
            super::nudge(&self.namespace, &format!("app={SERVER}"));
        }
    }

    /// Both clients have made a handshake, each time with either server's certificate of that number.
    #[track_caller]
    fn wait_seen(&self, number: u64) {
        for (pod, _) in &self.clients {
            let seen = format!("new connections: {number:02x}; ");
            wait(&format!("{} tells: {seen}", pod.name()), || {
                let log = pod.log()?;
                check(log.contains(&seen), &log)
            });
        }
    }

    /// Both servers say so of themselves.
    #[track_caller]
    fn wait_health(&self, health: &str, reason: &str) {
        for (pod, _) in &self.servers {
            wait(&format!("{} is {health}: {reason}", pod.name()), || {
                let page = pod.get_json("/configz")?;
                let told = page["reasons"].to_string();
                check(page["health"] == health && told.contains(reason), &page)
            });
        }
    }

    /// Both servers have told of the certificate with that number.
    #[track_caller]
    fn wait_held(&self, number: u64) {
        for (pod, _) in &self.servers {
            let held = format!("certificate {number:02x} ");
            wait(&format!("{} has {held}", pod.name()), || {
                let log = pod.log()?;
                let told = log.lines().rfind(|line| line.starts_with("certificate "));
                check(told.is_some_and(|line| line.starts_with(&held)), &log)
            });
        }
    }

    /// Each client still has the connection that it began with, and nothing has ever failed.
    #[track_caller]
    fn assert_unharmed(&self) {
        for (pod, _) in &self.clients {
            let log = pod.log().unwrap();
            let told: Vec<_> = log
                .lines()
                .filter(|line| line.starts_with("new connections"))
                .collect();
            let of_first = told.iter().all(|line| line.contains("the live one: 01"));
            assert!(of_first && !log.contains("failed"), "{log}");
        }
        for (name, pods) in [(SERVER, &self.servers), (CLIENT, &self.clients)] {
            super::assert_same_processes(&self.namespace, &format!("app={name}"), pods);
        }
    }
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn tls_rotation_runs_from_its_own_manifests_but_for_image_and_command() {
    super::assert_overlay_changes_image_and_command_only(EXAMPLE, 3);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn h5_tls_rotation_rotates_a_secret_under_live_and_new_connections() {
    let story = Story::start("tls");
    story.wait_seen(1);
    for number in 2..=6 {
        story.rotate(&story.issue(number));
        story.wait_held(number);
        story.wait_seen(number);
    }
    story.assert_unharmed();
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn tls_rotation_refuses_what_does_not_fit_or_has_expired_and_serves_on() {
    let story = Story::start("tlsbad");
    story.wait_seen(1);
    story.force(&Pair {
        key: story.issue(2).key,
        ..story.issue(3)
    });
    let reason = "/etc/tls/tls.key: `tls.key`: does not belong to certificate 03 ";
    story.wait_health("degraded", reason);
    story.force(&story.issue_until(4, SystemTime::now() - DAY));
    story.wait_health("degraded", "/etc/tls/tls.crt: `tls.crt`: expired at 20");
    story.rotate(&story.issue(5));
    story.wait_health("ok", "");
    story.wait_held(5);
    story.wait_seen(5);
    story.assert_unharmed();
    for (pod, _) in &story.clients {
        let log = pod.log().unwrap();
        for refused in ["connections: 02", "connections: 03", "connections: 04"] {
            assert!(!log.contains(refused), "{log}");
        }
    }
}
