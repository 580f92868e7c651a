//! H4: what was before is wiped when its overlap is over. A child runs the configuration; the test
//! searches the child's memory for what only the test and the files know.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

mod support;

use std::env;

use retune::source::Mount;
use retune::{Retune, Rotating, Secret};
use support::memory::{Remnants, Searched, random, step};
use support::{Volume, is_child};

/// Where the child finds its volume.
const DIR: &str = "RETUNE_TEST_DIR";

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "what stays of it is searched for")]
struct Config {
    #[retune(overlap = "until told")]
    key: Rotating<Secret<String>>,
    #[retune(overlap = "until told")]
    login: Rotating<Login>,
    #[retune(overlap = "until told")]
    bytes: Option<Rotating<Secret<Vec<u8>>>>,
}

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "what stays of it is searched for")]
struct Login {
    user: String,
    password: Secret<String>,
}

/// One generation of secrets, each shorter than those before.
struct Secrets([String; 3]);

impl Secrets {
    fn new(length: usize) -> Self {
        Self([(); 3].map(|()| random(length)))
    }

    fn keys(&self) -> [(&'static str, &str); 4] {
        let [key, password, bytes] = &self.0;
        [
            ("key", key),
            ("login.password", password),
            ("bytes", bytes),
            ("login.user", "somebody"),
        ]
    }

    fn search(&self, child: &Searched) -> Vec<Remnants> {
        child.search(&self.0.each_ref().map(|secret| &**secret))
    }

    #[track_caller]
    fn assert_there(&self, child: &Searched) {
        let found = self.search(child);
        assert!(found.iter().all(|found| found.copies > 0), "{found:?}");
    }

    #[track_caller]
    fn assert_gone(&self, child: &Searched) {
        assert_eq!(self.search(child), [Remnants::default(); 3]);
    }
}

#[test]
fn h4_nothing_stays_in_memory_of_what_was_before_when_its_overlap_is_over() {
    if is_child() {
        return run();
    }
    let dir = tempfile::tempdir().unwrap();
    let [first, second, third] = [900, 600, 300].map(Secrets::new);
    let volume = Volume::new(dir.path().join("v"), &first.keys());
    let test = "h4_nothing_stays_in_memory_of_what_was_before_when_its_overlap_is_over";
    let mut child = Searched::start(test, |command| _ = command.env(DIR, volume.path()));
    child.until("started");
    first.assert_there(&child);
    volume.publish(&second.keys());
    child.go_on();
    child.until("rotated");
    first.assert_there(&child);
    second.assert_there(&child);
    volume.publish(&third.keys());
    child.go_on();
    child.until("rotated again");
    first.assert_gone(&child);
    second.assert_there(&child);
    child.go_on();
    child.until("ended");
    second.assert_gone(&child);
    third.assert_there(&child);
    child.finish();
}

/// The child.
fn run() {
    let dir = env::var_os(DIR).unwrap();
    let live = Config::loader()
        .mount(Mount::new(dir).not_secret())
        .watch()
        .unwrap();
    step("started");
    for name in ["rotated", "rotated again"] {
        live.reload().unwrap();
        assert_eq!(live.status().overlaps.len(), 3);
        step(name);
    }
    for path in ["key", "login", "bytes"] {
        live.end_overlap(path).unwrap();
    }
    let status = live.status();
    assert_eq!((status.overlaps.len(), status.held.generations), (0, 0));
    assert!(status.secrets.iter().all(|secret| secret.wiped));
    step("ended");
}
