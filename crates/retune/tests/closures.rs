//! A source that the program gives by a closure: what it gives, when it is called, how it fails.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::io::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use retune::source::{Closure, Keys, from_fn};
use retune::status::{Health, RejectionReason};
use retune::{Live, Retune, Secret};
use support::{Notes, Volume, eventually, lines, until_ok, until_rejected, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    port: u16,
    password: Option<Secret<String>>,
    #[retune(default)]
    hosts: Vec<String>,
}

type Outcome = Result<Option<BTreeMap<&'static str, String>>, Error>;

/// Something outside that the closure reads, and that may fail.
#[derive(Clone)]
struct Store {
    outcome: Arc<Mutex<Box<dyn Fn() -> Outcome + Send>>>,
    calls: Arc<AtomicUsize>,
}

impl Store {
    fn new(keys: &[(&'static str, &str)]) -> Self {
        let store = Self {
            outcome: Arc::new(Mutex::new(Box::new(|| Ok(None)))),
            calls: Arc::default(),
        };
        store.put(keys);
        store
    }

    fn put(&self, keys: &[(&'static str, &str)]) {
        let keys = keys.iter().map(|(key, value)| (*key, (*value).to_owned()));
        let keys: BTreeMap<_, _> = keys.collect();
        self.now(move || Ok(Some(keys.clone())));
    }

    fn now(&self, outcome: impl Fn() -> Outcome + Send + 'static) {
        // A panic of the closure poisons it.
        let mut now = self.outcome.lock().unwrap_or_else(|lock| lock.into_inner());
        *now = Box::new(outcome);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn source(&self) -> Closure {
        let store = self.clone();
        from_fn("store", move || {
            store.calls.fetch_add(1, Ordering::SeqCst);
            let outcome = store
                .outcome
                .lock()
                .unwrap_or_else(|lock| lock.into_inner());
            outcome()
        })
    }
}

fn message(live: &Live<Config>) -> String {
    live.with(|config| config.message.clone())
}

#[test]
fn keys_and_documents_are_as_those_of_a_volume_and_name_the_source() {
    let store = Store::new(&[
        ("app.yaml", "message: document\nport: 1\nhosts: [a]\n"),
        ("message", "key\n"),
        (".env", "PORT=2\n"),
        ("prot", "3"),
    ]);
    let live = Config::loader().source(store.source()).watch().unwrap();
    let config = live.load();
    assert_eq!((&*config.message, config.port), ("key", 1));
    assert_eq!(config.hosts, ["a"]);
    let explained = live.explain("message").unwrap().to_string();
    assert!(explained.contains("key (store/message:1:1)"), "{explained}");
    let overridden = "overrides document (store/app.yaml:1:10)";
    assert!(explained.contains(overridden), "{explained}");
    let told = warnings(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["store/prot", "did you mean `port`?"] {
        assert!(told[0].contains(part), "{told:?}");
    }
    let status = live.status();
    assert_eq!(status.sources[0].name, "closure store");
    assert_eq!(status.sources[0].kind.to_string(), "closure");
    let json = serde_json::to_string(&live.explain_all()).unwrap();
    assert!(json.contains(r#""kind":"closure""#), "{json}");
}

#[test]
fn it_stands_where_it_was_added_among_the_sources() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "mount"), ("port", "1")]);
    let store = Store::new(&[("message", "store")]);
    let above = Config::loader().mount(volume.path()).source(store.source());
    assert_eq!(above.once().unwrap().message, "store");
    let below = Config::loader().source(store.source()).mount(volume.path());
    let config = below.once().unwrap();
    assert_eq!((&*config.message, config.port), ("mount", 1));
}

#[test]
fn a_hint_from_any_thread_has_it_called_again_and_what_is_the_same_is_no_generation() {
    let store = Store::new(&[("message", "0")]);
    let source = store.source();
    let hint = source.hint();
    hint.changed();
    let live = Config::loader().source(source).watch().unwrap();
    let notes = Notes::of(&live, |config| config.message.clone());
    for n in ["1", "2", "3"] {
        store.put(&[("message", n)]);
        let hint = hint.clone();
        thread::spawn(move || hint.changed()).join().unwrap();
        notes.until_last(n.to_owned());
    }
    let calls = store.calls();
    hint.changed();
    eventually("it is called", || store.calls() > calls);
    live.reload().unwrap();
    assert_eq!(notes.values(), ["0", "1", "2", "3"]);
    assert_eq!(live.status().generation, 4);
    assert!(live.status().counters.events >= 4);
    live.stop().unwrap();
    hint.changed();
}

#[test]
fn it_is_called_for_a_reason_and_not_with_every_other_source() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("port", "1")]);
    let store = Store::new(&[("message", "kept")]);
    let live = Config::loader()
        .mount(volume.path())
        .source(store.source())
        .watch()
        .unwrap();
    for port in 2..6 {
        volume.publish(&[("port", &port.to_string())]);
        eventually("the volume is followed", || live.with(|c| c.port == port));
    }
    assert_eq!(store.calls(), 1);
    assert_eq!(message(&live), "kept");
    store.put(&[("message", "reloaded")]);
    live.reload().unwrap();
    assert_eq!(store.calls(), 2);
    assert_eq!(message(&live), "reloaded");
}

#[test]
fn what_cannot_tell_that_it_changed_is_polled() {
    let store = Store::new(&[("message", "one")]);
    let source = store.source().poll_every(Duration::from_millis(10));
    let live = Config::loader().source(source).watch().unwrap();
    store.put(&[("message", "two")]);
    eventually("it is seen", || message(&live) == "two");
    store.put(&[]);
    eventually("a key that is gone", || message(&live) == "none");
    assert_eq!(live.status().health, Health::Ok);
}

#[test]
fn e9_a_closure_that_fails_at_the_start_is_told_and_later_leaves_the_last_good_values() {
    let store = Store::new(&[]);
    store.now(|| Err(Error::other("connection refused")));
    let error = Config::loader().source(store.source()).watch().unwrap_err();
    let told = lines(error.problems());
    assert_eq!(told, ["store: connection refused"]);

    store.put(&[("message", "good")]);
    let source = store.source();
    let hint = source.hint();
    let live = Config::loader().source(source).watch().unwrap();
    store.now(|| Err(Error::other("connection refused")));
    hint.changed();
    assert_eq!(until_rejected(&live), ["store: connection refused"]);
    let status = live.status();
    assert_eq!(status.health, Health::Degraded);
    assert_eq!(status.rejection.unwrap().reason, RejectionReason::Source);
    assert!(!status.sources[0].ok);
    assert_eq!(message(&live), "good");
    // It is tried again by itself.
    store.put(&[("message", "better")]);
    until_ok(&live);
    assert_eq!(message(&live), "better");
}

#[test]
fn e9_a_closure_that_gives_nothing_is_refused_unless_it_is_optional() {
    let store = Store::new(&[]);
    store.now(|| Ok(None));
    let error = Config::loader().source(store.source()).watch().unwrap_err();
    let told = lines(error.problems());
    assert!(
        told[0].contains("store") && told[0].contains("optional"),
        "{told:?}"
    );

    let source = store.source().optional();
    let hint = source.hint();
    let live = Config::loader().source(source).watch().unwrap();
    assert_eq!(message(&live), "none");
    store.put(&[("message", "there")]);
    hint.changed();
    eventually("it appears", || message(&live) == "there");
    store.now(|| Ok(None));
    hint.changed();
    eventually("the default", || message(&live) == "none");

    store.put(&[("message", "there")]);
    let source = store.source();
    let hint = source.hint();
    let live = Config::loader().source(source).watch().unwrap();
    store.now(|| Ok(None));
    hint.changed();
    until_rejected(&live);
    assert_eq!(message(&live), "there");
}

#[test]
fn f7_a_panic_in_it_is_caught_and_told_and_it_is_called_again() {
    let store = Store::new(&[("message", "good")]);
    let source = store.source();
    let hint = source.hint();
    let live = Config::loader().source(source).watch().unwrap();
    store.now(|| panic!("out of luck"));
    hint.changed();
    let told = until_rejected(&live);
    assert_eq!(told, ["store: it panicked: out of luck"]);
    assert_eq!(message(&live), "good");
    store.put(&[("message", "better")]);
    hint.changed();
    until_ok(&live);
    assert_eq!(message(&live), "better");
}

#[test]
fn f2_a_bad_value_or_document_of_it_is_refused_with_its_place() {
    let store = Store::new(&[("port", "1")]);
    let source = store.source();
    let hint = source.hint();
    let live = Config::loader().source(source).watch().unwrap();
    for (keys, place) in [
        ([("port", "eighty")], "store/port:1:1: `port`: expected"),
        ([("app.yaml", "port: [1")], "store/app.yaml:1:7"),
    ] {
        store.put(&keys);
        hint.changed();
        eventually(place, || {
            support::rejection(&live)
                .iter()
                .any(|line| line.contains(place))
        });
        assert_eq!(live.with(|config| config.port), 1);
        store.put(&[("port", "1")]);
        hint.changed();
        until_ok(&live);
    }
}

#[test]
fn h1_h2_a_secret_closure_s_values_are_shown_nowhere_not_even_by_its_own_error() {
    let store = Store::new(&[("message", "hunter2"), ("app.yaml", "hosts: [hunter2]")]);
    let source = store.source().secret();
    let hint = source.hint();
    let live = Config::loader().source(source).watch().unwrap();
    assert_eq!(message(&live), "hunter2");
    store.now(|| Err(Error::other("401 for hunter2")));
    hint.changed();
    let told = until_rejected(&live);
    let all = format!("{told:?} {:?} {:?}", live.status(), live.explain_all());
    assert!(!all.contains("hunter2"), "{all}");
    assert!(told[0].contains("401 for"), "{told:?}");
    let keys = Keys::from([("message", "hunter2")]);
    assert_eq!(format!("{keys:?}"), r#"{"message"}"#);
    // A field that is a secret is one, whatever gives it.
    let store = Store::new(&[("password", "hunter2")]);
    let live = Config::loader().source(store.source()).watch().unwrap();
    let explained = live.explain("password").unwrap().to_string();
    assert!(!explained.contains("hunter2"), "{explained}");
    live.with(|c| assert_eq!(c.password.as_ref().unwrap().expose(), "hunter2"));
}

#[test]
fn one_that_hangs_is_named_as_stuck_and_holds_up_nobody() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("port", "1")]);
    let (go_on, wait): (Sender<()>, Receiver<()>) = channel();
    let wait = Mutex::new(wait);
    let (on_thread, threads) = channel();
    let mut first = true;
    let source = from_fn("store", move || {
        let thread = thread::current();
        on_thread.send((thread.id(), thread.name().map(str::to_owned)))?;
        if !std::mem::take(&mut first) {
            wait.lock().map_err(|_| "poisoned")?.recv()?;
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>([("message", "store")])
    });
    let hint = source.hint();
    let live = Config::loader()
        .mount(volume.path())
        .source(source)
        .patience(Duration::from_millis(20))
        .watch()
        .unwrap();
    let other = Config::loader().mount(volume.path()).watch().unwrap();
    assert_eq!(threads.recv().unwrap().0, thread::current().id());
    hint.changed();
    eventually("it is named", || {
        let stuck = live.status().stuck;
        stuck.is_some_and(|stuck| stuck.doing == "reading closure store")
    });
    let thread = threads.recv().unwrap();
    assert_eq!(thread.1.as_deref(), Some("retune-reload"));
    volume.publish(&[("port", "2")]);
    eventually("others follow", || other.with(|config| config.port == 2));
    assert_eq!(live.with(|config| config.port), 1);
    go_on.send(()).unwrap();
    eventually("it goes on", || live.with(|config| config.port == 2));
    until_ok(&live);
}

#[test]
fn an_error_is_told_with_its_causes() {
    #[derive(Debug)]
    struct Outer(Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the store does not answer")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let failing = from_fn("store", || {
        Err::<Vec<(String, String)>, _>(Outer(Error::other("refused")))
    });
    let error = Config::loader().source(failing).once().unwrap_err();
    let told = lines(error.problems());
    assert_eq!(told, ["store: the store does not answer: refused"]);
    let text = from_fn("store", || {
        Err::<Vec<(String, String)>, _>("no answer from redis://u:hunter2@db")
    });
    let error = Config::loader().source(text).once().unwrap_err();
    let told = lines(error.problems());
    assert_eq!(told, ["store: no answer from redis://u:[redacted]@db"]);
}
