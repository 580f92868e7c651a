//! What is refused, with a message that helps, and never by blocking.
#![allow(clippy::print_stderr)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use retune_mount::{
    Content, Error, ErrorKind, Kind, Limits, Pins, Reading, Signal, Watch, read_once,
};
use support::{Follower, Volume, in_child_as, is_root};

fn refused(path: &Path) -> Error {
    read_once(path, Limits::default()).expect_err("refused")
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a23_b19_a_file_without_permission_is_an_error_that_tells_who_and_why() {
    // Nothing is forbidden to root, so the test runs as somebody else.
    let test = "a23_b19_a_file_without_permission_is_an_error_that_tells_who_and_why";
    if is_root() {
        let own = std::env::current_exe().unwrap();
        let reachable = Command::new("test")
            .arg("-x")
            .arg(own)
            .uid(65534)
            .gid(65534)
            .status();
        if !reachable.is_ok_and(|status| status.success()) {
            eprintln!("skipped: this binary lies where only root can reach it");
            return;
        }
        in_child_as(test, &[], |command| {
            command.uid(65534).gid(65534).env("TMPDIR", "/tmp");
        });
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("key");
    fs::write(&path, "hidden").unwrap();
    let mut follower = Follower::events_only(&path);
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    follower.until("an error", |this| !this.errors.is_empty());
    let error = follower.errors.last().unwrap();
    assert_eq!(error.kind(), ErrorKind::Permission);
    let uid = rustix::process::geteuid().as_raw();
    let text = error.to_string();
    for part in [
        path.display().to_string(),
        format!("uid {uid} "),
        String::from("mode is 0000"),
    ] {
        assert!(text.contains(&part), "{part} in {text}");
    }
    // Granted again, with no edit.
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    follower.until("readable again", |this| this.ok);
    assert_eq!(follower.seen.len(), 1, "and nothing changed meanwhile");
    // A directory that may be searched but not read gives no events, and the state says so.
    if cfg!(target_os = "linux") {
        fs::set_permissions(tmp.path(), Permissions::from_mode(0o300)).unwrap();
        let polled = Follower::events_only(&path);
        assert!(polled.ok);
        let state = polled.watch.state().to_string();
        assert!(state.contains("let the process read it"), "{state}");
    }
    // A directory that may not be searched names the directory.
    fs::set_permissions(tmp.path(), Permissions::from_mode(0o000)).unwrap();
    let error = refused(&path);
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(
        error.to_string().contains("no search permission"),
        "{error}"
    );
    fs::set_permissions(tmp.path(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn b20_a_fifo_a_device_or_a_socket_is_named_and_never_blocks() {
    let tmp = tempfile::tempdir().unwrap();
    let (fifo, socket) = (tmp.path().join("fifo"), tmp.path().join("socket"));
    mkfifo(&fifo);
    let _listener = UnixListener::bind(&socket).unwrap();
    for (path, what) in [
        (fifo.as_path(), "a FIFO"),
        (&socket, "a socket"),
        (Path::new("/dev/zero"), "a character device"),
    ] {
        let error = refused(path);
        assert_eq!(error.kind(), ErrorKind::NotRegular);
        let text = error.to_string();
        assert!(
            text.contains(what) && text.contains(&*path.to_string_lossy()),
            "{text}"
        );
    }
    // In a directory and in a volume as well.
    assert_eq!(refused(tmp.path()).kind(), ErrorKind::NotRegular);
    let volume = Volume::new([("a", "1")]);
    mkfifo(&volume.path("..data/fifo"));
    let error = refused(&volume.dir);
    assert_eq!(error.kind(), ErrorKind::NotRegular);
    assert!(error.to_string().contains("fifo: is a FIFO"), "{error}");
    // By its own path, where nothing has told its type before it is opened.
    let error = refused(&volume.path("fifo"));
    assert_eq!(error.kind(), ErrorKind::NotRegular);
}

#[test]
fn a_key_of_a_volume_is_called_as_it_is_mounted_before_and_after_a_swap() {
    let volume = Volume::new([("a", "1")]);
    for revision in ["2", "3"] {
        volume.publish([("a", revision), ("sub/b", revision)]);
        for key in ["fifo", "sub/fifo"] {
            let fifo = volume.path("..data").join(key);
            mkfifo(&fifo);
            let error = refused(&volume.dir);
            assert_eq!(error.path(), volume.path(key));
            fs::remove_file(fifo).unwrap();
        }
    }
    // A link out of the data directory leads to where it leads.
    mkfifo(&volume.path("beside"));
    symlink("../beside", volume.path("..data/link")).unwrap();
    let error = refused(&volume.path("..data/link"));
    assert_eq!(error.path(), volume.path("beside"));
}

#[test]
fn b20_a_file_that_becomes_something_else_and_back_is_followed() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("conf");
    fs::write(&path, "one").unwrap();
    let mut follower = Follower::events_only(&path);
    fs::remove_file(&path).unwrap();
    mkfifo(&path);
    follower.until("a refusal", |this| {
        this.errors
            .last()
            .is_some_and(|error| error.kind() == ErrorKind::NotRegular)
    });
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    follower.until("a directory", |this| this.last().kind() == Kind::Directory);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "two").unwrap();
    follower.until_text("conf", "two");
}

#[test]
fn b21_a_huge_file_is_refused_before_it_is_read() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("huge");
    // A sparse file: reading it whole would take far more memory than there is.
    fs::File::create(&path).unwrap().set_len(1 << 43).unwrap();
    let error = refused(&path);
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(
        error
            .to_string()
            .contains("the limit for one key is 1048576"),
        "{error}"
    );
    // A publisher compares with what is there, and need not read it for that.
    let volume = Volume::new([("a", "1")]);
    let key = fs::File::options().write(true).open(volume.path("a"));
    key.unwrap().set_len(1 << 43).unwrap();
    volume.publish([("a", "1")]);
    assert_eq!(fs::read(volume.path("a")).unwrap(), b"1");
    // What does not tell its size is stopped while it is read.
    let limits = Limits::default().key_bytes(16);
    let error = read_once("/proc/self/status", limits).expect_err("over 16 bytes");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn b22_a_link_out_of_the_confined_place_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("dir");
    fs::create_dir(&dir).unwrap();
    fs::write(tmp.path().join("outside"), "secret").unwrap();
    fs::write(dir.join("inside"), "fine").unwrap();
    let absolute = dir.join("inside");
    let outward = [Path::new("/etc/shadow"), Path::new("../outside"), &absolute];
    let read = |path: &Path, confined: bool| {
        let mut watch = Watch::new(path, &Signal::new()).confined(confined);
        watch.read(&mut Pins::new(Limits::default()))
    };
    for target in outward {
        symlink(target, dir.join("key")).unwrap();
        for path in [dir.clone(), dir.join("key")] {
            let error = read(&path, true).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Escapes, "{path:?} -> {target:?}");
            assert!(!error.to_string().contains("secret"));
        }
        fs::remove_file(dir.join("key")).unwrap();
    }
    symlink("../outside", dir.join("key")).unwrap();
    assert!(
        matches!(read(&dir, false), Ok(Reading::Ready(_))),
        "only if it is asked for"
    );
    fs::remove_file(dir.join("key")).unwrap();
    symlink("../dir/inside", dir.join("key")).unwrap();
    assert_eq!(
        read(&dir, true).expect_err("up and down").kind(),
        ErrorKind::Escapes
    );
    fs::remove_file(dir.join("key")).unwrap();
    symlink("inside", dir.join("key")).unwrap();
    assert!(
        matches!(read(&dir, true), Ok(Reading::Ready(_))),
        "within, it may"
    );
}

#[test]
fn b22_a_confined_file_may_lead_up_and_down_within_its_directory() {
    let tmp = tempfile::tempdir().unwrap();
    fs::create_dir(tmp.path().join("sub")).unwrap();
    fs::write(tmp.path().join("inside"), "fine").unwrap();
    symlink("sub/link", tmp.path().join("key")).unwrap();
    symlink("../inside", tmp.path().join("sub/link")).unwrap();
    let mut pins = Pins::new(Limits::default());
    for path in ["key", "sub/../key"] {
        let found = pins.read_confined(tmp.path().join(path)).unwrap();
        assert_eq!(
            found.file().and_then(Content::as_str),
            Some("fine"),
            "{path}"
        );
    }
    let volume = Volume::new([("a", "1")]);
    symlink("..data/../a", volume.path("detour")).unwrap();
    let found = pins.read_confined(volume.path("detour")).unwrap();
    assert_eq!(found.file().and_then(Content::as_str), Some("1"));
}

#[test]
fn b22_a_confined_volume_and_its_keys_are_read_and_bad_links_in_it_are_not() {
    let volume = Volume::new([("a", "1"), ("sub/b", "2")]);
    for path in [volume.dir.clone(), volume.path("a"), volume.path("sub/b")] {
        let mut watch = Watch::new(&path, &Signal::new()).confined(true);
        assert!(
            watch.read(&mut Pins::new(Limits::default())).is_ok(),
            "{path:?}"
        );
    }
    symlink("../a", volume.path("..data/sub/up")).unwrap();
    assert_eq!(
        read_once(&volume.dir, Limits::default())
            .unwrap()
            .get("sub/up")
            .and_then(Content::as_str),
        Some("1")
    );
    symlink("../../../outside", volume.path("..data/sub/out")).unwrap();
    assert_eq!(refused(&volume.dir).kind(), ErrorKind::Escapes);
}

#[test]
fn b22_the_data_link_of_a_confined_volume_leads_nowhere_else_either() {
    let tmp = tempfile::tempdir().unwrap();
    let (dir, outside) = (tmp.path().join("dir"), tmp.path().join("outside"));
    for dir in [&dir, &outside] {
        fs::create_dir(dir).unwrap();
    }
    fs::write(outside.join("key"), "secret").unwrap();
    symlink("../outside", dir.join("detour")).unwrap();
    symlink("..data/key", dir.join("key")).unwrap();
    let targets = [
        outside.as_path(),
        Path::new("../outside"),
        Path::new("detour"),
    ];
    for target in targets {
        symlink(target, dir.join("..data")).unwrap();
        for path in [&dir, &dir.join("key")] {
            let error = Pins::new(Limits::default())
                .read_confined(path)
                .expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Escapes, "{path:?}, {target:?}");
            // Unconfined it is a link like any other.
            let found = read_once(path, Limits::default()).unwrap();
            assert_eq!(found.get("key").and_then(Content::as_str), Some("secret"));
            assert_ne!(found.kind(), Kind::Volume);
        }
        fs::remove_file(dir.join("..data")).unwrap();
    }
    fs::write(tmp.path().join("key"), "secret").unwrap();
    symlink("..", dir.join("..data")).unwrap();
    let error = Pins::new(Limits::default()).read_confined(&dir);
    assert_eq!(error.expect_err("refused").kind(), ErrorKind::Escapes);
}

#[test]
fn b23_a_relative_path_survives_a_change_of_the_working_directory() {
    // The working directory is the whole process's.
    let test = "b23_a_relative_path_survives_a_change_of_the_working_directory";
    if !support::in_child(test, &[]) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    std::env::set_current_dir(tmp.path()).unwrap();
    fs::write("conf", "one").unwrap();
    let mut follower = Follower::events_only("./conf");
    std::env::set_current_dir("/").unwrap();
    fs::write(tmp.path().join("conf"), "two").unwrap();
    follower.until_text("conf", "two");
    assert_eq!(follower.watch.path().parent(), Some(tmp.path()));
}

#[test]
fn a_file_in_the_middle_of_a_path_is_named() {
    let tmp = tempfile::tempdir().unwrap();
    fs::write(tmp.path().join("file"), "x").unwrap();
    let error = refused(&tmp.path().join("file/below"));
    assert_eq!(error.kind(), ErrorKind::NotDirectory);
    assert!(
        error.to_string().contains("file: is no directory"),
        "{error}"
    );
}

#[test]
fn an_empty_path_is_not_the_root() {
    assert!(refused(Path::new("")).to_string().contains("absolute"));
    let mut watch = Watch::new("", &Signal::new());
    assert!(
        watch
            .read(&mut Pins::new(Limits::default()))
            .unwrap_err()
            .is_missing()
    );
}

#[test]
fn b21_a_limit_itself_is_within_it() {
    let tmp = tempfile::tempdir().unwrap();
    for key in ["a", "b"] {
        fs::write(tmp.path().join(key), "123").unwrap();
    }
    fs::create_dir(tmp.path().join("empty")).unwrap();
    let just = Limits::default().keys(2).key_bytes(3).volume_bytes(6);
    assert_eq!(read_once(tmp.path(), just).unwrap().len(), 2);
    for (limits, named) in [
        (just.keys(1), "1 keys"),
        (just.key_bytes(2), "2 bytes"),
        (just.volume_bytes(5), "5 bytes"),
    ] {
        let error = read_once(tmp.path(), limits).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains(named), "{error}");
    }
    // Directories within each other: 32 below the path.
    let mut deep = tmp.path().to_owned();
    (0..32).for_each(|_| deep.push("d"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("key"), "1").unwrap();
    assert_eq!(read_once(tmp.path(), Limits::default()).unwrap().len(), 3);
    fs::create_dir(deep.join("d")).unwrap();
    assert_eq!(refused(tmp.path()).kind(), ErrorKind::TooLarge);
}

#[test]
fn a_tree_without_keys_ends_at_the_limit() {
    let tmp = tempfile::tempdir().unwrap();
    for n in 0..20 {
        fs::create_dir(tmp.path().join(n.to_string())).unwrap();
    }
    assert!(read_once(tmp.path(), Limits::default()).unwrap().is_empty());
    let just = Limits::default().keys(20);
    assert!(read_once(tmp.path(), just).unwrap().is_empty());
    let error = read_once(tmp.path(), just.keys(19)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("19 directories"), "{error}");
    let mut deep = tmp.path().to_owned();
    for _ in 0..40 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    assert_eq!(refused(tmp.path()).kind(), ErrorKind::TooLarge);
}
