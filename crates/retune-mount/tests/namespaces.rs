//! What needs mounts: each test runs in a process with a mount namespace of
//! its own, and is skipped, with a message, where that cannot be had.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr)]

mod support;

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use retune_mount::{
    Content, ErrorKind, Limits, LinkOrder, PathState, Pins, PollReason, Publisher, Signal, Watch,
    health,
};
use support::{Follower, Volume, in_child, own_mounts};

const OFTEN: Duration = Duration::from_millis(50);

/// Whether this is the process with its own mounts, in which the test goes on.
fn with_own_mounts(test: &str) -> bool {
    if std::env::var_os("RETUNE_TEST_CHILD").is_some() {
        return true;
    }
    own_mounts().is_some_and(|wrapper| in_child(test, &wrapper))
}

fn run(command: &[&str], paths: &[&Path]) {
    let mut run = Command::new(command[0]);
    let output = run.args(&command[1..]).args(paths).output().unwrap();
    assert!(output.status.success(), "{command:?} {paths:?}: {output:?}");
}

#[test]
fn a_volume_in_memory_is_told_by_what_it_lies_on() {
    if !with_own_mounts("a_volume_in_memory_is_told_by_what_it_lies_on") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("memory");
    fs::create_dir(&memory).unwrap();
    run(&["mount", "-t", "tmpfs", "tmpfs"], &[&memory]);
    let in_memory = |path: &Path| {
        let read = retune_mount::read_once(path, Limits::default());
        read.unwrap().is_in_memory()
    };
    let volume = Publisher::create(memory.join("volume")).unwrap();
    volume.publish([] as [(&str, &str); 0]).unwrap();
    assert!(in_memory(&memory.join("volume")), "an empty one as well");
    volume.publish([("a", "x")]).unwrap();
    assert!(in_memory(&memory.join("volume")));
    assert!(in_memory(&memory.join("volume/a")), "one file of it");
    let links = dir.path().join("links");
    fs::create_dir(&links).unwrap();
    std::os::unix::fs::symlink(memory.join("volume/a"), links.join("b")).unwrap();
    assert!(in_memory(&links.join("b")), "a link to one");
    assert!(in_memory(&links), "a directory with such a link");
    let sub_path = dir.path().join("a");
    fs::write(&sub_path, "").unwrap();
    run(&["mount", "--bind"], &[&memory.join("volume/a"), &sub_path]);
    assert!(in_memory(&sub_path), "a file that is mounted from it");
    let plain = memory.join("plain");
    fs::create_dir(&plain).unwrap();
    fs::write(plain.join("a"), "x").unwrap();
    assert!(!in_memory(&plain), "no volume");
    assert!(!in_memory(&plain.join("a")));
    run(&["umount"], &[&sub_path]);
}

#[test]
fn files_that_everybody_may_read_are_told_with_their_modes() {
    use std::os::unix::fs::PermissionsExt;
    let volume = Volume::new([("open", "1"), ("closed", "1")]);
    for (key, mode) in [("open", 0o644), ("closed", 0o440)] {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(volume.path(key), permissions).unwrap();
    }
    let read = |path: &Path| retune_mount::read_once(path, Limits::default()).unwrap();
    let open = [(Path::new("open"), 0o644)];
    assert!(read(&volume.dir).world_readable().eq(open));
    assert!(read(&volume.path("open")).world_readable().eq(open));
    assert_eq!(read(&volume.path("closed")).world_readable().count(), 0);
}

#[test]
fn a21_a_mount_of_a_single_file_is_told_apart() {
    if !with_own_mounts("a21_a_mount_of_a_single_file_is_told_apart") {
        return;
    }
    let volume = Volume::new([("a", "1")]);
    let container = tempfile::tempdir().unwrap();
    let sub_path = container.path().join("with a space");
    fs::write(&sub_path, "").unwrap();
    run(&["mount", "--bind"], &[&volume.path("a"), &sub_path]);
    let frozen = Follower::events_only(&sub_path);
    assert_eq!(frozen.last().file().and_then(Content::as_str), Some("1"));
    assert_eq!(frozen.watch.state(), &PathState::SubPath);
    assert!(frozen.watch.state().is_dead_end());
    let state = frozen.watch.state().to_string();
    for part in [
        "subPath",
        "never updates",
        "new file",
        "mount the whole volume",
    ] {
        assert!(state.contains(part), "what, why and what to do: {state}");
    }
    // As it stays after an update, when the file behind it has no name any more.
    volume.publish([("a", "2")]);
    let later = Follower::events_only(&sub_path);
    assert_eq!(
        later.last().file().and_then(Content::as_str),
        Some("1"),
        "frozen for ever"
    );
    assert_eq!(later.watch.state(), &PathState::SubPath);
    // Neither the volume, nor one file of it, nor a file beside the mount is taken for one.
    let beside = container.path().join("beside");
    fs::write(&beside, "x").unwrap();
    for path in [&volume.dir, &volume.path("a"), &beside] {
        assert_eq!(
            Follower::events_only(path).watch.state(),
            &PathState::Events,
            "{path:?}"
        );
    }
    // A directory of such files is no better off.
    let directory = Follower::events_only(container.path());
    assert_eq!(directory.watch.state(), &PathState::SubPath);
    run(&["umount"], &[&sub_path]);
}

#[test]
fn a_volume_torn_down_under_its_mount_is_orphaned() {
    if !with_own_mounts("a_volume_torn_down_under_its_mount_is_orphaned") {
        return;
    }
    let host = Volume::new([("a", "1")]);
    let container = tempfile::tempdir().unwrap();
    run(&["mount", "--bind"], &[&host.dir, container.path()]);
    let mut follower = Follower::events_only(container.path());
    let mut file = Follower::events_only(container.path().join("a"));
    assert_eq!(follower.watch.state(), &PathState::Events);
    fs::remove_dir_all(&host.dir).unwrap();
    follower.until("orphaned", |this| {
        this.watch.state() == &PathState::Orphaned
    });
    let error = follower.errors.last().unwrap();
    assert_eq!(error.kind(), ErrorKind::Orphaned);
    assert!(
        error.to_string().contains("restart of the container"),
        "{error}"
    );
    let state = follower.watch.state().to_string();
    assert!(
        state.contains("only a restart of the container reconnects it"),
        "{state}"
    );
    file.until("orphaned", |this| {
        this.watch.state() == &PathState::Orphaned
    });
    assert_eq!(
        follower.text("a").as_deref(),
        Some("1"),
        "the last good content stays"
    );
    run(&["umount"], &[container.path()]);
}

#[test]
fn c4_without_proc_the_poll_finds_the_change_and_events_come_back_with_it() {
    let test = "c4_without_proc_the_poll_finds_the_change_and_events_come_back_with_it";
    if !with_own_mounts(test) {
        return;
    }
    let volume = Volume::new([("a", "1")]);
    run(&["mount", "-t", "tmpfs", "none"], &[Path::new("/proc")]);
    let hour = Duration::from_secs(3600);
    let mut follower = Follower::with(&volume.dir, |watch| watch.poll_every(hour, OFTEN));
    let expected = PathState::Polling {
        reason: PollReason::NoProc,
        every: OFTEN,
    };
    assert_eq!(follower.watch.state(), &expected);
    volume.publish([("a", "2")]);
    follower.until_text("a", "2");
    run(&["umount"], &[Path::new("/proc")]);
    follower.until("events", |this| this.watch.state() == &PathState::Events);
    volume.publish([("a", "3")]);
    follower.until_text("a", "3");
}

#[test]
fn c13_a_volume_that_is_unmounted_is_lost_and_found_after_the_remount() {
    if !with_own_mounts("c13_a_volume_that_is_unmounted_is_lost_and_found_after_the_remount") {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let mount = ["mount", "-t", "tmpfs", "none"];
    let mut follower = {
        run(&mount, &[tmp.path()]);
        Publisher::open(tmp.path())
            .unwrap()
            .publish([("a", "1")])
            .unwrap();
        Follower::with(tmp.path(), |watch| watch.poll_every(4 * OFTEN, OFTEN))
    };
    for text in ["2", "3"] {
        run(&["umount"], &[tmp.path()]);
        follower.until("lost", |this| !this.ok);
        assert_eq!(follower.errors.last().unwrap().kind(), ErrorKind::LostData);
        run(&mount, &[tmp.path()]);
        Publisher::open(tmp.path())
            .unwrap()
            .publish([("a", text)])
            .unwrap();
        follower.until_text("a", text);
    }
    // And it is watched again: this time nothing but an event can tell in time.
    let mut again = Follower::events_only(tmp.path());
    Publisher::open(tmp.path())
        .unwrap()
        .publish([("a", "4")])
        .unwrap();
    again.until_text("a", "4");
    run(&["umount"], &[tmp.path()]);
}

#[test]
fn a2_a9_a_volume_on_tmpfs_behaves_as_one_on_disk() {
    if !with_own_mounts("a2_a9_a_volume_on_tmpfs_behaves_as_one_on_disk") {
        return;
    }
    for order in [LinkOrder::AfterRename, LinkOrder::BeforeRename] {
        let tmp = tempfile::tempdir().unwrap();
        run(&["mount", "-t", "tmpfs", "none"], &[tmp.path()]);
        let publisher = Publisher::open(tmp.path()).unwrap().link_order(order);
        publisher.publish([("a", "1"), ("b", "1")]).unwrap();
        let mut follower = Follower::events_only(tmp.path());
        publisher.publish([("a", "2"), ("c", "2")]).unwrap();
        follower.until_text("c", "2");
        assert_eq!(follower.text("a").as_deref(), Some("2"));
        assert_eq!(follower.last().len(), 2);
        assert_eq!(follower.seen.len(), 2);
        run(&["umount", "-l"], &[tmp.path()]);
    }
}

#[test]
fn a_file_system_that_hangs_delays_only_what_lies_on_it() {
    if !with_own_mounts("a_file_system_that_hangs_delays_only_what_lies_on_it") {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    // A FUSE server that takes requests and never answers.
    let Ok(server) = File::options().read(true).write(true).open("/dev/fuse") else {
        eprintln!("skipped: /dev/fuse cannot be opened");
        return;
    };
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0",
        server.as_raw_fd()
    );
    let options = CString::new(options).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    if let Err(error) = rustix::mount::mount("none", tmp.path(), "fuse", flags, &*options) {
        eprintln!("skipped: FUSE cannot be mounted: {error}");
        return;
    }
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    let hanging = tmp.path().join("dir/conf");
    let stuck = std::thread::spawn(move || {
        let mut watch = Watch::new(hanging, &Signal::new());
        watch.read(&mut Pins::new(Limits::default()))
    });
    for text in ["2", "3", "4"] {
        volume.publish([("a", text)]);
        follower.until_text("a", text);
        // A path that is added meanwhile is not held up either.
        let mut late = Follower::events_only(volume.path("a"));
        volume.publish([("a", text), ("b", text)]);
        follower.until_text("b", text);
        late.until_text("a", text);
    }
    assert!(!stuck.is_finished(), "it does hang: {:?}", stuck.join());
    assert_eq!(health().threads, 1);
    // The server goes away, and the reader comes back with an error.
    drop(server);
    assert!(stuck.join().unwrap().is_err());
}
