//! The example `jwt-rotation`: keys that rotate under load, while the kubelets sync as they do by default.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use retune_testbed::{Namespace, PodRef, check, wait, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{both_ready, copy, text};

const EXAMPLE: &str = "jwt-rotation";

const SECRET: &str = "jwt";

/// Those that mount the Secret.
const PODS: &str = "app in (auth, api)";

/// A kubelet lets up to 90 s pass until it writes a volume.
const UNNUDGED: Duration = Duration::from_secs(180);

/// The pause between two looks at what a stolen token is worth.
const LOOK: Duration = Duration::from_millis(50);

/// One `auth`, two `api`, and a visitor who shows tokens all the time, in a namespace of their own.
struct Story {
    namespace: Namespace,
    auth: PodRef,
    visitor: PodRef,
    /// `auth` and both `api`, with their uids.
    pods: Vec<(PodRef, String)>,
    /// Calls from the time when not all was there yet.
    unanswered: Value,
}

impl Story {
    /// The example's own manifests, by its overlay.
    fn start(prefix: &str, secret: &[(&str, &str)]) -> Self {
        Self::start_edited(prefix, secret, str::to_owned)
    }

    fn start_edited(prefix: &str, secret: &[(&str, &str)], edit: impl Fn(&str) -> String) -> Self {
        let namespace = Namespace::new(prefix);
        namespace.secret(SECRET).set(secret);
        let copied: TempDir = copy(EXAMPLE, edit);
        let overlay = copied.path().join("testbed");
        let apply = namespace.kubectl(&["apply", "-k", text(&overlay)]);
        apply.run().unwrap();
        let mut pods = both_ready(&namespace, "api");
        let [auth, visitor] = ["auth", "visitor"].map(|app| {
            wait(&format!("{app} is ready"), || {
                let pods = namespace.pods(&format!("app={app}"))?;
                let pod = pods.into_iter().next().ok_or("no pod")?;
                pod.ready().map(|()| pod)
            })
        });
        pods.push((auth.clone(), auth.uid().unwrap()));
        let mut story = Self {
            namespace,
            auth,
            visitor,
            pods,
            unanswered: Value::Null,
        };
        wait("tokens are accepted", || {
            let accepted = story.counted()["accepted"].as_u64();
            check(accepted > Some(100), story.counted())
        });
        story.unanswered = story.counted()["unanswered"].take();
        story
    }

    /// What the visitor has counted.
    fn counted(&self) -> Value {
        self.visitor.get_json("/counted").unwrap_or_default()
    }

    /// How often tokens were rejected, by the ids of their keys.
    fn rejected(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.counted()["rejected"].take()).unwrap()
    }

    /// Tokens of all other keys were accepted all along.
    #[track_caller]
    fn assert_rejected_none_but(&self, revoked: &[&str]) {
        let counted = self.counted();
        let rejected = self.rejected().into_keys();
        let others: Vec<_> = rejected.filter(|kid| !revoked.contains(&&**kid)).collect();
        assert!(others.is_empty(), "{counted:#}");
        assert_eq!(counted["unanswered"], self.unanswered, "{counted:#}");
    }

    /// The token that `auth` gives now.
    fn token(&self) -> (String, String) {
        let token = self.auth.get_json("/token").unwrap();
        let text = |name: &str| token[name].as_str().expect(name).to_owned();
        (text("kid"), text("token"))
    }

    /// What each `api` says to a token, by its address.
    fn show(&self, token: &str) -> BTreeMap<String, String> {
        let page = self.visitor.get_json(&format!("/try?token={token}"));
        serde_json::from_value(page.unwrap()).unwrap()
    }

    /// Takes a key away and gives another by one write.
    fn replace(&self, old: &str, new: &str) {
        let change = json!({
            "data": { old: null },
            "stringData": { new: key(new) },
        });
        let secret = self.namespace.secret(SECRET).path();
        self.namespace.cluster().patch(&secret, &change).unwrap();
    }

    /// Revokes the key that signs: after how many seconds each process refused it, from the write on.
    fn revoke(&self, new: &str, nudged: bool) -> Vec<(String, f64)> {
        let (bad, stolen) = self.token();
        let before = self.show(&stolen);
        assert_eq!(before.len(), 2, "{before:?}");
        assert!(before.values().all(|said| said == "accepted"), "{before:?}");
        let written = Instant::now();
        self.replace(&name(&bad), &name(new));
        if nudged {
            super::nudge(&self.namespace, PODS);
        }
        let mut refused = BTreeMap::new();
        wait_for("everybody refuses the stolen token", UNNUDGED, || {
            thread::sleep(LOOK);
            for (api, said) in self.show(&stolen) {
                if said == format!("no key has the id {bad:?}") {
                    refused.entry(api).or_insert(written.elapsed());
                }
            }
            if !refused.contains_key("auth") && self.token().0 != bad {
                refused.insert("auth".to_owned(), written.elapsed());
            }
            check(refused.len() == 3, format!("{refused:?}"))
        });
        let seconds = refused.into_iter();
        seconds.map(|(who, lag)| (who, lag.as_secs_f64())).collect()
    }

    /// Puts another key in the place of the only one, and waits until everybody has it.
    fn replace_in_place(&self, name: &str, new: &str) {
        let (_, old) = self.token();
        self.namespace.secret(SECRET).set(&[(name, new)]);
        wait_for("everybody has the new key", UNNUDGED, || {
            thread::sleep(LOOK);
            let said = self.show(&old);
            let refused = said.values().all(|said| said != "accepted");
            // `auth` signs with the new one when both accept what it gives.
            let new = refused.then(|| self.show(&self.token().1));
            let accepted = new.is_some_and(|new| new.values().all(|said| said == "accepted"));
            check(accepted, format!("{said:?}"))
        });
    }

    /// Waits until a key signs, and gives the seconds since then.
    fn until_signs(&self, kid: &str, since: Instant) -> f64 {
        wait_for(&format!("{kid} signs"), UNNUDGED, || {
            let status = self.auth.get_json("/signer")?;
            check(status["kid"] == kid, &status)
        });
        since.elapsed().as_secs_f64()
    }

    fn assert_same_processes(&self) {
        super::assert_same_processes(&self.namespace, PODS, &self.pods);
        assert_eq!(self.visitor.restarts().unwrap(), 0);
    }
}

fn name(kid: &str) -> String {
    format!("jwt.keys.{kid}")
}

fn key(name: &str) -> String {
    format!("the key {name}, which nobody knows")
}

fn shown(lags: &[(String, f64)]) -> String {
    let lags = lags.iter().map(|(who, lag)| format!("{who} {lag:.1} s"));
    lags.collect::<Vec<_>>().join(", ")
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn jwt_rotation_runs_from_its_own_manifests_but_for_image_and_command() {
    super::assert_overlay_changes_image_and_command_only(EXAMPLE, 5);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
#[expect(clippy::print_stdout, reason = "what is measured")]
fn jwt_rotation_rejects_no_token_and_revokes_a_key_in_every_process_at_the_default_sync() {
    let first = name("1");
    let story = Story::start("jwt", &[(&first, &key("1"))]);

    let since = Instant::now();
    let second = name("2");
    story.namespace.secret(SECRET).set(&[(&second, &key("2"))]);
    let took = story.until_signs("2", since);
    let counted = story.counted();
    println!(
        "rotation: the new key signed {took:.1} s after the write; {} tokens, {} times accepted, {} times rejected",
        counted["tokens"],
        counted["accepted"],
        story.rejected().values().sum::<u64>(),
    );
    story.assert_rejected_none_but(&[]);

    println!(
        "revocation: refused by {}",
        shown(&story.revoke("3", false))
    );
    story.until_signs("3", since);
    // Before the key that was held back is itself revoked.
    story.assert_rejected_none_but(&["2"]);
    println!(
        "revocation, pods annotated: refused by {}",
        shown(&story.revoke("4", true))
    );
    story.until_signs("4", since);

    story.assert_rejected_none_but(&["2", "3"]);
    story.assert_same_processes();
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
#[expect(clippy::print_stdout, reason = "what is measured")]
fn jwt_rotation_with_the_naive_edit_of_one_key_rejects_tokens_at_the_default_sync() {
    let naive = |text: &str| {
        text.replace("/testbed/bin/auth", "/testbed/bin/one-key")
            .replace("/testbed/bin/api", "/testbed/bin/one-key")
    };
    let story = Story::start_edited("naive", &[("signing-key", &key("1"))], naive);
    // Older tokens are rejected in any case, new ones as long as the volumes differ. By chance all are written at one
    // moment, such as right after the start.
    let mut keys = (2..=4).map(|number| key(&number.to_string()));
    while story.counted()["rejected_fresh"] == json!({}) {
        let new = keys
            .next()
            .expect("one of so many edits makes new tokens be rejected");
        story.replace_in_place("signing-key", &new);
    }
    let counted = story.counted();
    println!(
        "the naive edit of one key: new tokens were rejected for {:.1} s; rejected {} times of {}",
        counted["window_seconds"].as_f64().unwrap(),
        story.rejected().values().sum::<u64>(),
        counted["accepted"].as_u64().unwrap() + story.rejected().values().sum::<u64>(),
    );
    story.assert_same_processes();
}
