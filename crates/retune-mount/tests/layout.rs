//! Group A: what is a key of a volume and what is not.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use retune_mount::{Content, ErrorKind, Kind, Limits, Pins, Publisher, Snapshot, Step, read_once};
use support::{ORDERS, Volume, in_child};

fn names(found: &Snapshot) -> Vec<String> {
    found
        .iter()
        .map(|(key, _)| key.display().to_string())
        .collect()
}

fn read(dir: &Path) -> Snapshot {
    read_once(dir, Limits::default()).expect("readable")
}

#[test]
fn a11_a_link_whose_data_is_gone_is_absent() {
    let volume = Volume::new([("a", "1")]);
    symlink("..data/gone", volume.path("gone")).unwrap();
    assert_eq!(names(&read(&volume.dir)), ["a"]);
    assert!(
        read_once(volume.path("gone"), Limits::default())
            .unwrap_err()
            .is_missing()
    );
}

#[test]
fn a12_a_stale_data_tmp_is_ignored_and_does_not_wedge_the_publisher() {
    let volume = Volume::new([("a", "1")]);
    symlink("..nowhere", volume.path("..data_tmp")).unwrap();
    assert_eq!(names(&read(&volume.dir)), ["a"]);
    volume.publish([("a", "2")]);
    assert_eq!(
        read(&volume.dir).get("a").and_then(Content::as_str),
        Some("2")
    );
    fs::write(
        volume.path("..data_tmp"),
        "a plain file, as `touch` leaves it",
    )
    .unwrap();
    volume.publish([("a", "3")]);
    assert_eq!(
        read(&volume.dir).get("a").and_then(Content::as_str),
        Some("3")
    );
    assert!(!volume.path("..data_tmp").exists());
}

#[test]
fn a13_names_with_two_dots_are_no_keys_and_with_one_they_are() {
    let volume = Volume::new([(".dockerconfigjson", "{}"), (".hidden", "x"), ("a", "1")]);
    fs::create_dir(volume.path("..2020_01_01_00_00_00.1")).unwrap();
    fs::write(volume.path("..data/..note"), "x").unwrap();
    assert_eq!(
        names(&read(&volume.dir)),
        [".dockerconfigjson", ".hidden", "a"]
    );
    let single = read_once(volume.path("..note"), Limits::default());
    assert!(single.unwrap_err().is_missing(), "nor by its own path");
    let plain = tempfile::tempdir().unwrap();
    for name in [".one", "..two", "...three", "four"] {
        fs::write(plain.path().join(name), name).unwrap();
    }
    assert_eq!(names(&read(plain.path())), [".one", "four"]);
}

#[test]
fn what_mkfs_leaves_in_the_root_of_a_file_system_is_no_key() {
    let tmp = tempfile::tempdir().unwrap();
    for dir in ["lost+found", "sub/lost+found"] {
        fs::create_dir_all(tmp.path().join(dir)).unwrap();
        fs::write(tmp.path().join(dir).join("key"), "x").unwrap();
    }
    assert_eq!(names(&read(tmp.path())), ["sub/lost+found/key"]);
}

#[test]
fn a11_a_link_to_nothing_in_a_plain_directory_is_absent() {
    let tmp = tempfile::tempdir().unwrap();
    fs::write(tmp.path().join("key"), "x").unwrap();
    symlink("nowhere", tmp.path().join("link")).unwrap();
    assert_eq!(names(&read(tmp.path())), ["key"]);
}

#[test]
fn a14_nested_items_are_keys_with_a_slash() {
    let volume = Volume::new([("a/b", "1"), ("a/c/d", "2"), ("e", "3")]);
    let found = read(&volume.dir);
    assert_eq!(names(&found), ["a/b", "a/c/d", "e"]);
    assert_eq!(found.get("a/c/d").and_then(Content::as_str), Some("2"));
    let one = read(&volume.path("a/c/d"));
    let text = one.file().and_then(Content::as_str);
    assert_eq!((one.kind(), text), (Kind::File, Some("2")));
    assert!(
        one.published().is_some(),
        "it is known to lie in the volume"
    );
}

#[test]
fn a24_keys_are_found_although_their_links_are_missing() {
    for order in ORDERS {
        let volume = Volume::ordered(order, [("a", "1"), ("b", "1")]);
        fs::remove_file(volume.path("a")).unwrap();
        fs::remove_file(volume.path("b")).unwrap();
        assert_eq!(names(&read(&volume.dir)), ["a", "b"]);
        volume.publish([("a", "1"), ("b", "1")]);
        assert!(
            volume.path("a").is_symlink(),
            "made again by a publish that changes nothing"
        );
    }
}

#[test]
fn a25_a_volume_of_a_mebibyte_is_read_and_one_byte_over_the_limit_is_not() {
    let volume = Volume::new([]);
    let half = vec![0xff; 1 << 19];
    volume
        .publisher
        .publish([("a", &half), ("b", &half)])
        .unwrap();
    let found = read(&volume.dir);
    assert_eq!(found.get("a").map(|a| &**a), Some(&half[..]));
    assert_eq!(
        found.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(),
        1 << 20
    );
    let whole = vec![1; 1 << 20];
    volume.publisher.publish([("a", &whole)]).unwrap();
    assert_eq!(read(&volume.dir).get("a").map(|a| &**a), Some(&whole[..]));
    let limits = Limits::default().volume_bytes((1 << 20) - 1);
    let error = read_once(&volume.dir, limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("1048575"), "{error}");
}

#[test]
fn a26_ten_thousand_keys_are_read_with_no_watch_of_their_own() {
    // Watches are counted, so no other test may have any.
    if !in_child(
        "a26_ten_thousand_keys_are_read_with_no_watch_of_their_own",
        &[],
    ) {
        return;
    }
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    let before = retune_mount::health().watches;
    let keys = (0..10_000).map(|n| (format!("key-{n}"), "x"));
    volume.publisher.publish(keys).unwrap();
    follower.until("all keys", |this| this.last().len() == 10_000);
    assert_eq!(retune_mount::health().watches, before);
    let error = read_once(&volume.dir, Limits::default().keys(9_999)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn what_is_published_has_its_modes_whatever_the_umask() {
    let name = "what_is_published_has_its_modes_whatever_the_umask";
    // The umask is the whole process's.
    if !in_child(name, &["sh", "-c", "umask 077; exec \"$@\"", "sh"]) {
        return;
    }
    let volume = Volume::new([("a", "1"), ("sub/dir/b", "2")]);
    let mode = |path: &str| {
        let meta = fs::metadata(volume.path("..data").join(path)).unwrap();
        meta.permissions().mode() & 0o7777
    };
    let modes = ["", "a", "sub", "sub/dir", "sub/dir/b"].map(mode);
    assert_eq!(modes, [0o755, 0o644, 0o755, 0o755, 0o644]);
}

#[test]
fn files_have_the_mode_that_is_asked_for_and_no_more_than_permissions() {
    for (asked, mode) in [(0o400, 0o400), (0o640, 0o640), (0o4755, 0o755)] {
        let tmp = tempfile::tempdir().unwrap();
        let publisher = Publisher::open(tmp.path()).unwrap().file_mode(asked);
        publisher.publish([("a", "1")]).unwrap();
        let found = fs::metadata(tmp.path().join("a")).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, mode);
    }
}

#[test]
fn a_file_and_a_volume_of_one_path_agree() {
    let volume = Volume::new([("a", "1")]);
    let whole = read(&volume.dir);
    let one = read(&volume.path("a"));
    assert_eq!(whole.data_dir(), one.data_dir());
    assert_eq!(whole.published(), one.published());
    assert_eq!(one.file().and_then(Content::as_str), Some("1"));
}

#[test]
fn b24_names_that_are_no_text_are_read_all_the_same() {
    let odd = OsStr::from_bytes(b"k\xff\xfe");
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join(OsStr::from_bytes(b"d\x80"));
    let publisher = Publisher::create(&dir).unwrap();
    publisher.publish([(odd, b"\x00\xff")]).unwrap();
    let found = read(&dir);
    assert_eq!(found.get(odd).map(|odd| &**odd), Some(&b"\x00\xff"[..]));
    assert!(
        !format!(
            "{found:?} {:?}",
            read_once(dir.join(odd).join("x"), Limits::default())
        )
        .is_empty()
    );
    let mut follower = support::Follower::events_only(dir.join(odd));
    publisher.publish([(odd, b"new")]).unwrap();
    follower.until("the new bytes", |this| {
        this.last().file().and_then(Content::as_str) == Some("new")
    });
}

#[test]
fn a_publish_cut_short_at_any_step_is_finished_by_the_next() {
    let steps = [
        Step::Start,
        Step::DirCreated,
        Step::FileWritten,
        Step::PayloadWritten,
        Step::DataTmpLinked,
        Step::Renamed,
        Step::LinkCreated,
        Step::LinkRemoved,
        Step::OldRemoved,
    ];
    for order in ORDERS {
        for last in steps {
            for next in ["old", "new", "other"] {
                let volume = Volume::ordered(order, [("both", "old"), ("gone", "old")]);
                volume.publish_until([("both", "new"), ("added", "new")], last);
                let between = read(&volume.dir);
                let text = between.get("both").unwrap();
                let whole = between.iter().len() == 2 && between.iter().all(|(_, b)| b == text);
                assert!(whole, "{order:?} {last:?}: {between:?}");
                let keys = [("both", next), ("third", next)];
                volume.publish(keys);
                let entries = fs::read_dir(&volume.dir).unwrap();
                let mut entries: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
                entries.sort();
                let data = fs::read_link(volume.path("..data")).unwrap();
                let expected = [
                    data.as_os_str(),
                    "..data".as_ref(),
                    "both".as_ref(),
                    "third".as_ref(),
                ];
                assert_eq!(entries, expected, "{order:?} {last:?} {next}");
                assert_eq!(fs::read_to_string(volume.path("both")).unwrap(), next);
            }
        }
    }
}

#[test]
fn a_publish_that_fails_leaves_nothing_behind() {
    for order in ORDERS {
        let volume = Volume::new([("a", "1")]);
        let before = fs::read_dir(&volume.dir).unwrap().count();
        // Written is `a`, and then no file system takes the other name.
        let keys = [("a", "2"), (&*"x".repeat(300), "3")];
        let publisher = Publisher::open(&volume.dir).unwrap().link_order(order);
        publisher.publish(keys).unwrap_err();
        assert_eq!(fs::read_dir(&volume.dir).unwrap().count(), before);
        assert_eq!(
            read(&volume.dir).get("a").map(|a| a.to_vec()),
            Some(b"1".to_vec())
        );
    }
}

#[test]
fn a6_equal_content_is_not_written_again() {
    for order in ORDERS {
        let volume = Volume::ordered(order, [("a", "1"), ("b", "")]);
        let before = fs::read_link(volume.path("..data")).unwrap();
        let again = volume.publisher.publish([("a", "1"), ("b", "")]).unwrap();
        assert!(!again.changed);
        assert_eq!(again.data_dir, before);
        assert_eq!(fs::read_link(volume.path("..data")).unwrap(), before);
        assert!(volume.publisher.publish([("a", "1")]).unwrap().changed);
    }
}

#[test]
fn a_publish_without_a_directory_or_past_what_it_cannot_remove_fails() {
    let volume = Volume::new([("a", "1")]);
    fs::create_dir(volume.path("..data_tmp")).unwrap();
    for text in ["1", "2"] {
        let error = volume.publisher.publish([("a", text)]).unwrap_err();
        assert_eq!(error.path(), volume.path("..data_tmp"));
    }
    assert_eq!(
        read(&volume.dir).get("a").and_then(Content::as_str),
        Some("1")
    );
    fs::remove_dir_all(&volume.dir).unwrap();
    assert!(
        volume
            .publisher
            .publish([("a", "1")])
            .unwrap_err()
            .is_missing()
    );
}

#[test]
fn the_publisher_refuses_what_is_not_its_own() {
    let volume = Volume::new([("a", "1")]);
    fs::write(volume.path("mine"), "a user's file").unwrap();
    let error = volume
        .publisher
        .publish([("a", "2"), ("mine", "2")])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert_eq!(
        read(&volume.dir).get("a").and_then(Content::as_str),
        Some("1"),
        "nothing was published"
    );
    assert_eq!(
        fs::read_to_string(volume.path("mine")).unwrap(),
        "a user's file"
    );
    symlink("mine", volume.path("link")).unwrap();
    let error = volume.publisher.publish([("link", "2")]).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::InvalidKey,
        "a link of somebody else"
    );
    for key in ["../a", "/a", "..data", ""] {
        assert!(volume.publisher.publish([(key, "x")]).is_err(), "{key:?}");
    }
    assert_eq!(
        Publisher::open(volume.path("mine")).unwrap_err().kind(),
        ErrorKind::NotDirectory
    );
}

#[test]
fn below_a_root_of_its_own_links_stay_within_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("etc/app")).unwrap();
    fs::write(root.join("outer"), "inside").unwrap();
    symlink("/outer", root.join("etc/app/absolute")).unwrap();
    symlink("../../../../outer", root.join("etc/app/upwards")).unwrap();
    symlink("/etc/app", root.join("link")).unwrap();
    let pins = || Pins::new(Limits::default()).rooted(&root);
    for path in ["etc/app", "link"] {
        let found = pins().read(root.join(path)).unwrap();
        for key in ["absolute", "upwards"] {
            assert_eq!(
                found.get(key).and_then(Content::as_str),
                Some("inside"),
                "{path}/{key}"
            );
            let single = pins().read(root.join(path).join(key)).unwrap();
            assert_eq!(
                single.file().and_then(Content::as_str),
                Some("inside"),
                "{path}/{key}"
            );
        }
    }
    // A path that does not lead into it is none of its own, and a fence stays one.
    fs::write(dir.path().join("beside"), "beside").unwrap();
    let beside = pins().read(dir.path().join("beside")).unwrap();
    assert_eq!(beside.file().and_then(Content::as_str), Some("beside"));
    let error = pins().read_confined(root.join("etc/app")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Escapes);
    let file = pins().rooted(root.join("outer"));
    let error = { file }.read(root.join("outer/x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotDirectory);
}

#[test]
fn a_relative_root_is_taken_from_the_working_directory() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("run")).unwrap();
    fs::write(dir.path().join("run/token"), "inside").unwrap();
    symlink("/run/token", dir.path().join("token")).unwrap();
    // The same place from here, without changing where others are.
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count() - 1);
    let root = Path::new(&up).join(dir.path().strip_prefix("/").unwrap());
    let mut pins = Pins::new(Limits::default()).rooted(&root);
    for token in [root.join("token"), here.join(&root).join("token")] {
        let found = pins.read(token).unwrap();
        assert_eq!(found.file().and_then(Content::as_str), Some("inside"));
    }
}
