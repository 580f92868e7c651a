//! Group A: volumes as a kubelet writes them, followed by a typed configuration.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use retune::source::{File, Mount};
use retune::{Retune, Secret, Snapshot};
use support::{Notes, ORDERS, Volume, eventually, rejection, until_ok, until_rejected, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    port: u16,
    extra: Option<String>,
}

#[test]
fn a1_one_swap_is_one_note_and_one_generation() {
    for order in ORDERS {
        let dir = tempdir().unwrap();
        let volume = Volume::with_order(
            dir.path().join("v"),
            order,
            &[("message", "one"), ("port", "1")],
        );
        let live = Config::loader().mount(volume.path()).watch().unwrap();
        let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
        volume.publish(&[("message", "two"), ("port", "1")]);
        notes.until_last(("two".into(), 1));
        volume.publish(&[("message", "two"), ("port", "2")]);
        notes.until_last(("two".into(), 2));
        let expected = [
            (1, ("one".to_owned(), 1)),
            (2, ("two".to_owned(), 1)),
            (3, ("two".to_owned(), 2)),
        ];
        assert_eq!(notes.all(), expected);
        let status = live.status();
        assert_eq!(status.history[1].paths().collect::<Vec<_>>(), ["message"]);
        assert_eq!(status.history[2].paths().collect::<Vec<_>>(), ["port"]);
        let times = status.times;
        assert!(times.lag().is_some(), "the kubelet's rename tells the lag");
        eventually("applied", || live.status().times.lag_applied().is_some());
        assert_eq!(status.counters.rejected(), 0);
    }
}

#[test]
fn a6_a_swap_to_equal_bytes_is_no_generation() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let notes = Notes::of(&live, |c| c.message.clone());
    let before = live.status().counters.unchanged;
    volume.swap_by_hand("..again", &[("message", "one")]);
    eventually("a no-op is counted", || {
        live.status().counters.unchanged > before
    });
    volume.swap_by_hand("..marker", &[("message", "two")]);
    notes.until_last("two".into());
    assert_eq!(notes.all(), [(1, "one".into()), (2, "two".into())]);
}

#[test]
fn a6_the_same_values_in_another_writing_are_no_generation() {
    let dir = tempdir().unwrap();
    let write = |document| [("app.yaml", document)];
    let volume = Volume::new(dir.path().join("v"), &write("message: one"));
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let before = live.status().counters.unchanged;
    volume.publish(&write("# Again.\nmessage: 'one'"));
    eventually("a no-op is counted", || {
        live.status().counters.unchanged > before
    });
    volume.publish(&write("message: two"));
    eventually("a change", || live.load().message == "two");
    assert_eq!(live.status().generation, 2);
}

#[test]
fn a7_a8_a_key_that_is_added_appears_whichever_way_its_link_is_made() {
    for order in ORDERS {
        let dir = tempdir().unwrap();
        let volume = Volume::with_order(dir.path().join("v"), order, &[("message", "one")]);
        let live = Config::loader().mount(volume.path()).watch().unwrap();
        let notes = Notes::of(&live, |c| c.extra.clone());
        volume.publish(&[("message", "one"), ("extra", "new")]);
        notes.until_last(Some("new".into()));
        volume.publish(&[("message", "one"), ("extra", "newer")]);
        notes.until_last(Some("newer".into()));
        assert_eq!(notes.all().len(), 3);
        assert_eq!(live.status().counters.rejected(), 0);
    }
}

#[test]
fn a11_a12_a13_dangling_links_leftovers_and_dotted_names_are_no_keys() {
    #[derive(Debug, Retune)]
    struct Registry {
        dockerconfigjson: String,
        extra: Option<String>,
    }
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[(".dockerconfigjson", "{}")]);
    symlink("..data/extra", volume.key("extra")).unwrap();
    symlink("..gone", volume.key("..data_tmp")).unwrap();
    fs::create_dir(volume.key("..2026_01_01_00_00_00.1")).unwrap();
    fs::write(volume.key("..2026_01_01_00_00_00.1/extra"), "stale").unwrap();
    let live = Registry::loader().mount(volume.path()).watch().unwrap();
    assert_eq!(live.with(|c| c.dockerconfigjson.clone()), "{}");
    assert_eq!(live.with(|c| c.extra.clone()), None);
    assert_eq!(warnings(&live), [""; 0]);
    volume.publish(&[(".dockerconfigjson", "{\"auths\":{}}")]);
    eventually("the next generation", || {
        live.with(|c| c.dockerconfigjson.contains("auths"))
    });
    assert_eq!(live.status().generation, 2);
}

#[test]
fn a14_a16_a_projected_volume_with_nested_items_is_one_generation() {
    #[derive(Debug, Retune)]
    struct Database {
        host: String,
        password: Secret<String>,
    }
    #[derive(Debug, Retune)]
    struct Config {
        database: Database,
        pod_name: String,
        labels: BTreeMap<String, String>,
    }
    let dir = tempdir().unwrap();
    let keys = |n: &str| {
        [
            ("database/host", format!("db-{n}")),
            ("database/password", format!("secret-{n}")),
            ("pod-name", format!("app-{n}\n")),
            ("labels/app", n.to_owned()),
        ]
    };
    let publish = |volume: &Volume, n: &str| {
        let keys = keys(n);
        let keys: Vec<_> = keys.iter().map(|(k, v)| (*k, v.as_str())).collect();
        volume.publish(&keys);
    };
    let volume = Volume::new(dir.path().join("v"), &[]);
    publish(&volume, "0");
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let notes = Notes::of(&live, |c| {
        (
            c.database.host.clone(),
            c.database.password.expose().clone(),
            c.pod_name.clone(),
            c.labels["app"].clone(),
        )
    });
    for n in ["1", "2"] {
        publish(&volume, n);
        let whole = (
            format!("db-{n}"),
            format!("secret-{n}"),
            format!("app-{n}"),
            n.to_owned(),
        );
        notes.until_last(whole);
    }
    assert_eq!(notes.all().len(), 3);
    assert_eq!(
        live.status().history[2].paths().collect::<Vec<_>>(),
        [
            "database.host",
            "database.password",
            "labels.app",
            "pod_name"
        ]
    );
}

#[test]
fn a15_two_volumes_are_two_generations_each_whole() {
    let dir = tempdir().unwrap();
    let config = Volume::new(
        dir.path().join("config"),
        &[("message", "a0"), ("extra", "a0")],
    );
    let secret = Volume::new(dir.path().join("secret"), &[("port", "1")]);
    let live = Config::loader()
        .mount(config.path())
        .mount(Mount::new(secret.path()).secret())
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.extra.clone(), c.port));
    config.publish(&[("message", "a1"), ("extra", "a1")]);
    notes.until_last(("a1".into(), Some("a1".into()), 1));
    secret.publish(&[("port", "2")]);
    notes.until_last(("a1".into(), Some("a1".into()), 2));
    assert_eq!(notes.all().len(), 3);
    let explained = live.explain("port").unwrap().winner.unwrap();
    assert_eq!(explained.value, "[redacted]", "the volume is a secret one");
}

#[test]
fn a19_three_quick_swaps_end_on_the_third_in_order() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "0")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    let notes = Notes::of(&live, |c| c.message.parse::<u32>().unwrap());
    for n in ["1", "2", "3"] {
        volume.publish(&[("message", n)]);
    }
    notes.until_last(3);
    volume.publish(&[("message", "4")]);
    notes.until_last(4);
    let told = notes.values();
    assert!(
        told.is_sorted() && (3..=5).contains(&told.len()),
        "{told:?}"
    );
}

#[test]
fn a20_a_process_that_holds_the_old_file_delays_nothing() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one")]);
    let _held = fs::File::open(volume.key("message")).unwrap();
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    for text in ["two", "three"] {
        volume.publish(&[("message", text)]);
        eventually(text, || live.with(|c| c.message == text));
    }
    assert_eq!(live.status().counters.polls, 0, "the events came");
}

#[test]
fn a24_keys_without_their_links_are_found() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one")]);
    fs::remove_file(volume.key("message")).unwrap();
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    assert_eq!(live.with(|c| c.message.clone()), "one");
    volume.swap_by_hand("..next", &[("message", "two"), ("extra", "unlinked")]);
    eventually("both keys", || {
        live.with(|c| c.message == "two" && c.extra.as_deref() == Some("unlinked"))
    });
}

#[test]
fn a25_a_mebibyte_is_loaded_and_one_byte_more_is_refused_with_the_limit() {
    const MOST: usize = 1 << 20;
    let dir = tempdir().unwrap();
    let full = "x".repeat(MOST);
    let volume = Volume::new(dir.path().join("v"), &[("message", &full)]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    assert_eq!(live.with(|c| c.message.len()), MOST);
    let over = "y".repeat(MOST + 1);
    volume.publish(&[("message", &over)]);
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    for part in ["message", "1048576", "limit"] {
        assert!(problems[0].contains(part), "{part}: {problems:?}");
    }
    assert_eq!(live.with(|c| c.message.len()), MOST);
    volume.publish(&[("message", "small")]);
    eventually("the next", || live.with(|c| c.message == "small"));
    until_ok(&live);
}

#[test]
fn a26_ten_thousand_keys_become_a_map_and_a_change_of_one_is_a_change_of_one() {
    #[derive(Debug, Retune)]
    struct Config {
        labels: BTreeMap<String, String>,
    }
    let dir = tempdir().unwrap();
    let names: Vec<_> = (0..10_000).map(|n| format!("labels.k{n:05}")).collect();
    let mut keys: Vec<_> = names.iter().map(|name| (name.as_str(), "a")).collect();
    let volume = Volume::new(dir.path().join("v"), &keys);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    assert_eq!(live.with(|c| c.labels.len()), 10_000);
    keys[42].1 = "b";
    volume.publish(&keys);
    eventually("the change", || live.with(|c| c.labels["k00042"] == "b"));
    let status = live.status();
    assert_eq!(
        status.history[1].paths().collect::<Vec<_>>(),
        ["labels.k00042"]
    );
    assert_eq!(status.sources[0].paths.len(), 1, "one path is watched");
    assert_eq!(live.explain_all().len(), 10_000);
}

#[test]
fn a27_files_rewritten_one_by_one_are_validated_as_one() {
    fn all_equal(c: &Parts) -> Result<(), String> {
        match c.one == c.two && c.two == c.three {
            true => Ok(()),
            false => Err("the parts are of different versions".into()),
        }
    }
    #[derive(Debug, Retune)]
    #[retune(validate = all_equal)]
    struct Parts {
        one: u32,
        two: u32,
        three: u32,
    }
    let dir = tempdir().unwrap();
    let write = |n: u32| {
        for key in ["one", "two", "three"] {
            fs::write(dir.path().join(key), n.to_string()).unwrap();
        }
    };
    write(0);
    let live = Parts::loader().mount(dir.path()).watch().unwrap();
    let notes = Notes::of(&live, |c| (c.one, c.two, c.three));
    for n in 1..4 {
        write(n);
        notes.until_last((n, n, n));
    }
    until_ok(&live);
    assert!(notes.values().iter().all(|(a, b, c)| a == b && b == c));
}

#[test]
fn a28_the_data_directorys_name_is_no_clock() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    for (name, text) in [("..nonsense", "two"), ("..9999_99_99_99_99_99.1", "three")] {
        volume.swap_by_hand(name, &[("message", text)]);
        eventually(text, || live.with(|c| c.message == text));
        let lag = live.status().times.lag();
        assert!(lag.is_some(), "{name}: the rename's own time counts");
    }
}

#[test]
fn a28_without_a_known_publish_time_there_is_no_lag() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "message: one").unwrap();
    let live = Config::loader().file(File::new(&file)).watch().unwrap();
    let times = live.status().times;
    assert_eq!((times.published, times.lag()), (None, None));
    assert_eq!(Snapshot::generation(&live.load()), 1);
    assert_eq!(rejection(&live), [""; 0]);
}

#[test]
fn a15_volumes_written_one_after_the_other_are_gathered_into_one_generation() {
    let root = tempdir().unwrap();
    let config = Volume::new(root.path().join("config"), &[("message", "one")]);
    let secret = Volume::new(root.path().join("secret"), &[("port", "1")]);
    // Far longer than even a loaded machine takes from one publish to the next.
    let window = std::time::Duration::from_secs(3);
    let live = Config::loader()
        .mount(config.path())
        .mount(secret.path())
        .gather(window)
        .watch()
        .unwrap();
    let began = std::time::Instant::now();
    config.publish(&[("message", "two")]);
    secret.publish(&[("port", "2")]);
    eventually("both", || live.with(|c| c.port == 2));
    assert!(began.elapsed() >= window, "the window is waited out");
    let status = live.status();
    let paths: Vec<_> = status.history[1].paths().collect();
    assert_eq!(paths, ["message", "port"]);
    assert_eq!(live.load().message, "two");
}

#[test]
fn b22_a_link_that_leaves_a_confined_mount_is_refused() {
    let root = tempdir().unwrap();
    fs::write(root.path().join("outside"), "7").unwrap();
    let dir = root.path().join("plain");
    fs::create_dir(&dir).unwrap();
    symlink("../outside", dir.join("port")).unwrap();
    assert_eq!(Config::loader().mount(&*dir).once().unwrap().port, 7);
    let confined = || Config::loader().mount(Mount::new(&dir).confined());
    for error in [
        confined().once().unwrap_err(),
        confined().watch().map(|_| ()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("leads out of"), "{error}");
    }
}
