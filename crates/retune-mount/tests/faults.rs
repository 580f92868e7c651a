//! System calls that fail, are interrupted, or do not return.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use retune_mount::faults::{Call, inject};
use retune_mount::{
    Content, ErrorKind, Limits, PathState, Pins, PollReason, Signal, Watch, health, read_once,
};
use rustix::io::Errno;
use support::{Follower, Volume, replace, wait_for};

const HOUR: Duration = Duration::from_secs(3600);
const OFTEN: Duration = Duration::from_millis(50);

/// Faults are of the whole process.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The three kinds of paths, beside each other.
struct Paths {
    volume: Volume,
    followers: Vec<Follower>,
}

impl Paths {
    fn new() -> Self {
        let volume = Volume::new([("a", "0")]);
        let mut paths = Self {
            volume,
            followers: Vec::new(),
        };
        paths.write("1");
        for name in ["volume", "file", "plain", "volume/a"] {
            let path = paths.volume.dir.with_file_name(name);
            // Only what fails is tried again soon, and only where nothing is watched it is polled.
            let poll = |watch: Watch| watch.poll_every(HOUR, OFTEN).quiet(OFTEN, HOUR);
            paths.followers.push(Follower::with(path, poll));
        }
        paths.until("1");
        paths
    }

    fn write(&self, text: &str) {
        self.volume.publish([("a", text)]);
        replace(&self.volume.dir.with_file_name("file"), text);
        let plain = self.volume.dir.with_file_name("plain");
        fs::create_dir_all(&plain).unwrap();
        replace(&plain.join("a"), text);
    }

    fn until(&mut self, text: &str) {
        for follower in &mut self.followers {
            follower.until(text, |this| {
                let now = this.seen.last();
                this.ok
                    && now.is_some_and(|now| {
                        now.file().or(now.get("a")).and_then(Content::as_str) == Some(&*text)
                    })
            });
        }
    }
}

#[test]
fn an_interrupted_call_is_no_failure() {
    let _turn = one_at_a_time();
    let mut paths = Paths::new();
    let calls = AtomicU32::new(0);
    let interrupted = Arc::new(Mutex::new(std::collections::HashSet::new()));
    let noted = Arc::clone(&interrupted);
    let failing = inject(move |call| {
        let this = calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        this.then(|| {
            noted.lock().unwrap().insert(call);
            Errno::INTR.raw_os_error()
        })
    });
    for n in 2..20 {
        paths.write(&n.to_string());
        paths.until(&n.to_string());
    }
    let late = Follower::events_only(paths.volume.path("a"));
    assert_eq!(late.watch.state(), &PathState::Events);
    drop(failing);
    for follower in paths.followers.iter().chain([&late]) {
        let errors: Vec<_> = follower.errors.iter().filter(|e| !e.is_missing()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(follower.watch.state(), &PathState::Events);
    }
    let interrupted = interrupted.lock().unwrap();
    for call in [
        Call::Open,
        Call::Stat,
        Call::ReadLink,
        Call::Read,
        Call::List,
        Call::FileSystem,
        Call::Watch,
        Call::Poll,
        Call::Events,
    ] {
        assert!(interrupted.contains(&call), "{call:?} was never met");
    }
}

/// What a read can fail by.
const FAILURES: [(Call, Errno); 15] = [
    (Call::Open, Errno::MFILE),
    (Call::Open, Errno::NFILE),
    (Call::Open, Errno::ACCESS),
    (Call::Open, Errno::IO),
    (Call::Open, Errno::NOMEM),
    (Call::Open, Errno::STALE),
    (Call::Stat, Errno::IO),
    (Call::Stat, Errno::ACCESS),
    (Call::ReadLink, Errno::IO),
    (Call::ReadLink, Errno::ACCESS),
    (Call::ReadLink, Errno::NOMEM),
    (Call::Read, Errno::IO),
    (Call::Read, Errno::STALE),
    (Call::List, Errno::IO),
    (Call::List, Errno::NOMEM),
];

#[test]
fn after_any_failure_of_a_read_the_last_value_arrives() {
    let _turn = one_at_a_time();
    let mut paths = Paths::new();
    for (round, (failing, errno)) in FAILURES.into_iter().enumerate() {
        let context = format!("{failing:?} {errno:?}");
        let faults = inject(move |call| (call == failing).then(|| errno.raw_os_error()));
        paths.write(&format!("{round} unread"));
        for follower in &mut paths.followers {
            // A volume's link is a name like any other to who follows one file of it; and who follows
            // a file lists nothing.
            let is_met = match failing {
                Call::List => follower.last().file().is_none(),
                _ => true,
            };
            follower.errors.clear();
            if is_met {
                follower.until(&context, |this| !this.errors.is_empty());
                let error = follower.errors.last().unwrap();
                let denied = errno == Errno::ACCESS;
                let kind = match denied {
                    true => ErrorKind::Permission,
                    false => ErrorKind::Io,
                };
                assert_eq!(error.kind(), kind, "{context}: {error}");
                let reason = std::io::Error::from(errno).to_string();
                assert!(denied || error.to_string().contains(&reason), "{error}");
            }
        }
        drop(faults);
        let text = format!("{round}");
        paths.write(&text);
        paths.until(&text);
        // It is watched as before.
        for follower in &paths.followers {
            assert_eq!(follower.watch.state(), &PathState::Events, "{context}");
        }
    }
    assert_eq!(health().panics, 0);
}

#[test]
fn b4_what_is_read_once_while_it_is_truncated_and_written_is_the_new_text() {
    let _turn = one_at_a_time();
    let tmp = tempfile::tempdir().unwrap();
    let file = tmp.path().join("file");
    for path in [tmp.path(), &file] {
        fs::write(&file, "before").unwrap();
        let writer = (file.clone(), AtomicU32::new(0));
        let faults = inject(move |call| {
            let (file, step) = &writer;
            match (call, step.load(Ordering::SeqCst)) {
                (Call::Read, 0) => fs::write(file, "").unwrap(),
                (Call::Open, 1) => fs::write(file, "after").unwrap(),
                _ => return None,
            }
            step.fetch_add(1, Ordering::SeqCst);
            None
        });
        let mut pins = Pins::new(Limits::default());
        let found = pins.read(path).unwrap();
        drop(faults);
        let text = found.file().or(found.get("file")).and_then(Content::as_str);
        assert_eq!(text, Some("after"), "{}", path.display());
        assert!(pins.still_current());
    }
}

#[test]
fn b5_what_never_rests_is_read_once_all_the_same() {
    let _turn = one_at_a_time();
    let tmp = tempfile::tempdir().unwrap();
    let file = tmp.path().join("file");
    fs::write(&file, "").unwrap();
    let writes = Arc::new(AtomicUsize::new(0));
    let (writer, counted, opened) = (file.clone(), Arc::clone(&writes), AtomicBool::new(false));
    let faults = inject(move |call| {
        if call == Call::Open {
            opened.store(true, Ordering::SeqCst);
        }
        if call == Call::Read && opened.swap(false, Ordering::SeqCst) {
            // Longer and shorter in turn.
            let n = counted.fetch_add(1, Ordering::SeqCst);
            fs::write(&writer, if n % 2 == 0 { "a" } else { "aa" }).unwrap();
        }
        None
    });
    let found = read_once(&file, Limits::default()).unwrap();
    drop(faults);
    let text = found.file().and_then(Content::as_str);
    assert!(text.is_some_and(|text| text.starts_with('a')));
    assert!(writes.load(Ordering::SeqCst) > 1, "not at the first try");
}

#[test]
fn however_often_it_failed_at_once_it_is_tried_again_soon() {
    let _turn = one_at_a_time();
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    let faults = inject(|call| (call == Call::Open).then(|| Errno::MFILE.raw_os_error()));
    // As when a storm of events meets a process that has no descriptors for a moment.
    for _ in 0..30 {
        follower.read();
    }
    assert!(!follower.ok);
    drop(faults);
    // Nothing happens any more, and the poll is an hour away.
    follower.until("read again", |this| this.ok);
}

#[test]
fn c2_a_directory_that_cannot_be_watched_is_polled_until_it_can() {
    let _turn = one_at_a_time();
    let mut paths = Paths::new();
    for (errno, reason) in [
        (Errno::NOSPC, PollReason::NoWatches),
        (Errno::ACCESS, PollReason::Unreadable),
        (Errno::NOMEM, PollReason::Os(Errno::NOMEM.raw_os_error())),
    ] {
        let faults = inject(move |call| (call == Call::Watch).then(|| errno.raw_os_error()));
        let poll = |watch: Watch| watch.poll_every(HOUR, OFTEN);
        let mut late = Follower::with(&paths.volume.dir, poll);
        let polling = PathState::Polling {
            reason,
            every: OFTEN,
        };
        assert_eq!(late.watch.state(), &polling);
        paths.write(&format!("{errno:?}"));
        late.until_text("a", &format!("{errno:?}"));
        paths.until(&format!("{errno:?}"));
        drop(faults);
        late.until("events", |this| this.watch.state() == &PathState::Events);
        paths.write("watched");
        late.until_text("a", "watched");
        paths.until("watched");
    }
}

#[test]
fn c1_an_instance_that_is_refused_is_asked_for_again() {
    let _turn = one_at_a_time();
    // `inotify_init`, and the `eventfd` after one that went well.
    for going_well in [0, 1] {
        wait_for("no instance from before", || health().threads == 0);
        let volume = Volume::new([("a", "1")]);
        let calls = AtomicUsize::new(0);
        let faults = inject(move |call| {
            let fails = call == Call::Instance
                && calls.fetch_add(1, Ordering::SeqCst) % (going_well + 1) == going_well;
            fails.then(|| Errno::MFILE.raw_os_error())
        });
        let mut follower = Follower::with(&volume.dir, |watch| watch.poll_every(HOUR, OFTEN));
        let polling = PathState::Polling {
            reason: PollReason::NoInstances,
            every: OFTEN,
        };
        assert_eq!(follower.watch.state(), &polling, "{going_well}");
        volume.publish([("a", "2")]);
        follower.until_text("a", "2");
        drop(faults);
        follower.until("events", |this| this.watch.state() == &PathState::Events);
        volume.publish([("a", "3")]);
        follower.until_text("a", "3");
    }
}

// Without events is what it is taken to be until that is known.
#[test]
fn c4_a_file_system_that_cannot_be_told_is_asked_about_again() {
    let _turn = one_at_a_time();
    let faults = inject(|call| (call == Call::FileSystem).then(|| Errno::IO.raw_os_error()));
    let mut follower = Follower::with("/proc/version", |watch| watch.poll_every(HOUR, OFTEN));
    let polling = |reason| PathState::Polling {
        reason,
        every: OFTEN,
    };
    let unknown = PollReason::Os(Errno::IO.raw_os_error());
    assert_eq!(follower.watch.state(), &polling(unknown));
    drop(faults);
    let proc = polling(PollReason::FileSystem("proc"));
    follower.until("told", |this| this.watch.state() == &proc);
}

#[test]
fn events_that_cannot_be_read_or_waited_for_stop_nobody() {
    let _turn = one_at_a_time();
    let mut paths = Paths::new();
    for (failing, errno) in [
        (Call::Poll, Errno::NOMEM),
        (Call::Poll, Errno::INTR),
        (Call::Events, Errno::IO),
        (Call::Events, Errno::INTR),
    ] {
        let calls = Arc::new(AtomicUsize::new(0));
        let met = Arc::clone(&calls);
        let faults = inject(move |call| {
            (call == failing && met.fetch_add(1, Ordering::SeqCst) < 20)
                .then(|| errno.raw_os_error())
        });
        let text = format!("{failing:?} {errno:?}");
        paths.write(&text);
        paths.until(&text);
        drop(faults);
        assert!(calls.load(Ordering::SeqCst) > 0, "{text}: never met");
    }
    // That of those before may still be on its way out.
    wait_for("one thread", || health().threads == 1);
    assert_eq!(health().panics, 0);
}

/// Holds calls of one thread until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    held: AtomicBool,
}

impl Gate {
    fn pass(&self) {
        self.held.store(true, Ordering::SeqCst);
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

#[test]
fn a_reader_that_hangs_in_any_call_holds_up_nobody_else() {
    let _turn = one_at_a_time();
    let mut paths = Paths::new();
    for hanging in [
        Call::Open,
        Call::Stat,
        Call::ReadLink,
        Call::Read,
        Call::List,
        Call::FileSystem,
        Call::Watch,
    ] {
        let gate = Arc::new(Gate::default());
        let hold = Arc::clone(&gate);
        let faults = inject(move |call| {
            let this = std::thread::current().name() == Some("hangs");
            if this && call == hanging {
                hold.pass();
            }
            None
        });
        // What hangs in a volume has no statistics of its own to be asked for: a plain directory has.
        let path = paths.volume.dir.with_file_name("");
        let hangs = std::thread::Builder::new().name(String::from("hangs"));
        let hangs = hangs.spawn(move || {
            let mut watch = Watch::new(path, &Signal::new());
            watch.read(&mut Pins::new(Limits::default())).map(drop)
        });
        let hangs = hangs.unwrap();
        wait_for("it hangs", || gate.held.load(Ordering::SeqCst));
        for n in 0..3 {
            let text = format!("{hanging:?} {n}");
            paths.write(&text);
            paths.until(&text);
            // Who comes meanwhile, and who goes.
            let late = Follower::events_only(&paths.volume.dir);
            assert_eq!(late.text("a"), Some(text));
            let mut gone = Watch::new(Path::new("/nowhere/at/all"), &late.signal);
            _ = gone.read(&mut Pins::new(Limits::default()));
        }
        assert!(!hangs.is_finished(), "{hanging:?} does hang");
        wait_for("one thread", || health().threads == 1);
        gate.open();
        hangs.join().unwrap().unwrap();
        drop(faults);
    }
}
