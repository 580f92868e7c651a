//! The environment beside mounts: start values, masks, Services, files that variables name.
#![allow(missing_docs)]

mod support;

use std::fs;

use retune::source::{Env, File};
use retune::status::Health;
use retune::{Ignored, Live, Loader, Retune};
use support::{Notes, Volume, eventually, lines, until_ok, until_rejected, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    port: u16,
    #[retune(default = "info")]
    log_level: String,
}

fn env(variables: &[(&str, &str)]) -> Env {
    Env::from_iter("APP", variables.iter().copied())
}

fn winner(live: &Live<Config>, path: &str) -> (String, String) {
    let winner = live.explain(path).unwrap().winner.unwrap();
    (winner.value, winner.origin.to_string())
}

#[test]
fn e5_a_variable_that_equals_its_mounted_twin_is_a_start_value_and_the_mount_wins_later() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("message", "one\n"), ("LOG_LEVEL", "warn"), ("port", "1")],
    );
    // As `envFrom` gives it: the values of the ConfigMap, byte for byte.
    let live = Config::loader()
        .mount(volume.not_secret())
        .env(env(&[
            ("APP_MESSAGE", "one\n"),
            ("APP_LOG_LEVEL", "warn"),
            ("APP_PORT", "1"),
        ]))
        .watch()
        .unwrap();
    assert_eq!(warnings(&live), [""; 0]);
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    volume.publish(&[("message", "two"), ("LOG_LEVEL", "warn"), ("port", "2")]);
    notes.until_last(("two".into(), 2));
    // A removed key falls to the start value, which is all that is left of it.
    volume.publish(&[("message", "two"), ("LOG_LEVEL", "warn")]);
    notes.until_last(("two".into(), 1));
    assert_eq!(winner(&live, "port"), ("1".into(), "APP_PORT".into()));
    assert_eq!(live.status().health, Health::Ok);
    let explained = live.explain("message").unwrap();
    let losers: Vec<_> = explained
        .losers
        .iter()
        .map(|given| given.origin.to_string())
        .collect();
    assert_eq!(losers, ["APP_MESSAGE", "default"]);
}

#[test]
fn e5_a_variable_of_bytes_is_a_start_value_as_well() {
    #[derive(Debug, Retune)]
    struct Config {
        bytes: Vec<u8>,
    }
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("bytes", "one\n")]);
    let live = Config::loader()
        .mount(volume.not_secret())
        .env(env(&[("APP_BYTES", "one\n")]))
        .watch()
        .unwrap();
    assert_eq!(warnings(&live), [""; 0]);
    volume.publish(&[("bytes", "two\n")]);
    eventually("the mounted one", || live.load().bytes == b"two\n");
}

#[test]
fn e5_of_several_mounts_the_highest_is_the_twin_of_a_variable() {
    let dir = tempdir().unwrap();
    let base = Volume::new(
        dir.path().join("base"),
        &[("message", "base"), ("port", "1")],
    );
    let over = Volume::new(dir.path().join("over"), &[("message", "over")]);
    let start = |message| {
        Config::loader()
            .mount(base.not_secret())
            .mount(over.not_secret())
            .env(env(&[("APP_MESSAGE", message), ("APP_PORT", "2")]))
            .watch()
            .unwrap()
    };
    // What hides is told of the mount that would have won.
    let told = warnings(&start("base"));
    let hidden = ["over/message", "base/port"];
    assert_eq!(told.len(), hidden.len(), "{told:?}");
    for (told, place) in told.iter().zip(hidden) {
        assert!(told.contains(place), "{place}: {told}");
    }
    // And what equals that one is a start value.
    let told = warnings(&start("over"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("base/port"), "{told:?}");
}

#[test]
fn e5_a_variable_that_differs_masks_the_mount_and_that_is_a_warning() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("message", "mounted"), ("port", "1")],
    );
    let live = Config::loader()
        .mount(volume.not_secret())
        .env(env(&[("APP_MESSAGE", "from env"), ("APP_PORT", "1")]))
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    let told = warnings(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["APP_MESSAGE", "`message`", "v/message", "will not apply"] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    // What is masked makes no note; explain shows it.
    volume.publish(&[("message", "edited"), ("port", "1")]);
    eventually("the shadowed change is known", || {
        let explained = live.explain("message").unwrap();
        explained.losers.iter().any(|given| given.value == "edited")
    });
    assert_eq!(
        winner(&live, "message"),
        ("from env".into(), "APP_MESSAGE".into())
    );
    volume.publish(&[("message", "edited"), ("port", "2")]);
    notes.until_last(("from env".into(), 2));
    // Edited to what the variable says, it is a mask all the same.
    volume.publish(&[("message", "from env"), ("port", "3")]);
    notes.until_last(("from env".into(), 3));
    assert_eq!(warnings(&live).len(), 1);
    volume.publish(&[("port", "4")]);
    notes.until_last(("from env".into(), 4));
    let told = warnings(&live);
    assert!(
        !told.iter().any(|line| line.contains("will not apply")),
        "{told:?}"
    );
    assert_eq!(notes.all().len(), 4);
}

#[test]
fn e5_a_mounted_document_has_twins_as_well() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("config.yaml", "message: one\nport: 0x50\n")],
    );
    for in_document in [false, true] {
        volume.publish(&[("config.yaml", "message: one\nport: 0x50\n")]);
        let loader = Config::loader();
        let loader: Loader<Config> = if in_document {
            loader.file(volume.key("config.yaml"))
        } else {
            loader.mount(volume.not_secret())
        };
        let live = loader.env(env(&[("APP_MESSAGE", "one")])).watch().unwrap();
        volume.publish(&[("config.yaml", "message: two\n")]);
        eventually("the edit", || live.with(|c| c.message == "two"));
    }
}

#[test]
fn variables_of_services_are_ignored_and_explained() {
    let live = Config::loader()
        .env(env(&[
            ("APP_SERVICE_HOST", "10.0.0.7"),
            ("APP_SERVICE_PORT", "80"),
            ("APP_PORT", "tcp://10.0.0.7:80"),
            ("APP_PORT_80_TCP", "tcp://10.0.0.7:80"),
            ("APP_PORT_80_TCP_PROTO", "tcp"),
            ("APP_PORT_80_TCP_PORT", "80"),
            ("APP_PORT_80_TCP_ADDR", "10.0.0.7"),
            // Of a Service called `app-server`, whose name begins with the prefix.
            ("APP_SERVER_SERVICE_HOST", "10.0.0.8"),
            ("APP_SERVER_SERVICE_PORT", "81"),
            ("APP_SERVER_SERVICE_PORT_HTTP", "81"),
            ("APP_SERVER_PORT", "tcp://10.0.0.8:81"),
            ("APP_SERVER_PORT_81_TCP", "tcp://10.0.0.8:81"),
        ]))
        .strict()
        .watch()
        .unwrap();
    assert_eq!(live.with(|c| c.port), 80);
    assert_eq!(warnings(&live), [""; 0]);
    let explained = live.explain("port").unwrap();
    assert_eq!(explained.winner.unwrap().origin.to_string(), "default");
    let ignored = &explained.losers[0];
    assert_eq!(ignored.origin.to_string(), "APP_PORT");
    assert_eq!(ignored.ignored, Some(Ignored::Service));
}

#[test]
fn a_service_of_the_program_s_own_is_not_taken_for_the_cluster_s() {
    #[derive(Debug, Retune)]
    struct Config {
        service: Upstream,
    }
    #[derive(Debug, Retune)]
    struct Upstream {
        host: String,
        port: u16,
    }
    let config = Config::loader()
        .env(env(&[
            ("APP_SERVICE_HOST", "db"),
            ("APP_SERVICE_PORT", "5432"),
        ]))
        .once()
        .unwrap();
    assert_eq!((&*config.service.host, config.service.port), ("db", 5432));
}

#[test]
fn an_address_of_a_service_does_not_hide_the_file_of_ones_own() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("port");
    fs::write(&file, "8080\n").unwrap();
    let config = Config::loader()
        .env(env(&[
            ("APP_SERVICE_HOST", "10.0.0.7"),
            ("APP_PORT", "tcp://10.0.0.7:80"),
            ("APP_PORT_FILE", file.to_str().unwrap()),
        ]))
        .once()
        .unwrap();
    assert_eq!(config.port, 8080);
}

#[test]
fn the_empty_prefix_takes_bare_names_and_warns_of_nothing_else() {
    let live = Config::loader()
        .env(Env::from_iter(
            "",
            [
                ("MESSAGE", "bare"),
                ("PATH", "/bin"),
                ("MESSAG", "typo or not"),
                ("LOG_LEVEL", "debug"),
            ],
        ))
        .watch()
        .unwrap();
    assert_eq!(live.with(|c| c.message.clone()), "bare");
    assert_eq!(live.with(|c| c.log_level.clone()), "debug");
    assert_eq!(warnings(&live), [""; 0]);
}

#[test]
fn a_field_that_ends_in_file_wins_over_the_indirection() {
    #[derive(Debug, Retune)]
    struct Tls {
        #[retune(default = "inline")]
        cert: String,
        #[retune(default = "none")]
        cert_file: String,
    }
    let config = Tls::loader()
        .env(env(&[("APP_CERT_FILE", "/tls/tls.crt")]))
        .once()
        .unwrap();
    assert_eq!(
        (&*config.cert, &*config.cert_file),
        ("inline", "/tls/tls.crt")
    );
}

#[test]
fn a_variable_of_a_field_s_own_is_used_with_its_file_and_whatever_the_prefix() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default = "none", env = "LEVEL")]
        log_level: String,
    }
    let dir = tempdir().unwrap();
    let file = dir.path().join("level");
    fs::write(&file, "debug\n").unwrap();
    let load = |variables: &[(&str, &str)]| Config::loader().env(env(variables)).once();
    assert_eq!(load(&[("LEVEL", "warn")]).unwrap().log_level, "warn");
    let by_file = [("LEVEL_FILE", file.to_str().unwrap())];
    assert_eq!(load(&by_file).unwrap().log_level, "debug");
    let by_prefix = load(&[("APP_LOG_LEVEL", "error")]).unwrap();
    assert_eq!(by_prefix.log_level, "error");
    let error = load(&[("APP_LOG_LEVEL", "error"), ("LEVEL", "warn")]).unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("APP_LOG_LEVEL") && told.contains("LEVEL"),
        "{told}"
    );
}

#[test]
fn e4_of_a_variable_and_its_file_the_variable_wins_with_a_warning() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("message");
    fs::write(&file, "from the file").unwrap();
    let live = Config::loader()
        .env(env(&[
            ("APP_MESSAGE", "from the variable"),
            ("APP_MESSAGE_FILE", file.to_str().unwrap()),
        ]))
        .watch()
        .unwrap();
    assert_eq!(live.with(|c| c.message.clone()), "from the variable");
    let told = warnings(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["APP_MESSAGE_FILE", "`APP_MESSAGE`", "wins", "unset one"] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
}

#[test]
fn e2_e3_variables_alone_are_enough_and_an_empty_one_is_a_value() {
    let config = Config::loader()
        .env(env(&[("APP_MESSAGE", ""), ("APP_LOG_LEVEL", "debug")]))
        .once()
        .unwrap();
    assert_eq!((&*config.message, &*config.log_level), ("", "debug"));
    let error = Config::loader().env(env(&[("APP_PORT", "")])).once();
    let error = error.unwrap_err();
    assert_eq!(error.problems().len(), 1, "{error}");
    let line = error.problems()[0].to_string();
    assert!(line.starts_with("APP_PORT: `port`: expected"), "{line}");
}

#[test]
fn a_file_that_a_variable_names_and_that_is_not_there_is_told_with_the_variable() {
    for path in ["/nonexistent/message", ""] {
        let error = Config::loader()
            .env(env(&[("APP_MESSAGE_FILE", path)]))
            .once()
            .unwrap_err();
        let told = lines(error.problems());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("APP_MESSAGE_FILE"), "{told:?}");
    }
}

#[test]
fn d14_a_misspelt_variable_is_a_warning_that_names_the_right_one_and_strict_refuses_it() {
    let misspelt = [("APP_LOG_LEVLE", "debug")];
    let live = Config::loader().env(env(&misspelt)).watch().unwrap();
    let told = warnings(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("APP_LOG_LEVLE"), "{told:?}");
    assert!(
        told[0].contains("did you mean `APP_LOG_LEVEL`?"),
        "{told:?}"
    );
    let strict = Config::loader().env(env(&misspelt)).strict().once();
    let told = strict.unwrap_err().to_string();
    assert!(told.contains("APP_LOG_LEVLE"), "{told}");
    assert!(told.contains("`strict` refuses it"), "{told}");
    assert!(!told.contains("ignored"), "{told}");
}

#[test]
fn e9_a_source_that_is_lost_leaves_the_last_good_values() {
    let dir = tempdir().unwrap();
    for missing in [
        Config::loader().file(dir.path().join("none.yaml")).once(),
        Config::loader().mount(dir.path().join("none")).once(),
    ] {
        let told = missing.unwrap_err().to_string();
        assert!(told.contains("none") && told.contains("optional"), "{told}");
    }
    let volume = Volume::new(dir.path().join("v"), &[("message", "one")]);
    let live = Config::loader()
        .file(File::new(dir.path().join("none.yaml")).optional())
        .mount(volume.not_secret().optional())
        .watch()
        .unwrap();
    fs::rename(volume.path(), dir.path().join("away")).unwrap();
    let told = until_rejected(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("is gone"), "{told:?}");
    assert_eq!(live.with(|c| c.message.clone()), "one");
    fs::rename(dir.path().join("away"), volume.path()).unwrap();
    until_ok(&live);
    volume.publish(&[("message", "two")]);
    eventually("it is followed again", || live.with(|c| c.message == "two"));
}
