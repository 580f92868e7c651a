//! Volumes that a kubelet tore down under a running container, and the token that tells of it.
//!
//! When writing a volume fails half-way, the kubelet removes the volume and makes it anew. Here a
//! file in the way of its next write does that. What the container has mounted stays the old one.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use retune_testbed::{
    Error, Namespace, Nodes, Pod, PodRef, Result, check, fingerprint, needs_testbed, wait, wait_for,
};
use serde_json::{Value, json};

const RESTART: &str = "only a restart of the container reconnects it";

/// How long after its expiry a token says that the volume is orphaned, as clocks differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// Pause between two looks of a test that waits for minutes, beside others that are in a hurry.
const LOOK: Duration = Duration::from_secs(2);

/// A service-account token that a kubelet wrote. Never printed.
pub(crate) struct Token {
    text: String,
    /// In seconds since 1970, as it says itself.
    issued: u64,
    expires: u64,
}

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

/// Takes ten and a half minutes: the token's life, and what is added for clocks that differ.
#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn slow_token_is_rotated_and_one_that_is_not_tells_of_an_orphaned_volume() {
    let nodes = needs_testbed!();
    let namespace = Namespace::new("token");
    let secret = namespace.secret("secret");
    secret.set(&[("message", "one")]);
    let [healthy, orphaned] =
        ["healthy", "orphaned"].map(|name| namespace.start(&pod_with_token(name)));
    let first = Token::of(&healthy).unwrap();
    let last = Token::of(&orphaned).unwrap();
    assert_eq!(last.expires - last.issued, 600);
    tear_down(nodes, &orphaned, ["projected", "creds", "message"], || {
        secret.set(&[("message", "two")]);
    });
    healthy.nudge();
    wait("the volume that is whole has the edit", || {
        check(message(&healthy)? == "two", "one")
    });
    let generation = healthy.get_json("/values").unwrap()["generation"].as_u64();

    let second = wait_for("the token is replaced", first.left(), || {
        thread::sleep(LOOK);
        assert!(!is_over(&orphaned, &last));
        let token = Token::of(&healthy)?;
        check(token.differs(&first), "the first is there")?;
        Ok::<_, Error>(token)
    });
    // The kubelet asks for a new one after 80 % of its life, or up to 10 s earlier.
    let age = second.issued - first.issued;
    assert!((470..600).contains(&age), "after {age} s");
    wait("the new token is taken", || takes(&healthy, &second));
    let status = healthy.get_json("/configz").unwrap();
    assert_eq!(
        status["generation"].as_u64(),
        generation.map(|last| last + 1)
    );
    let history = status["history"].as_array().unwrap();
    let changes = &history.last().unwrap()["changes"];
    assert_eq!(changes[0]["path"], "token", "{changes}");
    assert_eq!(changes.as_array().unwrap().len(), 1, "{changes}");

    let patience = last.left() + LEEWAY + Duration::from_secs(60);
    wait_for("the token that nobody replaced tells", patience, || {
        thread::sleep(LOOK);
        is_over(&orphaned, &last)
    });
    let status = orphaned.get_json("/configz").unwrap();
    assert_says_orphaned(&orphaned, &status, "heartbeat token in it expired at");
    assert_eq!(message(&orphaned).unwrap(), "one");
    assert_well(&healthy);
    for pod in [&healthy, &orphaned] {
        assert_eq!(pod.restarts().unwrap(), 0);
        let pages = ["/configz", "/metrics", "/values", "/generations"];
        let pages = pages.map(|page| pod.get(page).unwrap());
        for page in pages.iter().chain([&pod.log().unwrap()]) {
            for token in [&first, &second, &last] {
                assert!(!token.is_in(page), "a token is shown by {}", pod.name());
            }
        }
    }

    restart(&orphaned);
    assert_eq!(message(&orphaned).unwrap(), "two");
    assert_well(&orphaned);
}

/// A pod with one projected volume: a Secret called `secret`, and a token that is a value and the
/// heartbeat.
pub(crate) fn pod_with_token(name: &str) -> Pod {
    let token = json!({ "path": "token", "audience": "nobody", "expirationSeconds": 600 });
    Pod::new(name)
        .args(&["serve", "--mount=/etc/creds", "--heartbeat=token"])
        .volume(json!({ "name": "creds", "projected": { "sources": [
            { "secret": { "name": "secret" } },
            { "serviceAccountToken": token },
        ] } }))
        .mount(json!({ "name": "creds", "mountPath": "/etc/creds", "readOnly": true }))
}

/// Makes the next write of a volume fail, by `edit`, and waits until the kubelet has made the volume
/// anew, with another content of `key`.
fn tear_down(nodes: &Nodes, pod: &PodRef, volume: [&str; 3], edit: impl FnOnce()) {
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

/// Whether the status says that nobody writes the volume any more; never before its token's end.
fn is_over(pod: &PodRef, token: &Token) -> bool {
    let status = pod.get_json("/configz").unwrap();
    let over = mode(&status) == "orphaned";
    assert_eq!(status["health"], if over { "degraded" } else { "ok" });
    assert!(!over || now() >= Duration::from_secs(token.expires) + LEEWAY);
    over
}

/// Ends the container, and waits for the next.
fn restart(pod: &PodRef) {
    pod.get("/exit?code=0").unwrap();
    wait("the container was restarted", || {
        check(pod.restarts()? == 1, "not yet")
    });
    pod.wait_ready();
}

#[track_caller]
fn assert_says_orphaned(pod: &PodRef, status: &Value, why: &str) {
    assert_eq!(status["health"], "degraded");
    let reasons = status["reasons"].to_string();
    assert!(
        reasons.contains(why) && reasons.contains(RESTART),
        "{reasons}"
    );
    let log = pod.log().unwrap();
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
fn mode(status: &Value) -> &str {
    status["sources"][0]["paths"][0]["mode"].as_str().unwrap()
}

pub(crate) fn message(pod: &PodRef) -> Result<String> {
    let values = pod.get_json("/values")?;
    let message = values["values"]["message"].as_str();
    Ok(message.unwrap_or_default().to_owned())
}

/// What is shown of a secret.
fn shown(pod: &PodRef, field: &str) -> Result<String> {
    let values = pod.get_json("/values")?;
    let fingerprint = values["values"][field]["fingerprint"].as_str();
    Ok(fingerprint.unwrap_or_default().to_owned())
}

/// Whether a pod has this token as its value.
pub(crate) fn takes(pod: &PodRef, token: &Token) -> Result {
    let shown = shown(pod, "token")?;
    check(shown == fingerprint::of(token.text.as_bytes()), shown)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

// === impl Token ===

impl Token {
    /// The token that lies in a pod's volume.
    pub(crate) fn of(pod: &PodRef) -> Result<Self> {
        let output = pod.exec(&["cat", "/etc/creds/token"])?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let claims = text.split('.').nth(1).unwrap_or_default();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
        let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
        match [&claims["iat"], &claims["exp"]].map(Value::as_u64) {
            [Some(issued), Some(expires)] => Ok(Self {
                text,
                issued,
                expires,
            }),
            _ => Err(format!("no token: {}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }

    /// How long it is until it expires.
    fn left(&self) -> Duration {
        Duration::from_secs(self.expires).saturating_sub(now())
    }

    pub(crate) fn differs(&self, other: &Self) -> bool {
        self.text != other.text
    }

    /// Whether its signature stands in a text.
    fn is_in(&self, text: &str) -> bool {
        text.contains(self.text.rsplit('.').next().unwrap())
    }
}
