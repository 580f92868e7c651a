//! H6: who signs holds a new key back until all have it who check.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use retune::{KeySet, KeyStatus, Live, Retune, SignedBy, Signer};
use support::{Volume, eventually, until_ok, until_rejected};

#[derive(Debug, Retune)]
struct Config {
    jwt: KeySet,
}

/// Those who check, as they are to answer.
#[derive(Clone, Default)]
struct Verifiers {
    have: Arc<Mutex<Vec<BTreeSet<String>>>>,
    asked: Arc<AtomicU64>,
}

impl Verifiers {
    fn having(sets: &[&[&str]]) -> Self {
        let verifiers = Self::default();
        verifiers.now_have(sets);
        verifiers
    }

    fn now_have(&self, sets: &[&[&str]]) {
        let own = |ids: &&[&str]| ids.iter().map(|kid| (*kid).to_owned()).collect();
        *self.have.lock().unwrap() = sets.iter().map(own).collect();
    }

    fn ask(&self, kid: &str) -> Result<(), String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let have = self.have.lock().unwrap();
        let lacking = have
            .iter()
            .enumerate()
            .filter(|(_, ids)| !ids.contains(kid));
        let lacking: Vec<_> = lacking.map(|(i, _)| format!("api-{i}")).collect();
        match lacking.is_empty() {
            true => Ok(()),
            false => Err(lacking.join(", ")),
        }
    }

    fn signer(&self, live: &Live<Config>) -> Signer<Config> {
        let this = self.clone();
        Signer::start(live.view(|c| &c.jwt), move |kid| this.ask(kid))
    }
}

/// A Secret's volume whose keys are called like their ids.
struct Secret {
    _dir: tempfile::TempDir,
    volume: Volume,
}

impl Secret {
    fn new(ids: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let volume = Volume::new(dir.path().join("v"), &[]);
        let this = Self { _dir: dir, volume };
        this.give(ids, None);
        this
    }

    fn give(&self, ids: &[&str], active: Option<&str>) {
        let keys = ids
            .iter()
            .map(|kid| (format!("jwt.keys.{kid}"), format!("key of {kid}")));
        let active = active.map(|kid| ("jwt.active".to_owned(), kid.to_owned()));
        let all: Vec<_> = keys.chain(active).collect();
        let all: Vec<_> = all.iter().map(|(key, text)| (&**key, &**text)).collect();
        self.volume.publish(&all);
    }

    fn live(&self) -> Live<Config> {
        Config::loader().mount(self.volume.path()).watch().unwrap()
    }
}

/// What something is signed with now; id and key must belong together.
fn signs(signer: &Signer<Config>) -> String {
    signer.with(|kid, key| {
        assert_eq!(*key.expose(), format!("key of {kid}"));
        kid.to_owned()
    })
}

fn until_signs(signer: &Signer<Config>, kid: &str) {
    eventually(&format!("{kid} signs"), || signs(signer) == kid);
}

fn waiting(signer: &Signer<Config>) -> Vec<KeyStatus> {
    signer.status().waiting().cloned().collect()
}

/// Waits until somebody was asked about the key that waits, and lacks it.
fn until_lacking(signer: &Signer<Config>, kid: &str, who: &str) {
    eventually(&format!("{who} lack {kid}"), || {
        let waiting = waiting(signer);
        let key = waiting.iter().find(|key| key.kid == kid);
        key.is_some_and(|key| key.lacking.as_deref() == Some(who))
    });
}

fn until_generation(live: &Live<Config>, generation: u64) {
    eventually(&format!("generation {generation}"), || {
        live.status().generation >= generation
    });
}

#[test]
fn h6_a_new_key_signs_when_everybody_has_it_and_not_before() {
    let verifiers = Verifiers::having(&[&["a"], &["a"]]);
    let secret = Secret::new(&["a"]);
    let live = secret.live();
    let signer = verifiers.signer(&live);
    secret.give(&["a", "b"], None);
    until_lacking(&signer, "b", "api-0, api-1");
    verifiers.now_have(&[&["a", "b"], &["a"]]);
    until_lacking(&signer, "b", "api-1");
    assert_eq!(signs(&signer), "a");
    verifiers.now_have(&[&["a", "b"], &["a", "b"]]);
    until_signs(&signer, "b");
    let status = signer.status();
    assert_eq!((status.by, status.generation), (SignedBy::Confirmed, 2));
    assert_eq!(status.waiting().count(), 0);
    // Nothing is open: nobody is asked any more.
    let asked = verifiers.asked.load(Ordering::SeqCst);
    secret.give(&["b"], None);
    until_generation(&live, 3);
    until_signs(&signer, "b");
    assert_eq!(verifiers.asked.load(Ordering::SeqCst), asked);
}

#[test]
fn h6_after_a_restart_the_oldest_signs_until_the_others_are_asked() {
    let verifiers = Verifiers::having(&[&[]]);
    let secret = Secret::new(&["a", "b", "c"]);
    let live = secret.live();
    let signer = verifiers.signer(&live);
    until_lacking(&signer, "b", "api-0");
    assert_eq!(signs(&signer), "a");
    assert_eq!(signer.status().by, SignedBy::Unconfirmed);
    verifiers.now_have(&[&["a", "b"]]);
    until_signs(&signer, "b");
    until_lacking(&signer, "c", "api-0");
    verifiers.now_have(&[&["a", "b", "c"]]);
    until_signs(&signer, "c");
}

#[test]
fn h6_a_second_edit_promotes_a_key_that_not_everybody_is_known_to_have() {
    let verifiers = Verifiers::having(&[&["a"]]);
    let secret = Secret::new(&["a"]);
    let live = secret.live();
    let signer = verifiers.signer(&live);
    secret.give(&["a", "b"], None);
    until_lacking(&signer, "b", "api-0");
    secret.give(&["a", "b"], Some("b"));
    until_signs(&signer, "b");
    assert_eq!(signer.status().by, SignedBy::Active);
    secret.give(&["a", "b"], Some("a"));
    until_signs(&signer, "a");
    // What everybody has waits for the order as well.
    verifiers.now_have(&[&["a", "b"]]);
    eventually("b is confirmed", || waiting(&signer)[0].confirmed.is_some());
    assert_eq!(signs(&signer), "a");
}

#[test]
fn h6_a_key_that_is_removed_signs_nothing_in_that_generation() {
    let verifiers = Verifiers::having(&[&["a", "b"]]);
    let secret = Secret::new(&["a", "b"]);
    let live = secret.live();
    let signer = verifiers.signer(&live);
    until_signs(&signer, "b");
    // Whoever sees the generation without `b` is not signed for with `b` any more: not one time.
    let mut changes = live.changes();
    changes.next().unwrap();
    secret.give(&["a", "c"], None);
    let change = changes.next().unwrap();
    assert_eq!(change.new_value().jwt.ids().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(signs(&signer), "a");
    // Nobody has what is left: it signs all the same.
    secret.give(&["c"], None);
    changes.next().unwrap();
    assert_eq!(signs(&signer), "c");
    let status = signer.status();
    assert_eq!(status.by, SignedBy::Unconfirmed);
    eventually("it is told who lacks it", || {
        signer.status().keys[0].lacking.as_deref() == Some("api-0")
    });
    verifiers.now_have(&[&["c"]]);
    eventually("it is confirmed", || {
        signer.status().by == SignedBy::Confirmed
    });
}

#[test]
fn h6_id_key_and_generation_belong_together_while_keys_come_and_go() {
    let set = |from: u64| {
        let keys = (from..from + 3).map(|n| {
            (
                format!("{n:06}"),
                retune::Secret::new(format!("key of {n:06}")),
            )
        });
        KeySet::new(keys, None).unwrap()
    };
    let (live, setter) = Live::settable(Config { jwt: set(0) });
    let signer = Verifiers::having(&[]).signer(&live);
    let done = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let last = done.load(Ordering::SeqCst) == 1;
                    let oldest = live.with(|c| c.jwt.ids().next().unwrap().to_owned());
                    let kid = signs(&signer);
                    // A key that was gone before the call signs nothing.
                    assert!(kid >= oldest, "{kid} is gone, {oldest} is the oldest");
                    if last {
                        return;
                    }
                }
            });
        }
        for from in 1..2000 {
            setter.set(Config { jwt: set(from) });
        }
        done.store(1, Ordering::SeqCst);
    });
    until_signs(&signer, "002001");
}

#[test]
fn h6_who_never_answers_holds_a_new_key_back_and_is_named_until_the_old_one_is_removed() {
    let secret = Secret::new(&["a"]);
    let live = secret.live();
    let release = Arc::new((Mutex::new(false), Condvar::new()));
    let held = release.clone();
    let ask = move |kid: &str| {
        let (released, condition) = &*held;
        let mut released = released.lock().unwrap();
        while kid == "b" && !*released {
            released = condition.wait(released).unwrap();
        }
        Ok(())
    };
    let signer = Signer::start(live.view(|c| &c.jwt), ask);
    secret.give(&["a", "b"], None);
    eventually("it is asked", || {
        waiting(&signer)
            .first()
            .is_some_and(|key| key.asking.is_some())
    });
    assert_eq!(signs(&signer), "a");
    secret.give(&["b"], None);
    until_signs(&signer, "b");
    assert_eq!(signer.status().by, SignedBy::Unconfirmed);
    *release.0.lock().unwrap() = true;
    release.1.notify_all();
    eventually("the answer counts", || {
        signer.status().by == SignedBy::Confirmed
    });
}

#[test]
fn h6_a_question_that_panics_is_no_answer() {
    let secret = Secret::new(&["a", "b"]);
    let live = secret.live();
    let has_route = Arc::new(AtomicBool::new(false));
    let asked = has_route.clone();
    let ask = move |_: &str| match asked.load(Ordering::SeqCst) {
        false => panic!("no route"),
        true => Ok(()),
    };
    let signer = Signer::start(live.view(|c| &c.jwt), ask);
    until_lacking(&signer, "b", "asking has panicked: no route");
    assert_eq!(signs(&signer), "a");
    has_route.store(true, Ordering::SeqCst);
    until_signs(&signer, "b");
}

#[test]
fn h6_of_two_signers_each_asks_for_itself() {
    let secret = Secret::new(&["a"]);
    let (one, other) = (Verifiers::having(&[&["a"]]), Verifiers::having(&[&["a"]]));
    let lives = [secret.live(), secret.live()];
    let signers = [one.signer(&lives[0]), other.signer(&lives[1])];
    secret.give(&["a", "b"], None);
    one.now_have(&[&["a", "b"]]);
    until_signs(&signers[0], "b");
    until_lacking(&signers[1], "b", "api-0");
    assert_eq!(signs(&signers[1]), "a");
    other.now_have(&[&["a", "b"]]);
    until_signs(&signers[1], "b");
}

#[test]
fn h6_another_key_under_the_same_id_is_refused_by_who_signs() {
    let verifiers = Verifiers::having(&[&["a"]]);
    let secret = Secret::new(&["a"]);
    let live = secret.live();
    let signer = verifiers.signer(&live);
    secret
        .volume
        .publish(&[("jwt.keys.a", "replaced in place")]);
    let told = until_rejected(&live).join("\n");
    assert!(
        told.contains("another key under the same id: `a`"),
        "{told}"
    );
    assert_eq!(signs(&signer), "a");
    secret.give(&["a", "b"], None);
    until_ok(&live);
    drop(signer);
    // Whoever signs no more refuses nothing.
    secret
        .volume
        .publish(&[("jwt.keys.a", "replaced in place")]);
    until_generation(&live, 3);
}

#[test]
fn h6_nobody_is_asked_after_the_signer_is_dropped_or_the_configuration_stopped() {
    for stop in [true, false] {
        let verifiers = Verifiers::having(&[&["a"]]);
        let secret = Secret::new(&["a", "b"]);
        let live = secret.live();
        let signer = verifiers.signer(&live);
        until_lacking(&signer, "b", "api-0");
        let clone = signer.clone();
        drop(signer);
        assert_eq!(signs(&clone), "a");
        if stop {
            live.stop().unwrap();
            assert_eq!(signs(&clone), "a");
        }
        let kept = stop.then_some(clone);
        // What asks owns a clone of this.
        let asked = Arc::downgrade(&verifiers.asked);
        drop(verifiers);
        eventually("the question is dropped", || asked.strong_count() == 0);
        drop(kept);
    }
}
