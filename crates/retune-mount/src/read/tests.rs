//! A volume is swapped between two keys of one read.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::*;
use crate::content::Content;
use crate::publish::{Publisher, Step};

thread_local! {
    /// What to do after a key was read; done once.
    static BETWEEN: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

pub(super) fn after_key() {
    // Taken out first, so that what it does may read as well.
    let between = BETWEEN.with_borrow_mut(Option::take);
    if let Some(between) = between {
        between();
    }
}

fn texts(found: &Snapshot) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    found
        .iter()
        .map(|(key, bytes)| (text(key.as_os_str().as_bytes()), text(bytes)))
        .collect()
}

#[test]
fn a4_a5_a_swap_between_two_keys_is_read_again_as_a_whole() {
    // Up to the rename only, and up to the end, when the old directory is gone.
    for last in [Step::Renamed, Step::OldRemoved] {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().to_owned();
        let publisher = Publisher::open(&dir).unwrap();
        publisher
            .publish([("a", "1"), ("b", "1"), ("c", "1")])
            .unwrap();
        BETWEEN.set(Some(Box::new(move || {
            let mut hook = |step| match step == last {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
            let keys = [("a", "2"), ("b", "2"), ("d", "2")];
            publisher.publish_stepwise(keys, &mut hook).unwrap();
        })));
        let found = read_once(&dir, Limits::default()).unwrap();
        assert!(BETWEEN.with_borrow(Option::is_none), "the swap was made");
        let expected = ["a", "b", "d"].map(|key| (key.to_owned(), String::from("2")));
        assert_eq!(texts(&found), expected, "{last:?}");
    }
}

#[test]
fn a4_a_swap_that_is_not_finished_changes_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().to_owned();
    let publisher = Publisher::open(&dir).unwrap();
    publisher.publish([("a", "1"), ("b", "1")]).unwrap();
    BETWEEN.set(Some(Box::new(move || {
        let mut hook = |step| match step == Step::DataTmpLinked {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        publisher
            .publish_stepwise([("a", "2"), ("b", "2")], &mut hook)
            .unwrap();
    })));
    let found = read_once(&dir, Limits::default()).unwrap();
    let expected = ["a", "b"].map(|key| (key.to_owned(), String::from("1")));
    assert_eq!(texts(&found), expected);
}

#[test]
fn b12_a_data_link_that_is_no_volume_s_is_a_link_like_any_other() {
    let tmp = tempfile::tempdir().unwrap();
    for release in ["1", "2", "3"] {
        let dir = tmp.path().join("releases").join(release);
        fs::create_dir_all(&dir).unwrap();
        for key in ["a", "b", "c"] {
            fs::write(dir.join(key), release).unwrap();
        }
    }
    for (way, base) in [
        ("absolute", tmp.path().join("releases")),
        ("relative", PathBuf::from("../releases")),
    ] {
        let dir = tmp.path().join(way);
        fs::create_dir(&dir).unwrap();
        for key in ["a", "b", "c"] {
            symlink(Path::new(DATA).join(key), dir.join(key)).unwrap();
        }
        let place = dir.clone();
        let lead_to = move |release: &str| {
            symlink(base.join(release), place.join("new")).unwrap();
            fs::rename(place.join("new"), place.join(DATA)).unwrap();
        };
        lead_to("1");
        let swap = lead_to.clone();
        BETWEEN.set(Some(Box::new(move || swap("2"))));
        let mut pins = Pins::new(Limits::default());
        let found = pins.read(&dir).unwrap();
        let expected = ["a", "b", "c"].map(|key| (key.to_owned(), String::from("2")));
        assert_eq!(texts(&found), expected, "{way}");
        assert!(pins.still_current());
        lead_to("3");
        assert!(!pins.still_current(), "{way}");
        let single = pins.read(dir.join("b")).unwrap();
        let text = single.file().and_then(Content::as_str);
        assert_eq!(text, Some("2"), "as the first path found it");
    }
}

#[test]
fn pins_tell_that_a_plain_file_changed_since() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("one");
    fs::write(&path, "1").unwrap();
    let pins = &mut Pins::new(Limits::default());
    read(&path, pins, &mut (), false).unwrap();
    assert!(pins.still_current());
    fs::write(&path, "12").unwrap();
    assert!(!pins.still_current());
}

/// Interrupted before each byte.
struct Interrupted<'a> {
    text: &'a [u8],
    now: bool,
}

impl Read for Interrupted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.now = !self.now;
        match self.now {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => (&mut self.text).take(1).read(buffer),
        }
    }
}

#[test]
fn a_read_that_a_signal_interrupts_goes_on() {
    // Of the size that was told, less, and more.
    for size in [6, 3, 9] {
        let text = b"config";
        let mut file = Interrupted { text, now: false };
        let mut collector = Collector::new(Limits::default());
        let bytes = collector.content(&mut file, size, || PathBuf::from("/config"));
        assert_eq!(*bytes.unwrap(), *text);
    }
}

/// Counts how often it is read.
struct Counted<'a> {
    text: &'a [u8],
    reads: usize,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        self.text.read(buffer)
    }
}

#[test]
fn a_file_that_is_as_long_as_it_told_is_read_once() {
    for (size, reads) in [(6, 1), (5, 2), (7, 2), (0, 3)] {
        let text = b"config";
        let mut file = Counted { text, reads: 0 };
        let mut collector = Collector::new(Limits::default());
        let bytes = collector.content(&mut file, size, || PathBuf::from("/config"));
        assert_eq!(
            (&**bytes.as_ref().unwrap(), file.reads),
            (&text[..], reads),
            "{size}"
        );
    }
}

/// What was told of a size that is not so leaves nothing behind but the one buffer.
#[test]
fn h4_a_file_that_shrank_or_grew_is_one_content() {
    let text: Vec<u8> = (0..20_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
    for told in [0, 1, 4_095, 4_096, 19_999, 20_000, 20_001, 50_000] {
        let mut collector = Collector::new(Limits::default());
        let content = collector.content(&mut &text[..], told, || PathBuf::from("/config"));
        let content = content.unwrap();
        assert_eq!(*content, *text, "{told}");
        assert_eq!(content.as_str().map(str::len), Some(text.len()));
    }
}

/// Counts how often a walk comes through a directory.
struct Passes(usize);

impl Observer for Passes {
    fn passing(&mut self, dir: &crate::dir::Dir, names: Names<'_>) {
        let is_data = matches!(names, Names::One(name) if name == DATA);
        self.0 += usize::from(is_data && dir.below.is_none());
    }
}

#[test]
fn a5_what_another_path_holds_an_old_pin_of_is_not_tried_again() {
    let tmp = tempfile::tempdir().unwrap();
    let publisher = Publisher::open(tmp.path()).unwrap();
    publisher.publish([("a", "1")]).unwrap();
    let pins = &mut Pins::new(Limits::default());
    read(&tmp.path().join("a"), pins, &mut (), false).unwrap();
    publisher.publish([("a", "2")]).unwrap();
    let mut passes = Passes(0);
    let refused = read(tmp.path(), pins, &mut passes, false).map(drop);
    assert!(refused.is_err_and(|error| error.is_moved()));
    assert_eq!(passes.0, 1, "no other try could end better");
}

/// Swaps the volume after each key that is read.
fn swap_for_ever(publisher: Publisher, version: u64) {
    BETWEEN.set(Some(Box::new(move || {
        publisher.publish([("a", version.to_string())]).unwrap();
        swap_for_ever(publisher, version + 1);
    })));
}

#[test]
fn a3_a_volume_that_is_swapped_at_each_try_is_given_up_as_moved() {
    let tmp = tempfile::tempdir().unwrap();
    let publisher = Publisher::open(tmp.path()).unwrap();
    publisher.publish([("a", "0")]).unwrap();
    swap_for_ever(publisher, 1);
    let mut passes = Passes(0);
    let pins = &mut Pins::new(Limits::default());
    let refused = read(tmp.path(), pins, &mut passes, false).map(drop);
    BETWEEN.set(None);
    assert!(refused.is_err_and(|error| error.is_moved()));
    assert!(passes.0 > 1, "not at the first");
}

#[test]
fn b5_a_file_that_changes_while_it_is_read_is_told() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("restless");
    fs::write(&path, "").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let deadline = Instant::now() + Duration::from_secs(30);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for size in (0..100_000).cycle() {
                fs::write(&path, vec![b'a'; size]).unwrap();
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
            }
        });
        let unstable = || {
            let found = read(&path, &mut Pins::new(Limits::default()), &mut (), false);
            found.unwrap().plain.is_some_and(|plain| plain.unstable)
        };
        let mut seen = false;
        while !seen && Instant::now() < deadline {
            seen = unstable();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(seen, "not once");
    });
}

/// Gives a byte at a time, then fails if it is to; notes the widest buffer that it was given.
struct Slow<'a> {
    text: &'a [u8],
    fails: bool,
    widest: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.widest = self.widest.max(buffer.len());
        match self.text.is_empty() && self.fails {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => (&mut self.text).take(1).read(buffer),
        }
    }
}

#[test]
fn h4_a_file_of_the_size_that_it_told_needs_one_buffer_and_a_read_that_fails_is_an_error() {
    for fails in [false, true] {
        let mut file = Slow {
            text: b"config",
            fails,
            widest: 0,
        };
        let mut collector = Collector::new(Limits::default());
        let content = collector.content(&mut file, 6, || PathBuf::from("/config"));
        assert_eq!(content.is_err(), fails);
        assert_eq!(file.widest, 7, "with room to see the end by");
    }
}
