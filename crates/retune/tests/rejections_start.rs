//! F1: what is told when there is no configuration to start with.
#![allow(missing_docs, dead_code)]

mod support;

use std::fs;
use std::time::Duration;

use retune::source::{Env, Mount};
use retune::{Retune, Secret};
use support::{Volume, lines};
use tempfile::tempdir;

#[derive(Debug, Retune)]
enum Level {
    Debug,
    Info,
    Warn,
}

#[test]
fn f1_everything_that_is_wrong_at_the_start_is_told_at_once_with_its_place() {
    #[derive(Debug, Retune)]
    struct Strict {
        name: String,
        port: u16,
        log_level: Level,
        timeout: Duration,
        key: Secret<u32>,
    }
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("log-level", "wran"), ("key", "hunter2"), ("prot", "1")],
    );
    let file = dir.path().join("c.yaml");
    fs::write(&file, "# comment\ntimeout: 30\n").unwrap();
    let error = Strict::loader()
        .file(file)
        .mount(volume.not_secret())
        .env(Env::from_iter("APP", [("APP_PORT", "70000")]))
        .watch()
        .unwrap_err();
    let told = lines(error.problems());
    assert_eq!(told.len(), 5, "{told:#?}");
    for (line, parts) in told.iter().zip([
        &["`name`: missing"][..],
        &["APP_PORT", "`port`", "70000", "65535"],
        &["v/log-level:1:1", "`log_level`", "wran", "`warn`"],
        &["c.yaml:2:10", "`timeout`", "30", "30s"],
        &["v/key", "`key`"],
    ]) {
        for part in parts {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    let report = error.to_string();
    assert!(!report.contains("hunter2"), "{report}");
}

#[test]
fn a_source_that_fails_does_not_make_its_values_missing() {
    #[derive(Debug, Retune)]
    struct Config {
        name: String,
        port: u16,
    }
    let dir = tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "name: [unclosed\n").unwrap();
    let error = Config::loader()
        .file(file.as_path())
        .env(Env::from_iter("APP", [("APP_PORT", "x")]))
        .mount(Mount::new(dir.path().join("none")))
        .once()
        .unwrap_err();
    let told = lines(error.problems());
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(!error.to_string().contains("missing"), "{error}");
}

#[test]
fn f1_one_file_that_is_not_there_hides_no_other_problem() {
    #[derive(Debug, Retune)]
    struct Database {
        host: String,
        password: Secret<String>,
    }
    #[derive(Debug, Retune)]
    struct Config {
        port: u16,
        database: Database,
    }
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("databse.host", "db")]);
    let error = Config::loader()
        .mount(volume.not_secret())
        .env(Env::from_iter(
            "APP",
            [("APP_PORT_FILE", "/nonexistent/port")],
        ))
        .watch()
        .unwrap_err();
    let told = lines(error.problems());
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(
        told[0].starts_with("`port`: APP_PORT_FILE=/nonexistent/port"),
        "{told:#?}"
    );
    assert!(told[1].contains("`database.host`: missing"), "{told:#?}");
    assert!(told[1].contains("give it as `database.host`"), "{told:#?}");
    assert!(
        told[2].contains("`database.password`: missing"),
        "{told:#?}"
    );
    assert!(!told[2].contains("flag"), "secrets have none: {told:#?}");
    // The report shows what was probably meant for what is missing.
    let report = error.to_string();
    assert!(
        report.contains("warning: `databse.host`: unknown"),
        "{report}"
    );
    assert!(report.contains("did you mean `database.host`?"), "{report}");
}
