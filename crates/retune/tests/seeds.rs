//! Bugs of the programs that retune came from, where no other test shows that they are not here.
//! `docs/bugs-of-others.md` lists all of them by these ids.
#![allow(missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use retune::source::{Env, File};
use retune::{EnvView, Live, Retune};
use support::{Notes, Volume, eventually, lines, until_ok, until_rejected};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = "none")]
    title: String,
    #[retune(default = 80)]
    port: u16,
    #[retune(default = "info")]
    log_level: String,
}

/// An environment that names a file for each variable.
fn files<'n>(named: impl IntoIterator<Item = (&'n str, PathBuf)>) -> Env {
    Env::from_iter("", named)
}

#[test]
fn k4_a_key_that_a_variable_names_is_followed_after_it_was_removed_and_added_again() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "one"), ("x", "")]);
    let env = files([("MESSAGE_FILE", volume.key("message"))]);
    let live = Config::loader().env(env).watch().unwrap();
    let notes = Notes::of(&live, |c| c.message.clone());
    for next in ["two", "three"] {
        volume.publish(&[("x", "")]);
        let told = until_rejected(&live);
        assert!(told[0].contains("MESSAGE_FILE"), "{told:?}");
        volume.publish(&[("message", next), ("x", "")]);
        notes.until_last(next.into());
        until_ok(&live);
    }
    assert_eq!(notes.values(), ["one", "two", "three"]);
}

#[test]
fn k5_a_file_that_is_empty_at_the_start_is_followed() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("message");
    fs::write(&file, "").unwrap();
    let env = files([("MESSAGE_FILE", file.clone())]);
    let live = Config::loader().env(env).watch().unwrap();
    let notes = Notes::of(&live, |c| c.message.clone());
    fs::write(&file, "no longer").unwrap();
    notes.until_last("no longer".into());
    assert_eq!(notes.values(), ["", "no longer"]);
}

#[test]
fn k6_two_fields_on_one_file_both_follow() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("text", "one")]);
    let plain = dir.path().join("text");
    fs::write(&plain, "one").unwrap();
    for (file, write) in [
        (
            volume.key("text"),
            &(|| volume.publish(&[("text", "two")])) as &dyn Fn(),
        ),
        (plain.clone(), &|| support::replace(&plain, "two")),
    ] {
        let env = files([("MESSAGE_FILE", file.clone()), ("TITLE_FILE", file)]);
        let live = Config::loader().env(env).watch().unwrap();
        let notes = Notes::of(&live, |c| (c.message.clone(), c.title.clone()));
        write();
        notes.until_last(("two".into(), "two".into()));
        assert_eq!(notes.all().len(), 2, "both in one generation");
    }
}

#[test]
fn k13_a_port_in_a_file_may_end_in_a_newline_and_one_that_is_none_is_an_error() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("port");
    let load = || Config::loader().env(files([("PORT_FILE", file.clone())]));
    fs::write(&file, "8081\n").unwrap();
    let live = load().watch().unwrap();
    assert_eq!(live.with(|c| c.port), 8081);
    support::replace(&file, "eighty\n");
    for told in [
        until_rejected(&live),
        lines(load().once().unwrap_err().problems()),
    ] {
        assert_eq!(told.len(), 1, "{told:?}");
        for part in ["PORT_FILE", "`port`", "eighty"] {
            assert!(told[0].contains(part), "{part}: {told:?}");
        }
    }
    assert_eq!(live.with(|c| c.port), 8081);
}

#[test]
fn k15_every_source_can_give_an_empty_text() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("message");
    fs::write(&file, "").unwrap();
    let document = dir.path().join("c.yaml");
    fs::write(&document, "message: ''").unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "")]);
    let loader = Config::loader;
    for (name, loader) in [
        ("a document", loader().file(document)),
        ("a volume", loader().mount(volume.path())),
        (
            "a variable",
            loader().env(Env::from_iter("", [("MESSAGE", "")])),
        ),
        ("its file", loader().env(files([("MESSAGE_FILE", file)]))),
        #[cfg(feature = "clap")]
        ("a flag", loader().args(["app", "--message="])),
        ("code", loader().set("message", "")),
    ] {
        assert_eq!(loader.once().unwrap().message, "", "{name}");
    }
}

#[cfg(feature = "clap")]
#[test]
fn k23_two_configurations_have_flags_of_their_own_and_none_that_nobody_asked_for() {
    #[derive(Debug, Retune)]
    struct Other {
        #[retune(default = 1)]
        port: u16,
    }
    let load = |arg: &'static str| {
        let config = Config::loader().args(["app", arg]).once().unwrap();
        let other = Other::loader().args(["other", arg]).once().unwrap();
        (config.port, other.port)
    };
    assert_eq!(load("--port=7"), (7, 7));
    // Without `args` or `flags` no argument of the process is looked at.
    assert_eq!(Config::loader().once().unwrap().port, 80);
}

#[test]
fn m3_m4_whatever_happens_to_an_absent_path_is_seen_in_the_end() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("deep/er/c.yaml");
    let live = Config::loader()
        .file(File::new(&path).optional())
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| c.message.clone());
    // Made, moved away and back, removed and made again: each a different set of events.
    let write = |text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        support::replace(&path, &format!("message: {text}"));
    };
    write("made");
    notes.until_last("made".into());
    let away = dir.path().join("away");
    fs::rename(dir.path().join("deep"), &away).unwrap();
    notes.until_last("none".into());
    fs::rename(&away, dir.path().join("deep")).unwrap();
    notes.until_last("made".into());
    fs::remove_dir_all(dir.path().join("deep")).unwrap();
    notes.until_last("none".into());
    write("again");
    notes.until_last("again".into());
}

fn publish_and_see(volume: &Volume, live: &Live<Config>, text: &str) {
    volume.publish(&[("message", text), ("log-level", text)]);
    eventually(text, || live.with(|c| c.message == text));
}

#[test]
fn v4_a_key_that_becomes_empty_is_an_empty_value() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "VAL1")]);
    let env = Env::from_iter("", [("MESSAGE", "VAL1")]);
    let loader = Config::loader().mount(volume.path()).env(env);
    let live = loader.watch().unwrap();
    publish_and_see(&volume, &live, "");
}

#[test]
fn v2_v6_a_value_is_text_and_loses_one_final_newline_whatever_it_looks_like() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "50%\n")]);
    let live = Config::loader().mount(volume.path()).watch().unwrap();
    assert_eq!(live.with(|c| c.message.clone()), "50%");
    publish_and_see(&volume, &live, "%s {} $HOME\nsecond line");
}

#[test]
fn v9_a_key_that_is_no_name_of_a_variable_is_there_from_the_start() {
    let dir = tempdir().unwrap();
    let keys = [("message", "one"), ("log-level", "warn"), ("2nd", "x")];
    let volume = Volume::new(dir.path().join("v"), &keys);
    // A shell that cannot name them leaves them out.
    let variables = [("message", "one")];
    let env = Env::from_iter("", variables);
    let names = EnvView::over(variables).mount(volume.path());
    let names = names.watch().unwrap();
    for (name, value) in [("log-level", "warn"), ("2nd", "x")] {
        assert_eq!(names.get(name).as_deref(), Some(value));
    }
    let loader = Config::loader().mount(volume.path()).env(env);
    let live = loader.watch().unwrap();
    assert_eq!(live.with(|c| c.log_level.clone()), "warn");
    publish_and_see(&volume, &live, "two");
    assert_eq!(live.with(|c| c.log_level.clone()), "two");
    eventually("two", || names.get("log-level").as_deref() == Some("two"));
}

#[test]
fn v13_no_variable_but_those_of_the_fields_can_be_asked_for() {
    let variables = [("MESSAGE", "for all"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
    let env = Env::from_iter("", variables);
    let live = Config::loader().env(env).watch().unwrap();
    assert!(live.explain("AWS_SECRET_ACCESS_KEY").is_none());
    let told = format!("{:?} {:?} {live:?}", live.explain_all(), live.status());
    assert!(told.contains("for all"), "{told}");
    assert!(!told.contains("hunter2") && !told.contains("AWS"), "{told}");
}

#[test]
fn k8_two_keys_of_one_swap_apply_at_once_although_one_is_held_open() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("message", "one"), ("title", "one")],
    );
    let held: &Path = &volume.key("message");
    let _held = fs::File::open(held).unwrap();
    let env = files([
        ("MESSAGE_FILE", volume.key("message")),
        ("TITLE_FILE", volume.key("title")),
    ]);
    let live = Config::loader().env(env).watch().unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.title.clone()));
    volume.publish(&[("message", "two"), ("title", "two")]);
    notes.until_last(("two".into(), "two".into()));
    assert_eq!(notes.all().len(), 2);
    assert_eq!(live.status().counters.polls, 0, "the events came");
}
