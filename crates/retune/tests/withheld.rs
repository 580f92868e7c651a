//! Group E: ways in which a field does not take its value.
#![allow(missing_docs, dead_code)]

mod support;

use std::fs;

use retune::source::Env;
use retune::{Retune, Secret};
use support::{Volume, warnings};
use tempfile::tempdir;

fn env(variables: &[(&str, &str)]) -> Env {
    Env::from_iter("APP", variables.iter().copied())
}

fn file(dir: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[derive(Debug, Retune)]
struct Picky {
    /// Never on a line that others read.
    #[retune(default = "none", not_from(env, flags))]
    key: String,
    /// Not by a file that somebody names.
    #[retune(default = "none", not_from(env_file))]
    name: String,
    /// From variables alone.
    #[retune(default = "none", not_from(file, mount, closure))]
    node: String,
    #[retune(not_from(env, env_file, flags))]
    database: Database,
}

#[derive(Debug, Retune)]
struct Database {
    #[retune(default = "localhost")]
    host: String,
}

#[test]
fn a_value_given_in_a_way_that_its_field_does_not_take_is_ignored_with_a_warning() {
    let dir = tempdir().unwrap();
    let key = file(&dir, "key", "by file");
    let variables = [
        ("APP_KEY", "variable"),
        ("APP_KEY_FILE", &*key),
        // What is not taken is not read, so that it need not be there.
        ("APP_NAME_FILE", "/nowhere"),
        ("APP_NODE", "node-1"),
        ("APP_DATABASE_HOST", "db"),
        ("APP_DATABASE", "{host: db}"),
    ];
    let document = file(&dir, "c.yaml", "node: file\ndatabase: {host: db-2}\n");
    let volume = Volume::new(dir.path().join("v"), &[("node", "mount")]);
    let live = Picky::loader()
        .file(document)
        .mount(volume.not_secret())
        .env(env(&variables))
        .watch()
        .unwrap();
    live.with(|config| {
        assert_eq!((&*config.key, &*config.name), ("by file", "none"));
        assert_eq!((&*config.node, &*config.database.host), ("node-1", "db-2"));
    });
    let told = warnings(&live);
    let expected = [
        "c.yaml:1:1: `node`: not taken from files: it is ignored (give it as the variable APP_NODE)",
        "v/node:1:1: `node`: not taken from mounts",
        "APP_DATABASE: `database`: not taken from variables",
        "APP_DATABASE_HOST: `database.host`: not taken from variables: it is ignored (give it as \
         `database.host` in a file or mount)",
        "APP_KEY: `key`: not taken from variables",
        "APP_NAME_FILE: `name`: not taken from files that variables name",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for part in expected {
        assert!(
            told.iter().any(|line| line.contains(part)),
            "{part}: {told:#?}"
        );
    }
    let explained = live.explain("node").unwrap().to_string();
    assert!(
        explained.contains("ignores") && explained.contains("from mounts"),
        "{explained}"
    );
    #[derive(Debug, Retune)]
    struct Guarded {
        #[retune(not_from(mount, file))]
        password: Secret<String>,
    }
    let volume = Volume::new(
        dir.path().join("w"),
        &[("password", "hunter2"), ("passwrod", "hunter2")],
    );
    let document = file(&dir, "d.yaml", "password: hunter2\n");
    let error = Guarded::loader()
        .mount(volume.not_secret())
        .file(document)
        .once();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("not taken from mounts") && error.contains("passwrod"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
    let strict = Picky::loader().env(env(&[("APP_KEY", "hunter2")])).strict();
    let error = strict.once().unwrap_err().to_string();
    assert!(
        error.contains("APP_KEY") && !error.contains("hunter2"),
        "{error}"
    );
}

#[cfg(feature = "clap")]
#[test]
fn a_field_that_takes_no_flag_has_none() {
    use clap::{Command, error::ErrorKind};

    let mut command = Picky::augment_with_env(Command::new("app"), "APP");
    let help = command.render_long_help().to_string();
    for (flag, there) in [
        ("--key", false),
        ("--database.host", false),
        ("--name", true),
    ] {
        assert_eq!(help.contains(flag), there, "{flag}: {help}");
    }
    assert!(help.contains("[env: APP_NODE]"), "{help}");
    let error = command
        .try_get_matches_from(["app", "--key=1"])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownArgument);
}

#[test]
fn h1_a_withheld_secret_is_explained_without_its_column() {
    #[derive(Debug, Retune)]
    struct Tokens {
        #[retune(not_from(file))]
        first: Option<Secret<String>>,
        #[retune(not_from(file))]
        second: Option<Secret<String>>,
    }
    let dir = tempdir().unwrap();
    let file = file(&dir, "c.yaml", "{first: hunter2, second: hunter3}");
    let live = Tokens::loader().file(&*file).watch().unwrap();
    let told = live.explain("second").unwrap().to_string();
    assert!(told.contains("not taken from files"), "{told}");
    // It says how long what stands before it is.
    assert!(!told.contains("c.yaml:1"), "{told}");
}
