//! Group A: volumes as the kubelet writes them, swapped while they are followed.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use retune_mount::{
    Content, Error, ErrorKind, Kind, Limits, Pins, Publisher, Reading, Signal, Step, Watch, lag,
    read_once,
};
use support::{Follower, ORDERS, Volume, in_child};

fn ready(watch: &mut Watch, pins: &mut Pins) -> Result<String, Error> {
    match watch.read(pins)? {
        Reading::Ready(found) => {
            let bytes = found.file().expect("a single file");
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
        other => panic!("below a pin nothing settles: {other:?}"),
    }
}

fn new_pins() -> Pins {
    Pins::new(Limits::default())
}

#[test]
fn a1_one_swap_is_one_change() {
    for order in ORDERS {
        let volume = Volume::ordered(order, [("level", "warn"), ("other", "x")]);
        let mut follower = volume.follow();
        volume.publish([("level", "info"), ("other", "x")]);
        follower.until_text("level", "info");
        volume.publish([("level", "debug"), ("other", "x")]);
        follower.until_text("level", "debug");
        assert_eq!(follower.seen.len(), 3, "{order:?}");
        assert!(
            follower.errors.is_empty(),
            "{order:?}: {:?}",
            follower.errors
        );
    }
}

#[test]
fn a1_one_swap_wakes_the_reader_of_many_paths_once() {
    // By itself: of directories that other tests watch, an event may still come from before.
    if !in_child("a1_one_swap_wakes_the_reader_of_many_paths_once", &[]) {
        return;
    }
    let keys: Vec<String> = (0..10).map(|n| format!("key-{n}")).collect();
    let volume = Volume::new([]);
    let publish = |text: &str| {
        volume
            .publisher
            .publish(keys.iter().map(|key| (key, text)))
            .unwrap();
    };
    publish("0");
    let signal = Signal::new();
    let hour = Duration::from_secs(3600);
    let follow = |key| Watch::new(volume.path(key), &signal).poll_every(hour, hour);
    let mut files: Vec<Watch> = keys.iter().map(|key| follow(key)).collect();
    let mut read = |expected: &str| {
        let mut pins = new_pins();
        let mut texts = files.iter_mut().map(|file| ready(file, &mut pins).unwrap());
        assert!(texts.all(|text| text == expected));
    };
    read("0");
    for n in 1..50 {
        publish(&n.to_string());
        signal.wait(None);
        read(&n.to_string());
    }
    // Had any swap set the signal twice, it would be set now, before the next one.
    let wake = signal.wait(Some(Instant::now()));
    assert_eq!(wake, retune_mount::Wake::default());
}

/// Followers of the volume and of two of its files, while it is swapped again
/// and again until the given time has passed.
fn swap_under_readers(order: retune_mount::LinkOrder, how_long: Duration) {
    let names: Vec<String> = (0..20).map(|n| format!("key-{n}")).collect();
    let keys = |version: usize| {
        let text = format!("{version:09}");
        names
            .iter()
            .map(move |name| (name.clone(), text.clone()))
            .collect::<Vec<_>>()
    };
    let volume = Volume::ordered(order, []);
    volume.publisher.publish(keys(0)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut follower = volume.follow();
                while !done.load(Ordering::SeqCst) {
                    follower.read();
                }
                follower.read();
                for snapshot in &follower.seen {
                    assert_eq!(snapshot.len(), 20, "{snapshot:?}");
                    let first = snapshot.get("key-0").unwrap();
                    assert!(
                        snapshot.iter().all(|(_, bytes)| bytes == first),
                        "a mixture"
                    );
                }
                let versions = follower
                    .seen
                    .iter()
                    .map(|seen| seen.get("key-0").and_then(Content::as_str));
                assert!(versions.is_sorted(), "out of order");
                assert!(follower.errors.is_empty(), "{:?}", follower.errors);
                let newest = read_once(&volume.dir, Limits::default()).unwrap();
                assert!(
                    follower.last().same_content(&newest),
                    "not the last version"
                );
            });
        }
        scope.spawn(|| {
            let signal = Signal::new();
            let mut files = ["key-3", "key-17"].map(|key| Watch::new(volume.path(key), &signal));
            while !done.load(Ordering::SeqCst) {
                let mut pins = new_pins();
                let [one, two] = files.each_mut().map(|file| ready(file, &mut pins));
                match (one, two) {
                    (Ok(one), Ok(two)) => assert_eq!(one, two, "two files of two generations"),
                    (Err(error), _) | (_, Err(error)) => assert!(error.is_moved(), "{error}"),
                }
            }
        });
        let end = Instant::now() + how_long;
        let mut version = 0;
        while Instant::now() < end || version < 10 {
            version += 1;
            volume.publisher.publish(keys(version)).unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a2_a3_keys_that_change_together_are_seen_together_under_continuous_swaps() {
    for order in ORDERS {
        swap_under_readers(order, Duration::from_millis(1500));
    }
}

#[test]
fn a4_a5_files_of_one_reload_are_of_one_generation_or_it_starts_over() {
    for last_step in [Step::DirCreated, Step::Renamed, Step::OldRemoved] {
        let volume = Volume::new([("one", "1"), ("two", "1")]);
        let signal = Signal::new();
        let mut one = Watch::new(volume.path("one"), &signal);
        let mut two = Watch::new(volume.path("two"), &signal);
        let mut pins = new_pins();
        assert_eq!(ready(&mut one, &mut pins).unwrap(), "1");
        assert!(pins.still_current());
        volume.publish_until([("one", "2"), ("two", "2")], last_step);
        let second = ready(&mut two, &mut pins);
        if last_step == Step::DirCreated {
            assert_eq!(second.unwrap(), "1", "not swapped yet");
            assert!(pins.still_current());
            continue;
        }
        assert!(second.unwrap_err().is_moved());
        assert!(!pins.still_current());
        let mut pins = new_pins();
        assert_eq!(ready(&mut one, &mut pins).unwrap(), "2");
        assert_eq!(ready(&mut two, &mut pins).unwrap(), "2");
        assert!(pins.still_current());
    }
}

#[test]
fn a6_a_swap_to_equal_content_is_seen_as_equal() {
    let volume = Volume::new([("level", "warn")]);
    let mut follower = volume.follow();
    let before = follower.last().clone();
    volume.swap_by_hand("..2026_01_01_00_00_00.1", &[("level", "warn")]);
    follower.until("a read after the swap", |this| this.reads > 1);
    volume.publish([("level", "info")]);
    follower.until_text("level", "info");
    assert_eq!(follower.seen.len(), 2, "the equal swap was no change");
    assert_ne!(before.data_dir(), follower.last().data_dir());
}

#[test]
fn a7_a_new_key_is_seen_before_its_link_is_made() {
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    let mut file = Follower::events_only(volume.path("new"));
    let mut nested = Follower::events_only(volume.path("sub/new"));
    let error = &file.errors[0];
    assert!(error.is_missing());
    assert_eq!(error.path(), volume.path("new"));
    let keys = [("a", "1"), ("new", "1"), ("sub/new", "1")];
    volume.publish_until(keys, Step::Renamed);
    assert!(
        !volume.path("new").is_symlink(),
        "the link is still to be made"
    );
    // The whole volume and a single file agree: else one reload would mix two generations.
    follower.until_text("new", "1");
    file.until_text("new", "1");
    nested.until_text("new", "1");
    volume.publish(keys);
    file.read();
    assert_eq!(follower.seen.len(), 2);
    assert_eq!(file.seen.len(), 1);
}

#[test]
fn a8_a_link_that_dangles_before_the_rename_is_no_error() {
    let volume = Volume::ordered(retune_mount::LinkOrder::BeforeRename, [("a", "1")]);
    let mut follower = volume.follow();
    volume.publish_until([("a", "2"), ("new", "2")], Step::LinkCreated);
    assert!(volume.path("new").is_symlink() && !volume.path("new").exists());
    follower.read();
    assert_eq!(follower.text("a").as_deref(), Some("1"));
    volume.publish([("a", "2"), ("new", "2")]);
    follower.until_text("new", "2");
    assert!(follower.errors.is_empty(), "{:?}", follower.errors);
    assert_eq!(follower.seen.len(), 2);
}

#[test]
fn a9_a10_a_removed_key_is_gone_and_comes_back() {
    for order in ORDERS {
        let volume = Volume::ordered(order, [("a", "1"), ("b", "1")]);
        let mut follower = volume.follow();
        let mut file = Follower::events_only(volume.path("b"));
        volume.publish([("a", "1")]);
        follower.until("b gone", |this| this.last().get("b").is_none());
        file.until("b missing", |this| {
            this.errors.last().is_some_and(Error::is_missing)
        });
        for text in ["2", "3"] {
            volume.publish([("a", "1"), ("b", text)]);
            follower.until_text("b", text);
            file.until_text("b", text);
        }
        assert_eq!(follower.seen.len(), 4, "{order:?}");
    }
}

#[test]
fn a15_two_volumes_swap_apart_and_each_is_whole() {
    let config = Volume::new([("a", "1"), ("b", "1")]);
    let secret = Volume::new([("user", "1"), ("password", "1")]);
    let mut one = config.follow();
    let mut two = Follower::events_only(&secret.dir);
    config.publish([("a", "2"), ("b", "2")]);
    secret.publish([("user", "2"), ("password", "2")]);
    one.until_text("a", "2");
    two.until_text("user", "2");
    assert_eq!(one.text("b").as_deref(), Some("2"));
    assert_eq!(two.text("password").as_deref(), Some("2"));
    assert_eq!((one.seen.len(), two.seen.len()), (2, 2));
}

#[test]
fn a16_a_projected_volume_is_one_generation() {
    let volume = Volume::new([("config/level", "1"), ("secret/key", "1"), ("labels", "1")]);
    let mut follower = volume.follow();
    volume.publish([("config/level", "2"), ("secret/key", "2"), ("labels", "2")]);
    follower.until_text("labels", "2");
    assert_eq!(follower.text("config/level").as_deref(), Some("2"));
    assert_eq!(follower.text("secret/key").as_deref(), Some("2"));
    assert_eq!(follower.seen.len(), 2);
}

#[test]
fn a17_an_empty_mount_that_is_filled_later_is_picked_up() {
    // As the kubelet leaves it, with `..data`, and as older ones did, without.
    let published = Volume::new([]);
    let mut follower = published.follow();
    assert_eq!(
        (follower.last().kind(), follower.last().len()),
        (Kind::Volume, 0)
    );
    published.publish([("level", "info")]);
    follower.until_text("level", "info");

    let bare = tempfile::tempdir().unwrap();
    let mut follower = Follower::events_only(bare.path());
    assert_eq!(
        (follower.last().kind(), follower.last().len()),
        (Kind::Directory, 0)
    );
    let publisher = retune_mount::Publisher::open(bare.path()).unwrap();
    publisher.publish([("level", "info")]).unwrap();
    follower.until_text("level", "info");
    assert_eq!(follower.last().kind(), Kind::Volume);
}

#[test]
fn a18_an_emptied_volume_is_read_as_empty_and_not_as_lost() {
    let volume = Volume::new([("a", "1"), ("b", "1")]);
    let mut follower = volume.follow();
    volume.publish([]);
    follower.until("empty", |this| this.last().is_empty());
    assert_eq!(follower.last().kind(), Kind::Volume);
    assert!(follower.errors.is_empty(), "{:?}", follower.errors);
    volume.publish([("a", "2")]);
    follower.until_text("a", "2");
}

#[test]
fn a18_a_volume_that_loses_its_data_link_is_an_error_until_it_is_back() {
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    for entry in fs::read_dir(&volume.dir).unwrap() {
        let path = entry.unwrap().path();
        fs::remove_file(&path)
            .or_else(|_| fs::remove_dir_all(&path))
            .unwrap();
    }
    follower.until("lost", |this| {
        this.errors
            .last()
            .is_some_and(|error| error.kind() == ErrorKind::LostData)
    });
    assert_eq!(
        follower.text("a").as_deref(),
        Some("1"),
        "the last good content stays"
    );
    volume.publish([("a", "2")]);
    follower.until_text("a", "2");
}

#[test]
fn a19_three_quick_swaps_end_on_the_third_and_in_order() {
    let volume = Volume::new([("n", "0")]);
    let mut follower = volume.follow();
    for n in ["1", "2", "3"] {
        volume.publish([("n", n)]);
    }
    follower.until_text("n", "3");
    let seen: Vec<_> = follower
        .seen
        .iter()
        .map(|seen| seen.get("n").and_then(Content::as_str))
        .collect();
    assert!(
        seen.is_sorted() && (2..=4).contains(&seen.len()),
        "{seen:?}"
    );
}

#[test]
fn a20_somebody_else_who_holds_the_old_file_delays_nothing() {
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    let _held = fs::File::open(volume.path("a")).unwrap();
    let _held_dir = fs::File::open(volume.path("..data")).unwrap();
    for text in ["2", "3"] {
        volume.publish([("a", text)]);
        follower.until_text("a", text);
    }
}

#[test]
fn a22_c5_reading_wakes_nobody() {
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    for _ in 0..100 {
        fs::read_to_string(volume.path("a")).unwrap();
        fs::read_dir(&volume.dir).unwrap().for_each(drop);
        read_once(&volume.dir, Limits::default()).unwrap();
        volume.publish([("a", "1")]);
    }
    volume.publish([("a", "2")]);
    follower.until_text("a", "2");
    assert_eq!(follower.reads, 2, "one at the start, one for the change");
}

#[test]
fn a28_the_name_of_the_data_directory_is_no_clock() {
    let volume = Volume::new([("a", "1")]);
    let mut follower = volume.follow();
    for (n, name) in ["..9999_12_31_23_59_59.1", "..not a time"]
        .into_iter()
        .enumerate()
    {
        let text = format!("by hand {n}");
        volume.swap_by_hand(name, &[("a", &text)]);
        follower.until_text("a", &text);
        let published = follower
            .last()
            .published()
            .expect("the link has a change time");
        assert!(lag(published, SystemTime::now()).is_some_and(|lag| lag < support::PATIENCE));
        assert_eq!(lag(SystemTime::now() + support::PATIENCE, published), None);
    }
}

#[test]
fn b12_paths_through_a_link_that_is_swapped_are_of_one_side_of_it() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    for (parent, text) in [("one", "1"), ("two", "2")] {
        let publisher = Publisher::create(path(parent).join("v")).unwrap();
        publisher.publish([("a", text), ("b", text)]).unwrap();
    }
    let point_to = |parent: &str| {
        symlink(parent, path("next")).unwrap();
        fs::rename(path("next"), path("current")).unwrap();
    };
    let file = |pins: &mut Pins, name: &str| {
        let found = pins.read(path("current/v").join(name)).unwrap();
        String::from_utf8_lossy(found.file().unwrap()).into_owned()
    };
    point_to("one");
    let mut pins = Pins::new(Limits::default());
    assert_eq!(file(&mut pins, "a"), "1");
    assert!(pins.still_current());
    point_to("two");
    assert_eq!(file(&mut pins, "b"), "1", "as the first path found it");
    assert!(!pins.still_current());
    let mut pins = Pins::new(Limits::default());
    assert_eq!(file(&mut pins, "b") + &file(&mut pins, "a"), "22");
    assert!(pins.still_current());
}

#[test]
fn a2_what_was_not_there_for_one_path_is_not_there_for_the_next() {
    let place = tempfile::tempdir().unwrap();
    let volume = place.path().join("v");
    let read = |pins: &mut Pins, path: &Path| match pins.read(path) {
        Ok(found) => found.len(),
        Err(error) if error.is_missing() => 0,
        Err(error) => panic!("{error}"),
    };
    let mut pins = new_pins();
    assert_eq!(read(&mut pins, &volume), 0);
    assert!(pins.still_current());
    fs::create_dir(&volume).unwrap();
    assert_eq!(read(&mut pins, &volume.join("a")), 0);
    assert!(!pins.still_current());
    // The same of its content.
    let mut pins = new_pins();
    assert_eq!(read(&mut pins, &volume), 0);
    assert!(pins.still_current());
    let publisher = Publisher::open(&volume).unwrap();
    publisher.publish([("a", "1"), ("b", "1")]).unwrap();
    assert_eq!(read(&mut pins, &volume.join("a")), 0);
    assert!(!pins.still_current());
    let mut pins = new_pins();
    assert_eq!(read(&mut pins, &volume.join("a")), 1);
    assert_eq!(read(&mut pins, &volume), 2);
    assert!(pins.still_current());
}
