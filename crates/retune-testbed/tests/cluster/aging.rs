//! A token that the kubelet replaces as it ages, and one that nobody replaces any more.
//!
//! Kubernetes lets no token live for less than ten minutes. So this module's name comes first in the
//! order of the tests: the others run while it waits.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use retune_testbed::{
    Error, Namespace, Pod, PodRef, Result, check, fingerprint, needs_testbed, wait, wait_for,
};
use serde_json::{Value, json};

use crate::orphans::{assert_says_orphaned, assert_well, message, mode, restart, shown, tear_down};

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
    assert!(has_expired(&status), "so has the value: {status}");
    let reasons = status["reasons"].to_string();
    assert!(reasons.contains("`token`: expired at"), "{reasons}");
    let metrics = orphaned.get("/metrics").unwrap();
    let expires = format!(
        "retune_expires_timestamp_seconds{{path=\"token\"}} {:.1}",
        last.expires as f64
    );
    assert!(metrics.lines().any(|line| line == expires), "{metrics}");
    // All of such a volume is secret, as it lies in memory.
    let [kept, renewed] = [&orphaned, &healthy].map(|pod| {
        let status = pod.get_json("/configz").unwrap();
        let secrets = status["secrets"].as_array().unwrap();
        assert!(secrets.iter().any(|one| one["path"] == "message"));
        let token = secrets.iter().find(|one| one["path"] == "token");
        token.unwrap().clone()
    });
    assert_eq!(kept["generation"], json!(1));
    assert_eq!(
        renewed["generation"].as_u64(),
        generation.map(|last| last + 1)
    );
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

/// Whether the status says that the token, which is a value as well, has expired.
fn has_expired(status: &Value) -> bool {
    status["expiries"][0]["expired"] == true
}

/// Whether the status says that nobody writes the volume any more; never before its token's end.
fn is_over(pod: &PodRef, token: &Token) -> bool {
    let status = pod.get_json("/configz").unwrap();
    let over = mode(&status) == "orphaned";
    let degraded = over || has_expired(&status);
    assert_eq!(status["health"], if degraded { "degraded" } else { "ok" });
    assert!(!over || now() >= Duration::from_secs(token.expires) + LEEWAY);
    over
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
