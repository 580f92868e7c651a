//! Group E: prefixes of variables, of those that name files, and of `.env` files; which of them are read.
#![allow(missing_docs, dead_code)]

mod support;

use std::fs;

use retune::source::{Env, File};
use retune::{Live, Retune, Secret};
use support::{Volume, warnings};
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
fn variables_that_name_files_may_have_a_prefix_of_their_own() {
    let dir = tempdir().unwrap();
    let (by_file, other) = (file(&dir, "m", "file\n"), file(&dir, "o", "other\n"));
    let variables = [
        ("APP_PORT", "1"),
        ("MOUNTED_MESSAGE_FILE", &*by_file),
        ("MOUNTED_TOKN_FILE", "/nowhere"),
        // Under the other prefix it names no file.
        ("APP_MESSAGE_FILE", &*other),
        ("MOUNTED_PORT", "2"),
    ];
    let live = Config::loader()
        .env(env(&variables).file_prefix("MOUNTED_"))
        .watch();
    let live = live.unwrap();
    live.with(|config| assert_eq!((&*config.message, config.port), ("file", 1)));
    let told = warnings(&live);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("APP_MESSAGE_FILE"), "{told:?}");
    assert!(
        told[1].contains("did you mean `MOUNTED_TOKEN_FILE`?"),
        "{told:?}"
    );
}

#[test]
fn files_that_variables_name_are_left_out_or_are_all_that_is_read() {
    let dir = tempdir().unwrap();
    let by_file = file(&dir, "m", "file");
    let variables = [("APP_MESSAGE_FILE", &*by_file), ("APP_PORT", "1")];
    let read = |env: Env| Config::loader().env(env).watch().unwrap();
    let values = |live: &Live<Config>| live.with(|c| (c.message.clone(), c.port));

    let without = read(env(&variables).without_files());
    assert_eq!(values(&without), ("none".into(), 1));
    let told = warnings(&without);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["APP_MESSAGE_FILE", "not taken from files", "APP_MESSAGE)"] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }

    let only = read(env(&variables).only_files());
    assert_eq!(values(&only), ("file".into(), 80));
    let told = warnings(&only);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "APP_PORT",
        "not taken from variables",
        "APP_PORT_FILE names",
    ] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    let explained = only.explain("port").unwrap().to_string();
    assert!(
        explained.contains("ignores APP_PORT: not taken"),
        "{explained}"
    );
    let strict = Config::loader().env(env(&variables).only_files()).strict();
    let told = strict.once().unwrap_err().to_string();
    assert!(
        told.contains("not taken from variables: `strict` refuses it"),
        "{told}"
    );

    // A missing value's help names what there is.
    #[derive(Debug, Retune)]
    struct Needs {
        name: String,
    }
    let help = |env: Env| Needs::loader().env(env).once().unwrap_err().to_string();
    assert!(help(env(&[])).contains("as the variable APP_NAME"));
    let only = help(env(&[]).only_files());
    assert!(
        only.contains("in a file that the variable APP_NAME_FILE names"),
        "{only}"
    );
}

#[test]
fn of_a_field_and_one_called_like_its_file_each_is_found_when_only_files_are_read() {
    #[derive(Debug, Retune)]
    struct Tls {
        #[retune(default = "inline")]
        cert: String,
        #[retune(default = "none")]
        cert_file: String,
    }
    let dir = tempdir().unwrap();
    let path = file(&dir, "tls.crt", "PEM");
    let only = env(&[("APP_CERT_FILE", &path)]).only_files();
    let config = Tls::loader().env(only).once().unwrap();
    assert_eq!((&*config.cert, &*config.cert_file), ("PEM", "none"));
}

#[test]
fn a_dotenv_file_made_for_a_prefix_binds_as_the_environment_would() {
    let dir = tempdir().unwrap();
    let content = "export APP_PORT=9090\nAPP_MESSAGE='from .env'\nRUST_LOG=debug\nPORT=1\n\
                   APP_PROT=2\nAPP_TOKEN_FILE=/etc/shadow\n";
    for name in [".env", ".env.local", ".env.production", "app.env"] {
        let path = file(&dir, name, content);
        let live = Config::loader()
            .file(File::new(&path).prefix("APP"))
            .watch();
        let live = live.unwrap();
        live.with(|c| assert_eq!((&*c.message, c.port), ("from .env", 9090)));
        assert!(live.with(|c| c.token.is_none()));
        let told = warnings(&live);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("`APP_PROT`"), "{told:?}");
        assert!(told[0].contains("did you mean `APP_PORT`?"), "{told:?}");
        assert!(told[1].contains("names no file here"), "{told:?}");
    }
    let path = file(&dir, "app.yaml", "port: 1");
    let error = Config::loader().file(File::new(&path).prefix("APP")).once();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("a prefix is for the names of a `.env` file"),
        "{error}"
    );
}

#[test]
fn a_volume_s_dotenv_for_one_place_overrides_the_common_one() {
    let dir = tempdir().unwrap();
    let keys = [
        (".env", "PORT=1\nMESSAGE=all\n"),
        (".env.local", "PORT=2\n"),
    ];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let config = Config::loader().mount(volume.path()).once().unwrap();
    assert_eq!((&*config.message, config.port), ("all", 2));
}
