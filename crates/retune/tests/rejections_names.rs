//! Names: unknown, deprecated and colliding ones, and what is told of them.
#![allow(missing_docs, dead_code)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use retune::source::Env;
use retune::status::Health;
use retune::{Live, Retune};
use support::{Volume, eventually, rejection, until_rejected, warnings};
use tempfile::tempdir;

#[derive(Clone, Copy, Debug, PartialEq, Retune)]
enum Level {
    Debug,
    Info,
    Warn,
}

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "info")]
    log_level: Level,
    #[retune(default = "30s")]
    timeout: Duration,
}

#[test]
fn d14_an_unknown_key_is_a_warning_with_a_suggestion_and_strict_refuses_it() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[
            ("log-levle", "warn"),
            ("config.yaml", "timeuot: 5s\nzebra: 1\n"),
        ],
    );
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let mut told = warnings(&live);
    told.sort_unstable();
    assert_eq!(told.len(), 3, "{told:#?}");
    for part in ["config.yaml:1:1", "`timeuot`", "did you mean `timeout`?"] {
        assert!(told[0].contains(part), "{part}: {told:#?}");
    }
    assert!(told[1].contains("`zebra`"), "{told:#?}");
    assert!(!told[1].contains("did you mean"), "{told:#?}");
    assert!(told[2].contains("did you mean `log-level`?"), "{told:#?}");
    assert_eq!(live.status().health, Health::Ok);
    volume.publish(&[("log-level", "warn")]);
    eventually("the warnings are gone", || warnings(&live).is_empty());

    let strict = Config::loader().mount(volume.not_secret()).strict().watch();
    let strict = strict.unwrap();
    volume.publish(&[("log-level", "warn"), ("prot", "1")]);
    let told = until_rejected(&strict);
    assert!(told[0].contains("`prot`"), "{told:?}");
    volume.publish(&[("log-level", "debug")]);
    eventually("the next", || strict.with(|c| c.log_level == Level::Debug));
}

#[test]
fn d14_a_deprecated_name_works_and_is_told_in_every_form() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default = 1, alias = "threads", deprecated = "worker-count")]
        workers: u32,
    }
    let dir = tempdir().unwrap();
    let old = Volume::new(dir.path().join("old"), &[("worker-count", "2")]);
    let document = Volume::new(dir.path().join("doc"), &[("c.yaml", "workerCount: 3\n")]);
    let value = dir.path().join("value");
    fs::write(&value, "5\n").unwrap();
    let env = |name: &str, text: &str| Env::from_iter("APP", [(name, text)]);
    for (loader, workers) in [
        (Config::loader().mount(old.path()), 2),
        (Config::loader().mount(document.path()), 3),
        (Config::loader().env(env("APP_WORKER_COUNT", "4")), 4),
        (
            Config::loader().env(env("APP_WORKER_COUNT_FILE", value.to_str().unwrap())),
            5,
        ),
        (Config::loader().set("worker_count", "6"), 6),
    ] {
        let live = loader.watch().unwrap();
        assert_eq!(live.with(|c| c.workers), workers);
        let told = warnings(&live);
        assert_eq!(told.len(), 1, "{workers}: {told:?}");
        assert!(
            told[0].contains("deprecated: now called `workers`"),
            "{told:?}"
        );
    }
    let alias = Config::loader().set("threads", "7").watch().unwrap();
    assert_eq!(warnings(&alias), [""; 0], "an alias is no deprecated name");
}

#[test]
fn d17_names_that_mean_the_same_are_refused_with_both_places() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("log-level", "warn")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    for other in ["log.level", "LOG_LEVEL", "logLevel"] {
        volume.publish(&[("log-level", "warn"), (other, "debug")]);
        eventually(other, || {
            rejection(&live)
                .first()
                .is_some_and(|line| line.contains(other))
        });
        let told = rejection(&live);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("v/log-level"), "{told:?}");
    }
    volume.publish(&[("c.yaml", "log-level: warn\nlogLevel: debug\n")]);
    eventually("in a document", || {
        rejection(&live)[0].contains("c.yaml:2:1")
    });
    assert!(rejection(&live)[0].contains("c.yaml:1:1"));
    volume.publish(&[("log-level", "debug")]);
    eventually("the next", || live.with(|c| c.log_level == Level::Debug));
}

#[test]
fn d17_names_of_map_entries_keep_their_writing() {
    #[derive(Debug, Retune)]
    struct Config {
        labels: BTreeMap<String, String>,
    }
    let dir = tempdir().unwrap();
    let keys = [
        ("labels.a-b", "1"),
        ("labels.a.b", "2"),
        ("labels.Bob", "3"),
        ("labels.bob", "4"),
    ];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let live: Live<Config> = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let labels = live.with(|c| c.labels.clone());
    let expected = [("Bob", "3"), ("a-b", "1"), ("a.b", "2"), ("bob", "4")];
    assert!(
        labels.iter().map(|(k, v)| (&**k, &**v)).eq(expected),
        "{labels:?}"
    );
    assert_eq!(live.set("labels.a.b", "5").unwrap(), 2);
    assert_eq!(live.set("labels.Bob", "6").unwrap(), 3);
    assert_eq!(live.with(|c| c.labels["bob"].clone()), "4");
    let winner = live.explain("labels.a.b").unwrap().winner.unwrap();
    assert_eq!(winner.value, "5");
}

#[test]
fn d13_two_names_of_one_field_in_a_document_are_told_as_they_are_written() {
    #[derive(Debug, Retune)]
    struct Named {
        #[retune(default = "info", alias = "verbosity")]
        log_level: Level,
    }
    let dir = tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    for [first, second] in [
        ["log-level", "logLevel"],
        ["logLevel", "LOG_LEVEL"],
        ["verbosity", "log-level"],
    ] {
        fs::write(&file, format!("{first}: warn\n{second}: debug\n")).unwrap();
        let error = Named::loader().file(file.as_path()).once().unwrap_err();
        let told = error.problems()[0].to_string();
        let names = format!("given twice: `{second}` and `{first}` (at ");
        assert!(told.contains(&names), "{told}");
        assert!(
            told.contains("config.yaml:1:1) mean the same field"),
            "{told}"
        );
    }
}
