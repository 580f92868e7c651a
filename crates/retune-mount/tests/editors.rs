//! Group B: plain files, and what editors and tools do to them.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use retune_mount::{Content, Error, ErrorKind, Limits};
use support::{Follower, replace};

/// A directory with the file `conf`, which holds `one`.
struct Place {
    tmp: tempfile::TempDir,
    conf: PathBuf,
}

impl Place {
    fn new() -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let conf = tmp.path().join("conf");
        fs::write(&conf, "one").unwrap();
        Self { tmp, conf }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.tmp.path().join(name)
    }

    fn follow(&self) -> Follower {
        let follower = Follower::events_only(&self.conf);
        assert_eq!(follower.text("conf").as_deref(), Some("one"));
        follower
    }
}

fn missing(follower: &Follower) -> bool {
    follower.errors.last().is_some_and(Error::is_missing)
}

/// What vim does: the old file is kept under another name until the new one is written.
fn save_like_vim(conf: &Path, text: &str, keep_backup: bool) {
    let backup = conf.with_file_name("conf~");
    fs::rename(conf, &backup).unwrap();
    fs::write(conf, text).unwrap();
    if !keep_backup {
        fs::remove_file(backup).unwrap();
    }
}

#[test]
fn b1_rename_over_is_one_change() {
    let place = Place::new();
    let mut follower = place.follow();
    for text in ["two", "three"] {
        replace(&place.conf, text);
        follower.until_text("conf", text);
    }
    assert_eq!(
        follower.seen.len(),
        3,
        "one change each: {:?}",
        follower.seen
    );
    assert!(follower.errors.is_empty(), "{:?}", follower.errors);
}

#[test]
fn b2_b3_the_watch_survives_editors_with_and_without_backup() {
    for keep_backup in [false, true] {
        let place = Place::new();
        let mut follower = Follower::patient(&place.conf);
        for text in ["two", "three"] {
            save_like_vim(&place.conf, text, keep_backup);
            follower.until_text("conf", text);
        }
        assert_eq!(follower.seen.len(), 3, "{:?}", follower.seen);
        assert!(follower.errors.is_empty(), "{:?}", follower.errors);
    }
}

#[test]
fn b4_a_truncated_file_is_not_taken_while_it_is_written() {
    let place = Place::new();
    let mut follower = Follower::patient(&place.conf);
    let mut file = File::create(&place.conf).unwrap();
    // The follower sees the empty file, and does not take it.
    file.sync_all().unwrap();
    follower.read();
    file.write_all(b"two").unwrap();
    drop(file);
    follower.until_text("conf", "two");
    assert_eq!(follower.seen.len(), 2, "never empty: {:?}", follower.seen);
}

#[test]
fn b5_b6_a_slow_writer_is_taken_after_it_is_quiet() {
    let place = Place::new();
    let mut follower = Follower::patient(&place.conf);
    let mut file = File::create(&place.conf).unwrap();
    for chunk in ["a: 1\n", "b: 2\n", "c: 3\n"] {
        file.write_all(chunk.as_bytes()).unwrap();
        follower.read();
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(file);
    follower.until_text("conf", "a: 1\nb: 2\nc: 3\n");
    assert_eq!(follower.seen.len(), 2, "no half of it: {:?}", follower.seen);
}

#[test]
fn b5_a_half_that_is_taken_for_want_of_quiet_is_not_kept() {
    let place = Place::new();
    // No patience at all: whatever is there is taken at once.
    let mut follower = Follower::with(&place.conf, |watch| {
        watch.quiet(Duration::from_millis(200), Duration::ZERO)
    });
    let mut file = File::create(&place.conf).unwrap();
    file.write_all(b"half").unwrap();
    follower.read();
    assert_eq!(follower.text("conf").as_deref(), Some("half"));
    file.write_all(b" and the rest").unwrap();
    drop(file);
    follower.until_text("conf", "half and the rest");
}

#[test]
fn b7_an_empty_file_is_read_as_empty() {
    let place = Place::new();
    let mut follower = place.follow();
    fs::write(&place.conf, "").unwrap();
    follower.until("empty", |this| {
        this.last().file().and_then(Content::as_str) == Some("")
    });
    fs::write(&place.conf, "two").unwrap();
    follower.until_text("conf", "two");
}

#[test]
fn b8_b9_a_removed_file_is_missing_and_seen_when_it_is_back() {
    let place = Place::new();
    let mut follower = place.follow();
    for text in ["two", "three"] {
        fs::remove_file(&place.conf).unwrap();
        let before = follower.errors.len();
        follower.until("missing", |this| {
            this.errors.len() > before && missing(this)
        });
        assert_eq!(follower.watch.state(), &retune_mount::PathState::Missing);
        fs::write(&place.conf, text).unwrap();
        follower.until_text("conf", text);
        assert_eq!(follower.watch.state(), &retune_mount::PathState::Events);
    }
}

#[test]
fn b10_a_directory_that_is_removed_and_made_again_is_found_again() {
    let place = Place::new();
    let deep = place.path("a/b");
    let conf = deep.join("conf");
    fs::create_dir_all(&deep).unwrap();
    fs::write(&conf, "1").unwrap();
    let mut follower = Follower::events_only(&conf);
    for text in ["2", "3"] {
        fs::remove_dir_all(place.path("a")).unwrap();
        let before = follower.errors.len();
        follower.until("missing", |this| {
            this.errors.len() > before && missing(this)
        });
        fs::create_dir_all(&deep).unwrap();
        fs::write(&conf, text).unwrap();
        follower.until_text("conf", text);
    }
}

#[test]
fn b11_a_path_that_appears_later_is_picked_up() {
    let place = Place::new();
    let conf = place.path("x/y/conf");
    let mut follower = Follower::events_only(&conf);
    assert!(missing(&follower));
    fs::create_dir(place.path("x")).unwrap();
    fs::create_dir(place.path("x/y")).unwrap();
    fs::write(&conf, "here").unwrap();
    follower.until_text("conf", "here");
}

#[test]
fn b12_swap_of_a_parent_link_is_followed() {
    let place = Place::new();
    for revision in ["r1", "r2", "r3"] {
        fs::create_dir(place.path(revision)).unwrap();
        fs::write(place.path(revision).join("c"), revision).unwrap();
    }
    let current = place.path("current");
    symlink("r1", &current).unwrap();
    let mut follower = Follower::events_only(current.join("c"));
    for revision in ["r2", "r3"] {
        symlink(revision, place.path("next")).unwrap();
        fs::rename(place.path("next"), &current).unwrap();
        follower.until_text("c", revision);
    }
    assert_eq!(follower.seen.len(), 3);
}

#[test]
fn b13_a_link_in_the_middle_of_several_is_followed() {
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    fs::write(place.path("sub/two"), "two").unwrap();
    // Relative, absolute, and by way of the directory above.
    symlink("b", place.path("a")).unwrap();
    symlink(place.path("c"), place.path("b")).unwrap();
    symlink("sub/../conf", place.path("c")).unwrap();
    let mut follower = Follower::events_only(place.path("a"));
    assert_eq!(follower.text("a").as_deref(), Some("one"));
    symlink("sub/two", place.path("b-next")).unwrap();
    fs::rename(place.path("b-next"), place.path("b")).unwrap();
    follower.until_text("a", "two");
    replace(&place.path("sub/two"), "three");
    follower.until_text("a", "three");
    assert_eq!(follower.seen.len(), 3);
}

#[test]
fn b14_a_loop_of_links_is_an_error_until_it_is_broken() {
    let place = Place::new();
    symlink("b", place.path("a")).unwrap();
    symlink("a", place.path("b")).unwrap();
    let mut follower = Follower::events_only(place.path("a"));
    assert_eq!(follower.errors[0].kind(), ErrorKind::LinkLoop);
    fs::remove_file(place.path("b")).unwrap();
    symlink("conf", place.path("b")).unwrap();
    follower.until_text("a", "one");
}

#[test]
fn b14_as_many_links_are_followed_as_the_kernel_follows() {
    let place = Place::new();
    let link = |n: usize| place.path(&format!("link-{n}"));
    symlink("conf", link(1)).unwrap();
    for n in 2..=41 {
        symlink(link(n - 1), link(n)).unwrap();
    }
    let read = |n| retune_mount::read_once(link(n), Limits::default());
    assert!(fs::read(link(40)).is_ok() && fs::read(link(41)).is_err());
    assert_eq!(
        read(40).unwrap().file().and_then(Content::as_str),
        Some("one")
    );
    assert_eq!(read(41).unwrap_err().kind(), ErrorKind::LinkLoop);
}

#[test]
fn b15_a_link_that_is_removed_and_made_anew_leaves_no_gap() {
    let place = Place::new();
    fs::write(place.path("two"), "two").unwrap();
    let link = place.path("link");
    symlink("conf", &link).unwrap();
    let mut follower = Follower::patient(&link);
    fs::remove_file(&link).unwrap();
    follower.read();
    symlink("two", &link).unwrap();
    follower.until_text("link", "two");
    assert!(
        follower.errors.is_empty(),
        "the gap was waited out: {:?}",
        follower.errors
    );
}

#[test]
fn b16_a_hard_link_put_in_place_is_seen() {
    let place = Place::new();
    fs::write(place.path("two"), "two").unwrap();
    let mut follower = place.follow();
    fs::remove_file(&place.conf).unwrap();
    fs::hard_link(place.path("two"), &place.conf).unwrap();
    follower.until_text("conf", "two");
}

#[test]
fn b17_other_content_with_the_same_size_and_time_is_seen() {
    let place = Place::new();
    // With events and, as the only means, with the poll.
    let mut by_event = place.follow();
    let day = Duration::from_secs(24 * 3600);
    let mut by_poll = Follower::with(&place.conf, |watch| {
        watch
            .poll_every(Duration::from_millis(50), day)
            .quiet(Duration::from_millis(10), day)
    });
    let time = fs::metadata(&place.conf).unwrap().modified().unwrap();
    let mut file = File::options().write(true).open(&place.conf).unwrap();
    file.write_all(b"two").unwrap();
    file.set_modified(time).unwrap();
    // The file stays open: no close, hence no event for its content.
    by_poll.until_text("conf", "two");
    drop(file);
    by_event.until_text("conf", "two");
}

#[test]
fn b18_a_touch_is_no_change() {
    let place = Place::new();
    let mut follower = place.follow();
    let reads = follower.reads;
    let file = File::options().write(true).open(&place.conf).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
    drop(file);
    follower.until("a look at it", |this| this.reads > reads);
    replace(&place.conf, "two");
    follower.until_text("conf", "two");
    assert_eq!(follower.seen.len(), 2, "{:?}", follower.seen);
}

#[test]
fn a27_files_rewritten_one_by_one_are_taken_together() {
    let place = Place::new();
    fs::remove_file(&place.conf).unwrap();
    let write = |text: &str| {
        for n in 0..10 {
            fs::write(place.path(&format!("secret-{n}")), text).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    write("old");
    let mut follower = Follower::patient(place.tmp.path());
    std::thread::scope(|scope| {
        scope.spawn(|| write("new"));
        follower.until_text("secret-9", "new");
    });
    assert_eq!(
        follower.seen.len(),
        2,
        "never a mixture: {:?}",
        follower.seen
    );
    assert!(follower.last().iter().all(|(_, bytes)| **bytes == *b"new"));
}

#[test]
fn a_directory_follows_its_sub_directories_and_links() {
    let place = Place::new();
    let dir = place.path("conf.d");
    fs::create_dir_all(dir.join("sub")).unwrap();
    fs::write(dir.join("sub/deep"), "1").unwrap();
    symlink(&place.conf, dir.join("link")).unwrap();
    symlink("nowhere", dir.join("dangling")).unwrap();
    let mut follower = Follower::events_only(&dir);
    assert_eq!(follower.last().len(), 2, "{:?}", follower.last());
    fs::write(dir.join("sub/deep"), "2").unwrap();
    follower.until_text("sub/deep", "2");
    replace(&place.conf, "two");
    follower.until_text("link", "two");
    fs::write(dir.join("fresh"), "3").unwrap();
    follower.until_text("fresh", "3");
    fs::write(dir.join("nowhere"), "4").unwrap();
    follower.until_text("dangling", "4");
}
