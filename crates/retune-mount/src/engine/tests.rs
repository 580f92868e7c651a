//! What cannot be provoked from outside: an overflow of the kernel's queue,
//! and a panic of the watching thread.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::inotify::Events;
use super::{Interest, Member, Once, health, lock};
use crate::signal::{NoticedBy, Signal};
use crate::walk::{Fence, Found, Names, Walk};
use crate::{Content, Limits, Pins, Publisher, Reading, Watch};

const PATIENCE: Duration = Duration::from_secs(30);
/// The engine, its counters and what it is made to suffer are the whole process's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
const NEVER: Duration = Duration::from_secs(3600);

struct Place {
    tmp: tempfile::TempDir,
    signal: Signal,
    watch: Watch,
    /// A seat of one's own, to reach the engine's hooks.
    member: Member,
}

impl Place {
    fn new() -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let signal = Signal::new();
        let member = Member::join(&Signal::new(), NEVER).unwrap();
        let watch = Watch::new(tmp.path(), &signal).poll_every(NEVER, NEVER);
        let mut place = Self {
            tmp,
            signal,
            watch,
            member,
        };
        place.publish("1");
        assert_eq!(place.read(), "1");
        place
    }

    fn publish(&self, text: &str) {
        let publisher = Publisher::open(self.tmp.path()).unwrap();
        publisher.publish([("a", text)]).unwrap();
    }

    fn read(&mut self) -> String {
        match self.watch.read(&mut Pins::new(Limits::default())).unwrap() {
            Reading::Ready(found) => found
                .get("a")
                .and_then(Content::as_str)
                .unwrap_or_default()
                .to_owned(),
            Reading::Settling { .. } => String::new(),
        }
    }

    /// A directory that is watched apart from the path that is followed.
    fn interest(&self, dir: &Path) -> Interest {
        interest(&self.member, dir)
    }

    fn until(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let wake = self.signal.wait(Some(deadline));
            assert!(wake.noticed.is_some(), "{text} not seen in time");
            if self.read() == text {
                return;
            }
        }
    }
}

/// Watches a directory for all that happens in it.
fn interest(member: &Member, dir: &Path) -> Interest {
    let Found::Dir(dir) = Walk::new(&mut Pins::new(Limits::default()), &mut ())
        .resolve(None, dir, Fence::None)
        .unwrap()
    else {
        panic!("{dir:?} is no directory")
    };
    member.watch(&dir, Names::All).unwrap()
}

/// It is to be armed anew at the next read.
fn until_distrusted(interest: &Interest) {
    let deadline = Instant::now() + PATIENCE;
    while interest.is_alive() {
        assert!(Instant::now() < deadline, "still trusted");
        std::thread::yield_now();
    }
}

#[test]
fn c3_c14_an_overflow_and_a_panic_of_the_thread_are_survived_and_counted() {
    let _alone = lock(&ONE_AT_A_TIME);
    let mut place = Place::new();
    let core = std::sync::Arc::clone(&place.member.engine.core);

    // All events are lost from now on; only the overflow tells.
    core.hooks.overflow.store(true, Ordering::SeqCst);
    let before = health().overflows;
    let elsewhere = tempfile::tempdir().unwrap();
    let interest = place.interest(elsewhere.path());
    place.publish("2");
    place.until("2");
    assert!(health().overflows > before);
    // What was lost may have been that a directory is gone, and its inode may serve another now. The path may have
    // been told of an overflow before this one.
    until_distrusted(&interest);
    drop(interest);
    core.hooks.overflow.store(false, Ordering::SeqCst);

    // The thread panics on its next wake-up, that is, after it took the events.
    let before = health().panics;
    let interest = place.interest(elsewhere.path());
    core.hooks.panic.store(true, Ordering::SeqCst);
    core.kick(&core.lock());
    let deadline = Instant::now() + PATIENCE;
    while health().panics == before {
        assert!(Instant::now() < deadline, "no panic counted");
        std::thread::yield_now();
    }
    let wake = place.signal.wait(Some(deadline));
    assert_eq!(
        wake.noticed.map(|noticed| noticed.by),
        Some(NoticedBy::Event),
        "told to look"
    );
    until_distrusted(&interest);
    place.publish("3");
    place.until("3");
    assert_eq!(health().threads, 1);
    assert_eq!(health().polls, 0, "woken often, and by no tick");
}

#[test]
fn c3_a_watch_that_is_noted_after_an_overflow_but_made_before_is_asked_for_anew() {
    let mut events = Events::default();
    let before = events.gone();
    let (_, alive) = events.note(1, before, 0, None).unwrap();
    // Its end, or that of the next one, may be among what was lost.
    events.distrust();
    assert!(!alive.load(Ordering::SeqCst));
    for descriptor in [1, 2] {
        let late = events.note(descriptor, before, 0, None);
        assert!(late.is_none(), "{descriptor}");
    }
    assert_eq!(events.watches(), 1, "what is not noted leaves nothing");
    // The kernel gave it after the overflow.
    let anew = events.note(1, events.gone(), 0, None);
    assert!(anew.is_some_and(|(_, alive)| alive.load(Ordering::SeqCst)));
    // So it was there, whoever else asked for it.
    assert!(events.note(1, before, 0, None).is_some());
    assert!(events.note(2, before, 0, None).is_none());
}

#[test]
fn b5_what_happens_while_a_burst_is_read_is_told_at_once() {
    let _alone = lock(&ONE_AT_A_TIME);
    let tmp = tempfile::tempdir().unwrap();
    let signal = Signal::new();
    let member = Member::join(&signal, NEVER).unwrap();
    let _interest = interest(&member, tmp.path());
    let (at, quiet) = (Instant::now() + NEVER, NEVER);
    let cap = at;
    member.plan(NEVER, Once::Quiet { at, quiet, cap });
    member.begin_read();
    std::fs::write(tmp.path().join("a"), "1").unwrap();
    let wake = signal.wait(Some(Instant::now() + PATIENCE));
    assert_eq!(
        wake.noticed.map(|noticed| noticed.by),
        Some(NoticedBy::Event)
    );
}

#[test]
fn a_path_that_is_dropped_is_planned_for_no_more() {
    let _alone = lock(&ONE_AT_A_TIME);
    let member = Member::join(&Signal::new(), NEVER).unwrap();
    let other = Member::join(&Signal::new(), 2 * NEVER).unwrap();
    let (engine, id) = (std::sync::Arc::clone(&other.engine), other.id);
    let is_there = || engine.core.lock().members.contains_key(&id);
    assert!(is_there() && member.id != id);
    drop(other);
    assert!(!is_there());
}

#[test]
fn an_earlier_look_wakes_the_thread_that_means_to_sleep_for_longer() {
    let _alone = lock(&ONE_AT_A_TIME);
    let signal = Signal::new();
    let member = Member::join(&signal, NEVER).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while member.engine.core.lock().planned.is_none() {
        assert!(Instant::now() < deadline, "nothing is planned");
        std::thread::yield_now();
    }
    member.plan(NEVER, Once::At(Instant::now()));
    let wake = signal.wait(Some(deadline));
    assert_eq!(
        wake.noticed.map(|noticed| noticed.by),
        Some(NoticedBy::Poll)
    );
}
