//! H5 and H6: whole pairs, of one generation, for readers at any moment.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use retune::{Live, Loader, Retune, Rotating, Secret, Snapshot};
use support::{ORDERS, Volume, eventually};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(overlap = "20ms")]
    login: Rotating<Login>,
}

#[derive(Debug, Retune)]
struct Login {
    user: String,
    password: Secret<String>,
}

impl Login {
    /// Which of all logins it is; fails if it is of two.
    fn whole(&self) -> u32 {
        let user = self.user.strip_prefix("user-").unwrap();
        let password = self.password.expose().strip_prefix("password-");
        assert_eq!(Some(user), password, "of two logins");
        user.parse().unwrap()
    }
}

/// What readers saw of each generation.
type Seen = BTreeMap<u64, (u32, Option<u32>)>;

/// Lets those who look on come to an end, also where the test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn look(live: &Live<Config>, all: &Mutex<Seen>, done: &AtomicBool) {
    let mut reader = live.reader();
    let mut last = (0, (0, None));
    while !done.load(Ordering::Relaxed) {
        let now = reader.snapshot();
        let pair = live.with(|c| {
            (
                c.login.current().whole(),
                c.login.previous().map(Login::whole),
            )
        });
        assert!(pair.0 >= now.login.current().whole(), "an older one");
        let pair = (
            now.login.current().whole(),
            now.login.previous().map(Login::whole),
        );
        let generation = Snapshot::generation(&now);
        if generation != last.0 {
            last = (generation, pair);
            let other = all.lock().unwrap().insert(generation, pair);
            assert!(
                other.is_none_or(|other| other == pair),
                "two pairs of one generation"
            );
        }
        assert_eq!(last, (generation, pair), "a generation that changes");
    }
}

/// How many generations were seen right before and right after another login came.
fn replaced(seen: &Seen) -> usize {
    let pairs = seen.iter().zip(seen.iter().skip(1));
    pairs
        .filter(|((before, old), (after, new))| **after == *before + 1 && old.0 != new.0)
        .count()
}

fn keys(n: u32, in_one: bool) -> Vec<(&'static str, String)> {
    match in_one {
        true => vec![(
            "login.yaml",
            format!("login: {{user: user-{n}, password: password-{n}}}"),
        )],
        false => vec![
            ("login.user", format!("user-{n}")),
            ("login.password", format!("password-{n}")),
        ],
    }
}

#[test]
fn h5_h6_readers_see_whole_pairs_and_the_one_that_ran_before() {
    const LAST: u32 = 300;
    for (order, in_one) in ORDERS.into_iter().zip([false, true]) {
        let dir = tempdir().unwrap();
        let publish = |n: u32, volume: Option<&Volume>| {
            let keys = keys(n, in_one);
            let keys: Vec<_> = keys.iter().map(|(key, text)| (*key, &**text)).collect();
            match volume {
                Some(volume) => {
                    volume.publish(&keys);
                    None
                }
                None => Some(Volume::with_order(dir.path().join("v"), order, &keys)),
            }
        };
        let volume = publish(1, None).unwrap();
        let loader: Loader<Config> = Config::loader().mount(volume.path());
        let live = loader.watch().unwrap();
        let (seen, done, ended) = (
            Mutex::default(),
            AtomicBool::new(false),
            AtomicUsize::new(0),
        );
        thread::scope(|scope| {
            let _at_the_end = Ends(&done);
            for _ in 0..3 {
                scope.spawn(|| look(&live, &seen, &done));
            }
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let before = live.status().generation;
                    let after = live.end_overlap("login").unwrap();
                    ended.fetch_add(usize::from(after > before), Ordering::Relaxed);
                    thread::yield_now();
                    eventually("another", || {
                        done.load(Ordering::Relaxed) || live.status().generation > after + 2
                    });
                }
            });
            for n in 2..=LAST {
                publish(n, Some(&volume));
            }
            // Where publishing is fast, little of it was seen.
            let mut last = LAST;
            eventually("enough to compare", || {
                let enough =
                    ended.load(Ordering::Relaxed) > 0 && replaced(&seen.lock().unwrap()) > 10;
                if !enough {
                    last += 1;
                    publish(last, Some(&volume));
                }
                enough
            });
            eventually("the last one alone", || {
                live.with(|c| c.login.current().whole() == last && c.login.previous().is_none())
            });
        });
        let seen = seen.into_inner().unwrap();
        for ((before, old), (after, new)) in seen.iter().zip(seen.iter().skip(1)) {
            if *after == before + 1 && old.0 != new.0 {
                assert_eq!(new.1, Some(old.0), "what ran is not the previous one");
            } else if *after == before + 1 {
                assert_eq!(new.1, None, "an overlap that came from nowhere");
            }
        }
        assert_eq!(live.status().counters.rejected(), 0);
    }
}
