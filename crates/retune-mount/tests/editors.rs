//! Group B: plain files, and what editors and tools do to them.

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use support::{Follower, replace};

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conf");
    fs::write(&path, "one").unwrap();
    (dir, path)
}

#[test]
fn b1_rename_over_is_one_change() {
    let (_dir, path) = file();
    let mut follower = Follower::events_only(&path);
    assert_eq!(follower.text("conf").as_deref(), Some("one"));
    replace(&path, "two");
    follower.until_text("conf", "two");
    replace(&path, "three");
    follower.until_text("conf", "three");
    assert_eq!(
        follower.seen.len(),
        3,
        "one change each: {:?}",
        follower.seen
    );
    assert!(follower.errors.is_empty(), "{:?}", follower.errors);
}

#[test]
fn b12_swap_of_a_parent_link_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    for revision in ["r1", "r2", "r3"] {
        fs::create_dir(dir.path().join(revision)).unwrap();
        fs::write(dir.path().join(revision).join("c"), revision).unwrap();
    }
    let current = dir.path().join("current");
    symlink("r1", &current).unwrap();
    let mut follower = Follower::events_only(current.join("c"));
    for revision in ["r2", "r3"] {
        let next = dir.path().join("next");
        symlink(revision, &next).unwrap();
        fs::rename(&next, &current).unwrap();
        follower.until_text("c", revision);
    }
    assert_eq!(follower.seen.len(), 3);
}
