//! Group C: the watching thread and what the kernel does to it.
#![cfg(target_os = "linux")]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant, SystemTime};

use retune_mount::{
    ErrorKind, Limits, NoticedBy, PathState, Pins, PollReason, Signal, Watch, health,
    wait_until_stopped,
};
use rustix::process::{Resource, Rlimit};
use support::{Follower, PATIENCE, Volume, in_child, replace, wait_for, with_sysctl};

const OFTEN: Duration = Duration::from_millis(50);

/// A follower with nothing but the poll for want of what `limit` names.
fn starved(test: &str, limit: &str, reason: PollReason, advice: &str) {
    let wrapper = match std::env::var_os("RETUNE_TEST_CHILD") {
        Some(_) => Vec::new(),
        None => match with_sysctl(limit, 0) {
            Some(wrapper) => wrapper,
            None => return,
        },
    };
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    if !in_child(test, &wrapper) {
        return;
    }
    let volume = Volume::new([("a", "1")]);
    let plain = volume.dir.with_file_name("plain");
    fs::write(&plain, "1").unwrap();
    let poll = |watch: Watch| watch.poll_every(Duration::from_secs(3600), OFTEN);
    let start = Instant::now();
    let mut in_volume = Follower::with(&volume.dir, poll);
    let mut of_file = Follower::with(&plain, poll);
    let expected = PathState::Polling {
        reason,
        every: OFTEN,
    };
    for follower in [&in_volume, &of_file] {
        assert_eq!(follower.watch.state(), &expected);
        assert!(follower.watch.state().to_string().contains(advice));
    }
    volume.publish([("a", "2")]);
    in_volume.until_text("a", "2");
    replace(&plain, "2");
    of_file.until_text("plain", "2");
    // Woken for what is planned, and resting in between.
    let wakeups = health().wakeups;
    assert!(wakeups < 1000, "{wakeups} wake-ups");
    // The limit is raised: events are taken up again, without a restart.
    fs::write(format!("/proc/sys/user/{limit}"), "100").unwrap();
    for follower in [&mut in_volume, &mut of_file] {
        follower.until("events", |this| this.watch.state() == &PathState::Events);
    }
    // Of instances there are few, and others ask for them too: that is not done at each poll.
    let rested = start.elapsed() >= Duration::from_secs(5);
    assert!(rested || reason != PollReason::NoInstances);
    volume.publish([("a", "3")]);
    in_volume.until_text("a", "3");
}

#[test]
fn c1_without_an_inotify_instance_changes_arrive_by_polling() {
    let test = "c1_without_an_inotify_instance_changes_arrive_by_polling";
    starved(
        test,
        "max_inotify_instances",
        PollReason::NoInstances,
        "max_user_instances",
    );
}

#[test]
fn c1_a_read_without_a_descriptor_left_unwatches_nothing() {
    if !in_child("c1_a_read_without_a_descriptor_left_unwatches_nothing", &[]) {
        return;
    }
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    let watches = health().watches;
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let none_left = Rlimit {
        current: Some(3),
        ..limit
    };
    rustix::process::setrlimit(Resource::Nofile, none_left).unwrap();
    follower.read();
    let mut late = volume.follow();
    rustix::process::setrlimit(Resource::Nofile, limit).unwrap();
    for follower in [&follower, &late] {
        let error = follower.errors.last().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("ulimit -n"), "{error}");
    }
    assert_eq!(health().watches, watches);
    assert_eq!(follower.watch.state(), &PathState::Events);
    assert_eq!(late.watch.state(), &PathState::Unread);
    // Tried again, without anything that happens in the volume.
    late.until_text("a", "1");
    volume.publish([("a", "2")]);
    follower.until_text("a", "2");
    late.until_text("a", "2");
}

#[test]
fn c2_without_a_watch_changes_arrive_by_polling() {
    let test = "c2_without_a_watch_changes_arrive_by_polling";
    starved(
        test,
        "max_inotify_watches",
        PollReason::NoWatches,
        "max_user_watches",
    );
}

#[test]
fn c4_on_a_file_system_without_events_the_poll_finds_the_change() {
    // Its content changes all the time, and no event ever tells.
    let mut follower = Follower::with("/proc/uptime", |watch| {
        watch
            .poll_every(Duration::from_secs(3600), OFTEN)
            .quiet(Duration::ZERO, Duration::ZERO)
    });
    let reason = PollReason::FileSystem("proc");
    assert_eq!(
        follower.watch.state(),
        &PathState::Polling {
            reason,
            every: OFTEN
        }
    );
    follower.until("three times", |this| this.seen.len() >= 3);
}

#[test]
fn c6_however_the_swap_is_made_it_is_seen() {
    let volume = Volume::new([("a", "0")]);
    let data = volume.path("..data");
    let mut follower = volume.follow();
    let fill = |name: &str, text: &str| {
        fs::create_dir(volume.path(name)).unwrap();
        fs::write(volume.path(name).join("a"), text).unwrap();
    };
    // Seen as moved.
    volume.publish([("a", "moved")]);
    follower.until_text("a", "moved");
    // Seen as removed, then as made.
    fill("..by-create", "created");
    fs::remove_file(&data).unwrap();
    symlink("..by-create", &data).unwrap();
    follower.until_text("a", "created");
    let parked = volume.dir.with_file_name("parked");
    let beneath = volume.dir.with_file_name("link");
    symlink(&volume.dir, &beneath).unwrap();
    let mut through_link = Follower::events_only(&beneath);
    assert_eq!(through_link.text("a").as_deref(), Some("created"));
    // The whole directory is moved away, and another one into its place.
    fs::rename(&volume.dir, &parked).unwrap();
    fs::create_dir(&volume.dir).unwrap();
    volume.publish([("a", "another directory")]);
    follower.until_text("a", "another directory");
    through_link.until_text("a", "another directory");
}

#[test]
fn c7_a_storm_of_other_files_wakes_nobody_and_one_of_own_files_is_folded() {
    // By itself: of directories that other tests watch, an event may still come from before.
    let test = "c7_a_storm_of_other_files_wakes_nobody_and_one_of_own_files_is_folded";
    if !in_child(test, &[]) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let conf = tmp.path().join("conf");
    fs::write(&conf, "1").unwrap();
    let volume = Volume::new([("a", "1")]);
    let mut file = Follower::events_only(&conf);
    let mut directory = Follower::events_only(tmp.path());
    let mut bystander = volume.follow();
    std::thread::scope(|scope| {
        let storm = scope.spawn(|| {
            for n in 0..10_000 {
                fs::write(tmp.path().join("noise"), n.to_string()).unwrap();
            }
        });
        // Nobody starves meanwhile, and the directory's reader is not run ragged.
        for n in 0..20 {
            let text = n.to_string();
            volume.publish([("a", &text)]);
            bystander.until_text("a", &text);
        }
        while !storm.is_finished() {
            directory.until("a look", |_| true);
            if directory
                .signal
                .wait(Some(Instant::now() + OFTEN))
                .noticed
                .is_some()
            {
                directory.read();
            }
        }
    });
    directory.until_text("noise", "9999");
    // Each event a read would be 20,000 or more.
    assert!(directory.reads < 2_000, "{} reads", directory.reads);
    // A second look at the file, which was new when it was read first, but no event.
    let woken = file.signal.wait(Some(Instant::now()));
    assert_ne!(
        woken.noticed.map(|noticed| noticed.by),
        Some(NoticedBy::Event)
    );
    replace(&conf, "2");
    file.until_text("conf", "2");
}

#[test]
fn c7_a_file_is_not_looked_at_for_others_beside_it() {
    // By itself: of directories that other tests watch, an event may still come from before.
    if !in_child("c7_a_file_is_not_looked_at_for_others_beside_it", &[]) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let conf = tmp.path().join("conf");
    fs::write(&conf, "1").unwrap();
    let file = Follower::events_only(&conf);
    let mut directory = Follower::events_only(tmp.path());
    fs::write(tmp.path().join("noise"), "1").unwrap();
    directory.until_text("noise", "1");
    // Both are told of the same events. A second look at what is new is no event.
    let woken = file.signal.wait(Some(Instant::now()));
    let by = woken.noticed.map(|noticed| noticed.by);
    assert_ne!(by, Some(NoticedBy::Event));
}

/// `inotify(7)`.
const IN_CLOSE_WRITE: u32 = 0x8;

/// What the kernel tells this process of a directory.
fn mask(dir: &Path) -> u32 {
    let found = fs::metadata(dir).unwrap();
    // As the kernel keeps a device's number.
    let device = (rustix::fs::major(found.dev()) << 20) | rustix::fs::minor(found.dev());
    let inode = format!(" ino:{:x} sdev:{device:x} ", found.ino());
    let descriptors = fs::read_dir("/proc/self/fdinfo").unwrap();
    let infos = descriptors.filter_map(|fd| fs::read_to_string(fd.unwrap().path()).ok());
    let watched = infos.collect::<String>();
    let watch = watched.lines().find(|line| line.contains(&inode)).unwrap();
    let mask = watch.split_once(" mask:").unwrap().1;
    u32::from_str_radix(mask.split_once(' ').unwrap().0, 16).unwrap()
}

#[test]
fn c7_what_is_written_beside_a_directory_on_the_way_wakes_nobody() {
    let test = "c7_what_is_written_beside_a_directory_on_the_way_wakes_nobody";
    if !in_child(test, &[]) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let tmp = tmp.path();
    fs::create_dir(tmp.join("files")).unwrap();
    for name in ["files/conf", "files/target"] {
        fs::write(tmp.join(name), "1").unwrap();
    }
    symlink("files/target", tmp.join("link")).unwrap();
    let volume = Volume::new([("a", "1")]);
    let above = volume.dir.parent().unwrap();
    let _volume = volume.follow();
    let mut file = Follower::events_only(tmp.join("files/conf"));
    let mut linked = Follower::events_only(tmp.join("link"));
    // A volume in `/dev/shm` is woken by whoever writes to `/dev/null`, if it is asked for.
    for dir in [above, tmp] {
        assert_eq!(mask(dir) & IN_CLOSE_WRITE, 0, "{}", dir.display());
    }
    assert_ne!(mask(&tmp.join("files")) & IN_CLOSE_WRITE, 0);
    // In place, by the one event that there is.
    fs::write(tmp.join("files/conf"), "2").unwrap();
    file.until_text("conf", "2");
    fs::write(tmp.join("files/target"), "2").unwrap();
    linked.until_text("link", "2");
    // What was a directory on the way becomes a file's own.
    replace(&tmp.join("link"), "3");
    linked.until_text("link", "3");
    assert_ne!(mask(tmp) & IN_CLOSE_WRITE, 0);
}

#[test]
fn c1_a_thread_that_cannot_wait_rests_all_the_same() {
    if !in_child("c1_a_thread_that_cannot_wait_rests_all_the_same", &[]) {
        return;
    }
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    // `poll` refuses more descriptors than the process may have.
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let fewer = Rlimit {
        current: Some(1),
        ..limit
    };
    rustix::process::setrlimit(Resource::Nofile, fewer).unwrap();
    // It is in its wait, and has to be woken once: by a name that comes and goes.
    symlink("x", volume.path("..data_tmp")).unwrap();
    fs::remove_file(volume.path("..data_tmp")).unwrap();
    let (before, start) = (health().wakeups, Instant::now());
    wait_for("wake-ups", || health().wakeups >= before + 30);
    let took = start.elapsed();
    rustix::process::setrlimit(Resource::Nofile, limit).unwrap();
    // With one of 20 ms after each it takes 580.
    assert!(took >= Duration::from_millis(500), "no rest: {took:?}");
    volume.publish([("a", "2")]);
    follower.until_text("a", "2");
}

#[test]
fn c8_a_change_around_the_first_read_is_not_lost() {
    let volume = Volume::new([("a", "0")]);
    for n in 1..200 {
        let (old, new) = ((n - 1).to_string(), n.to_string());
        assert_eq!(fs::read_to_string(volume.path("a")).unwrap(), old);
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                volume.publish([("a", &new)]);
            });
            barrier.wait();
            let mut whole = volume.follow();
            let mut one = Follower::events_only(volume.path("a"));
            whole.until_text("a", &new);
            one.until_text("a", &new);
        });
    }
}

#[test]
fn c8_a_plain_file_that_changes_around_the_first_read_is_not_lost() {
    let tmp = tempfile::tempdir().unwrap();
    let conf = tmp.path().join("conf");
    fs::write(&conf, "0").unwrap();
    for n in 1..20 {
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                replace(&conf, &n.to_string());
            });
            barrier.wait();
            Follower::events_only(&conf).until_text("conf", &n.to_string());
        });
    }
}

#[test]
fn c10_what_a_path_no_longer_leads_through_is_watched_no_more() {
    let test = "c10_what_a_path_no_longer_leads_through_is_watched_no_more";
    if !in_child(test, &[]) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let current = tmp.path().join("current");
    let deploy = |n: usize| {
        let (target, new) = (tmp.path().join(n.to_string()), tmp.path().join("new"));
        fs::create_dir(&target).unwrap();
        fs::write(target.join("conf"), n.to_string()).unwrap();
        symlink(target, &new).unwrap();
        fs::rename(new, &current).unwrap();
    };
    deploy(0);
    let mut follower = Follower::events_only(current.join("conf"));
    let watches = health().watches;
    for n in 1..5 {
        deploy(n);
        follower.until_text("conf", &n.to_string());
    }
    assert_eq!(health().watches, watches);
}

#[test]
fn c10_directories_of_a_volume_s_content_are_not_watched_whichever_way_links_lead() {
    let test = "c10_directories_of_a_volume_s_content_are_not_watched_whichever_way_links_lead";
    if !in_child(test, &[]) {
        return;
    }
    let volume = Volume::new([("a", "1")]);
    let flat = volume.follow();
    let watches = health().watches;
    drop(flat);
    let data = volume.path("..nested");
    fs::create_dir_all(data.join("sub/deep")).unwrap();
    fs::write(data.join("a"), "2").unwrap();
    symlink("../a", data.join("sub/link")).unwrap();
    symlink("../../sub/deep/../../a", data.join("sub/deep/link")).unwrap();
    symlink("..nested", volume.path("..data_tmp")).unwrap();
    fs::rename(volume.path("..data_tmp"), volume.path("..data")).unwrap();
    let nested = volume.follow();
    for key in ["a", "sub/link", "sub/deep/link"] {
        assert_eq!(nested.text(key).as_deref(), Some("2"), "{key}");
    }
    assert_eq!(health().watches, watches);
}

#[test]
fn b10_a_directory_made_anew_with_the_inode_of_the_one_before_is_watched_anew() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("dir");
    let conf = dir.join("conf");
    let make = |text: &str| {
        fs::create_dir(&dir).unwrap();
        fs::write(&conf, text).unwrap();
        fs::metadata(&dir).unwrap().ino()
    };
    let mut inode = make("0");
    let mut follower = Follower::events_only(&conf);
    // Disks give a number that is free again to whoever asks next; in memory it comes once.
    for n in 1..20 {
        fs::remove_dir_all(&dir).unwrap();
        let old = std::mem::replace(&mut inode, make(&n.to_string()));
        follower.until_text("conf", &n.to_string());
        replace(&conf, "seen");
        follower.until_text("conf", "seen");
        if old == inode {
            break;
        }
    }
    assert_eq!(health().panics, 0);
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn c9_c10_a_thousand_starts_and_stops_leave_nothing_behind() {
    let test = "c9_c10_a_thousand_starts_and_stops_leave_nothing_behind";
    if !in_child(test, &[]) {
        return;
    }
    let volume = Volume::new([("a", "1")]);
    let before = (open_descriptors(), threads());
    for _ in 0..1000 {
        let mut one = volume.follow();
        let two = Follower::events_only(volume.path("a"));
        drop(two);
        one.read();
    }
    assert!(wait_until_stopped(PATIENCE));
    // The kernel's own bookkeeping of a thread ends a moment after the thread.
    wait_for("all as before", || {
        (open_descriptors(), threads()) == before
    });
    assert_eq!((health().threads, health().watches), (0, 0));
}

#[test]
fn c10_a_dropped_watch_takes_its_inotify_watches_and_the_last_one_the_thread_with_it() {
    let test = "c10_a_dropped_watch_takes_its_inotify_watches_and_the_last_one_the_thread_with_it";
    if !in_child(test, &[]) {
        return;
    }
    // Whoever waited for longer than needed would wait for this long.
    let hour = Duration::from_secs(3600);
    let (volume, other) = (Volume::new([("a", "1")]), Volume::new([("a", "1")]));
    for _ in 0..20 {
        let one = volume.follow();
        assert!(!wait_until_stopped(Duration::ZERO));
        let held = health().watches;
        let two = other.follow();
        assert!(health().watches > held && held > 1);
        drop(two);
        assert_eq!((health().threads, health().watches), (1, held));
        drop(one);
        assert!(wait_until_stopped(hour));
        assert_eq!((health().threads, health().watches), (0, 0));
    }
    assert!(wait_until_stopped(hour), "there is none to be waited for");
}

#[test]
fn c11_no_child_inherits_a_descriptor() {
    let volume = Volume::new([("a", "1")]);
    let _follower = volume.follow();
    let listing = Command::new("ls")
        .args(["-l", "/proc/self/fd"])
        .output()
        .unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    assert!(listing.contains(" 1 -> "), "a listing: {listing}");
    assert!(
        !listing.contains("inotify") && !listing.contains("eventfd"),
        "{listing}"
    );
    // That it would be seen if it were inherited: here it is open.
    let own = fs::read_dir("/proc/self/fd").unwrap();
    let own = own.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    assert!(
        own.map(|path| path.display().to_string())
            .any(|name| name.contains("inotify"))
    );
}

#[test]
fn c12_files_from_the_past_and_the_future_settle_like_all_others() {
    let hour = Duration::from_secs(3600);
    let now = SystemTime::now();
    for time in [now - hour, now + hour] {
        let tmp = tempfile::tempdir().unwrap();
        let conf = tmp.path().join("conf");
        fs::write(&conf, "1").unwrap();
        let mut follower = Follower::events_only(&conf);
        let temporary = tmp.path().join("new");
        let mut file = File::create(&temporary).unwrap();
        file.write_all(b"2").unwrap();
        file.set_modified(time).unwrap();
        drop(file);
        fs::rename(&temporary, &conf).unwrap();
        follower.until_text("conf", "2");
        replace(&conf, "3");
        follower.until_text("conf", "3");
        assert_eq!(follower.seen.len(), 3);
    }
}

#[test]
fn idle_wake_ups_do_not_grow_with_the_number_of_paths() {
    if !in_child("idle_wake_ups_do_not_grow_with_the_number_of_paths", &[]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let publisher = retune_mount::Publisher::open(place.path()).unwrap();
    publisher.publish([("a", "1")]).unwrap();
    let signal = Signal::new();
    let read = |watch: &mut Watch| {
        watch.read(&mut Pins::new(Limits::default())).unwrap();
    };
    let mut watches: Vec<_> = (0..100)
        .map(|_| Watch::new(place.path(), &signal).poll_every(4 * OFTEN, OFTEN))
        .collect();
    watches.iter_mut().for_each(read);
    let before = health();
    let mut own = 0;
    while health().polls < before.polls + 10 {
        own += 1;
        let wake = signal.wait(None);
        assert_eq!(
            wake.noticed.map(|noticed| noticed.by),
            Some(NoticedBy::Poll)
        );
        watches.iter_mut().for_each(read);
    }
    let after = health();
    let polls = after.polls - before.polls;
    // One tick for all paths: with one in 30 s that is 2 to 3 wake-ups a minute in each of the two
    // threads. (Those of the watching thread cannot be counted here: whoever makes files in a
    // directory above, such as /tmp, wakes it too.)
    assert!(own <= polls + 1, "{own} for {polls} polls");
    assert_eq!(after.watches, before.watches);
    assert_eq!(after.events, before.events);
}

#[test]
fn readers_can_be_moved_to_a_thread_of_their_own() {
    fn can_move<T: Send + 'static>() {}
    can_move::<(
        Watch,
        Pins,
        Signal,
        retune_mount::Reading,
        retune_mount::Error,
    )>();
}

#[test]
fn a_program_can_wake_its_own_reader() {
    let signal = Signal::new();
    let waiting = signal.clone();
    let reader = std::thread::spawn(move || waiting.wait(None));
    signal.notify();
    let wake = reader.join().unwrap();
    assert!(wake.notified && wake.noticed.is_none());
    let deadline = Instant::now();
    assert_eq!(signal.wait(Some(deadline)), retune_mount::Wake::default());
}
