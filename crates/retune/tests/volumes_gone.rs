//! A9, A10, A17, A18: keys and whole volumes that go and come.
#![allow(missing_docs, dead_code)]

mod support;

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use retune::source::{self, Env, Mount};
use retune::status::Health;
use retune::{Live, Retune};
use support::{Notes, Volume, eventually, rejection, until_ok, until_rejected, warnings};
use tempfile::{TempDir, tempdir};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    port: u16,
    extra: Option<String>,
}

/// Has no default.
#[derive(Debug, Retune)]
struct Required {
    message: String,
}

#[test]
fn a9_a_removed_key_falls_to_the_next_source_and_then_to_the_default() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("base.yaml");
    fs::write(&file, "message: from the file\n").unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("message", "mounted"), ("port", "1"), ("extra", "x")],
    );
    let live = Config::loader()
        .file(file.as_path())
        .mount(volume.path())
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    volume.publish(&[("extra", "x")]);
    notes.until_last(("from the file".into(), 80));
    assert_eq!(notes.all().len(), 2, "both keys went in one generation");
    let warnings = warnings(&live);
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    assert!(
        warnings[0].contains("`message`") && warnings[0].contains("base.yaml"),
        "{warnings:#?}"
    );
    assert!(
        warnings[1].contains("`port`") && warnings[1].contains("default"),
        "{warnings:#?}"
    );
    assert_eq!(live.status().health, Health::Ok);
}

#[test]
fn a9_a10_a_required_key_that_is_removed_leaves_the_last_good_value_until_it_is_back() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one"), ("x", "")]);
    let live = Required::loader().mount(volume.path()).watch().unwrap();
    let notes = Notes::of(&live, |c| c.message.clone());
    volume.publish(&[("x", "")]);
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("`message`: missing"), "{problems:?}");
    assert_eq!(live.with(|c| c.message.clone()), "one");
    assert_eq!(live.status().health, Health::Degraded);
    assert_eq!(live.status().generation, 1);
    volume.publish(&[("message", "one"), ("x", "")]);
    until_ok(&live);
    volume.publish(&[("message", "two"), ("x", "")]);
    notes.until_last("two".into());
    volume.publish(&[("message", "three"), ("x", "")]);
    notes.until_last("three".into());
    assert_eq!(notes.values(), ["one", "two", "three"]);
}

#[test]
fn a10_the_warning_of_a_removed_key_goes_when_the_key_is_back() {
    let dir = tempdir().unwrap();
    let both = [("message", "one"), ("port", "1")];
    let volume = Volume::new(dir.path().join("v"), &both);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    volume.publish(&[("message", "one")]);
    eventually("the default", || live.with(|c| c.port == 80));
    eventually("a warning", || warnings(&live).len() == 1);
    // Still there after another generation: it is a state, not an event.
    volume.publish(&[("message", "two")]);
    eventually("the next generation", || live.with(|c| c.message == "two"));
    assert_eq!(warnings(&live).len(), 1);
    volume.publish(&[("message", "two"), ("port", "1")]);
    eventually("the key is back", || live.with(|c| c.port == 1));
    eventually("no warning", || warnings(&live).is_empty());
}

#[test]
fn a17_an_optional_configmap_that_is_filled_later_is_picked_up() {
    let dir = tempdir().unwrap();
    // Mounted, but the ConfigMap does not exist yet; and not mounted at all.
    let empty = Volume::new(dir.path().join("empty"), &[]);
    let absent = dir.path().join("absent");
    let live = Config::loader()
        .mount(empty.path())
        .mount(Mount::new(&absent).optional())
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    assert_eq!(warnings(&live), [""; 0]);
    empty.publish(&[("message", "filled")]);
    notes.until_last(("filled".into(), 80));
    let _late = Volume::new(&absent, &[("port", "7")]);
    notes.until_last(("filled".into(), 7));
    assert_eq!(notes.all().len(), 3);
    assert_eq!(live.status().counters.rejected(), 0);
}

#[test]
fn a18_an_emptied_volume_keeps_the_last_good_values_and_is_degraded() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one"), ("port", "1")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    volume.publish(&[]);
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("has no keys any more"), "{problems:?}");
    assert_eq!(live.status().health, Health::Degraded);
    assert_eq!(
        live.with(|c| (c.message.clone(), c.port)),
        ("one".into(), 1)
    );
    // A volume with one key less than before is not an emptied one.
    volume.publish(&[("message", "two")]);
    eventually("the next generation", || {
        live.with(|c| c.message == "two" && c.port == 80)
    });
    assert_eq!(live.status().health, Health::Ok);
}

/// With a volume whose loss means the defaults.
fn lost_by_wish() -> (TempDir, Volume, Live<Config>) {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one"), ("port", "1")]);
    let mount = Mount::new(volume.path()).defaults_when_lost();
    let live = Config::loader().mount(mount).watch().unwrap();
    (dir, volume, live)
}

#[test]
fn a18_defaults_when_lost_are_opt_in() {
    let (_dir, volume, live) = lost_by_wish();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    volume.publish(&[]);
    notes.until_last(("none".into(), 80));
    assert_eq!(live.status().health, Health::Ok);
    assert!(!warnings(&live).is_empty(), "the loss is told");
    volume.publish(&[("message", "two"), ("port", "2")]);
    notes.until_last(("two".into(), 2));
    eventually("no warning", || warnings(&live).is_empty());
    assert_eq!(notes.all().len(), 3);
}

#[test]
fn a18_a_volume_that_is_lost_by_wish_hinders_no_other_change() {
    let (dir, volume, live) = lost_by_wish();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    fs::rename(volume.path(), dir.path().join("away")).unwrap();
    notes.until_last(("none".into(), 80));
    live.set("port", "7").unwrap();
    notes.until_last(("none".into(), 7));
    assert_eq!(live.status().health, Health::Ok);
    fs::rename(dir.path().join("away"), volume.path()).unwrap();
    notes.until_last(("one".into(), 7));
}

#[test]
fn a9_f2_what_a_refused_update_would_remove_is_not_told_as_gone() {
    #[derive(Debug, Retune)]
    struct Held {
        key: String,
        #[retune(default = 1)]
        workers: u32,
    }
    let dir = tempdir().unwrap();
    let config = ("config.yaml", "workers: 2\n");
    let volume = Volume::new(dir.path().join("v"), &[("key", "k"), config]);
    let live = Held::loader().mount(volume.path()).watch().unwrap();

    volume.publish(&[("key", "k"), ("config.yaml", "workers: 2\n  x: 1\n")]);
    until_rejected(&live);
    assert_eq!(warnings(&live), [""; 0]);
    assert_eq!(live.load().workers, 2);

    // Why it is missing is told with the refusal itself.
    volume.publish(&[("config.yaml", "workers: 3\n")]);
    eventually("the other refusal", || {
        rejection(&live)[0].contains("`key`: missing: expected text; mount ")
    });
    assert!(rejection(&live)[0].contains("v gave it until now"));
    assert_eq!(warnings(&live), [""; 0]);

    // What was removed by an accepted update stays told while another is refused.
    volume.publish(&[("key", "k")]);
    until_ok(&live);
    assert_eq!(warnings(&live).len(), 1, "{:?}", warnings(&live));
    volume.publish(&[]);
    until_rejected(&live);
    assert_eq!(warnings(&live).len(), 1, "{:?}", warnings(&live));
    assert!(warnings(&live)[0].contains("`workers`: no longer given by mount"));
}

#[test]
fn a2_a_volume_that_is_away_for_a_moment_is_not_mixed_with_what_it_is_afterwards() {
    #[derive(Debug, Retune)]
    struct Pair {
        one: u32,
        two: u32,
    }

    let dir = tempdir().unwrap();
    let (here, away) = (dir.path().join("v"), dir.path().join("away"));
    let keys = |text: &'static str| [("one", text), ("two", text)];
    let volume = Volume::new(&here, &keys("1"));
    // Between its first reading and its second it comes back, with something new in it.
    let moves = Arc::new(AtomicBool::new(false));
    let (leave, (from, to)) = (moves.clone(), (here.clone(), away.clone()));
    let leaves = source::from_fn("leaves", move || {
        if leave.swap(false, Ordering::SeqCst) {
            volume.publish(&keys("2"));
            fs::rename(&from, &to).unwrap();
        }
        Ok::<_, Infallible>([] as [(&str, &str); 0])
    });
    let (from, to) = (away.clone(), here.clone());
    let returns = source::from_fn("returns", move || {
        if from.exists() {
            fs::rename(&from, &to).unwrap();
        }
        Ok::<_, Infallible>([] as [(&str, &str); 0])
    });
    let often = Duration::from_millis(10);
    let variable = ("APP_TWO_FILE", here.join("two"));
    let live = Pair::loader()
        .source(leaves.poll_every(often))
        .mount(&here)
        .source(returns.poll_every(often))
        .env(Env::from_iter("APP", [variable]))
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |pair| (pair.one, pair.two));
    moves.store(true, Ordering::SeqCst);
    notes.until_last((2, 2));
    assert_eq!(notes.values(), [(1, 1), (2, 2)]);
}
