//! Group E: what is empty, and what may be missing.
#![allow(missing_docs, dead_code)]

mod support;

use std::fs;

use retune::source::{Env, File};
use retune::{Loader, Retune, Secret};
use support::{eventually, lines, until_ok, until_rejected, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    port: u16,
    token: Option<Secret<String>>,
}

fn env(variables: &[(&str, &str)]) -> Env {
    Env::from_iter("APP", variables.iter().copied())
}

fn file(dir: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn e3_an_empty_variable_is_an_empty_value_or_by_choice_none() {
    let dir = tempdir().unwrap();
    let path = file(&dir, "message", "by file");
    let variables = [("APP_MESSAGE", ""), ("APP_PORT", "1")];
    let set = Config::loader().env(env(&variables)).once().unwrap();
    assert_eq!((&*set.message, set.port), ("", 1));
    let unset = Config::loader().env(env(&variables).empty_is_unset());
    let unset = unset.once().unwrap();
    assert_eq!((&*unset.message, unset.port), ("none", 1));
    // It hides no file, and one that names none is none.
    let both = [
        ("APP_MESSAGE", ""),
        ("APP_MESSAGE_FILE", &*path),
        ("APP_TOKEN_FILE", ""),
    ];
    let live = Config::loader()
        .env(env(&both).empty_is_unset())
        .watch()
        .unwrap();
    assert_eq!(live.with(|c| c.message.clone()), "by file");
    assert_eq!(warnings(&live), [""; 0]);
}

#[test]
fn e9_a_file_must_be_there_at_the_start_and_its_loss_keeps_what_it_gave() {
    let dir = tempdir().unwrap();
    let path = file(&dir, "c.yaml", "message: one\n");
    let live = Config::loader().file(&*path).watch().unwrap();
    let optional = Config::loader().file(File::new(&path).optional()).watch();
    let optional = optional.unwrap();
    fs::remove_file(&path).unwrap();
    let told = until_rejected(&live);
    assert!(told[0].contains("c.yaml: no such file"), "{told:?}");
    assert_eq!(live.with(|c| c.message.clone()), "one");
    eventually("the default", || optional.with(|c| c.message == "none"));
    assert_eq!(support::rejection(&optional), [""; 0]);
    fs::write(&path, "message: two\n").unwrap();
    until_ok(&live);
    for live in [&live, &optional] {
        eventually("it is back", || live.with(|c| c.message == "two"));
    }
}

#[test]
fn e9_an_empty_path_is_called_so() {
    for error in [
        Config::loader().file("").once().unwrap_err(),
        Config::loader().mount("").once().unwrap_err(),
    ] {
        let told = lines(error.problems());
        assert!(told[0].starts_with("an empty path: no such "), "{told:?}");
    }
}

#[test]
fn e9_a_file_that_a_variable_names_must_be_there_unless_it_is_optional() {
    let dir = tempdir().unwrap();
    let path = file(&dir, "message", "one\n");
    let named = [("APP_MESSAGE_FILE", &*path)];
    let load = |env: Env| -> Loader<Config> { Config::loader().env(env) };
    let live = load(env(&named)).watch().unwrap();
    let optional = load(env(&named).optional_files()).watch().unwrap();
    fs::remove_file(&path).unwrap();
    let told = until_rejected(&live);
    assert!(
        told[0].contains("APP_MESSAGE_FILE") && told[0].contains("no such file"),
        "{told:?}"
    );
    assert_eq!(live.with(|c| c.message.clone()), "one");
    eventually("the default", || optional.with(|c| c.message == "none"));
    assert_eq!(support::rejection(&optional), [""; 0]);

    let error = load(env(&named)).once().unwrap_err();
    let told = lines(error.problems());
    assert!(told[0].contains("no such file"), "{told:?}");
    let late = load(env(&named).optional_files()).watch().unwrap();
    assert_eq!(late.with(|c| c.message.clone()), "none");
    fs::write(&path, "two\n").unwrap();
    until_ok(&live);
    for live in [&live, &optional, &late] {
        eventually("it is there", || live.with(|c| c.message == "two"));
    }
}
