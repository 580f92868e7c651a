//! F9: a restart while the configuration is invalid.
#![allow(missing_docs, dead_code)]

#[path = "support/every_shape.rs"]
mod every_shape;
#[path = "support/every_volume.rs"]
mod every_volume;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use every_shape::Every;
use proptest::prelude::*;
use retune::source::{Env, Mount};
use retune::status::{Health, LastGood, RejectionReason};
use retune::{Live, Loader, Retune, Secret};
use support::{Volume, eventually, log, replace, until_ok, until_rejected};
use tempfile::{TempDir, tempdir};

#[derive(Debug, Retune)]
struct Config {
    pool_size: u32,
    #[retune(default = "Hello World")]
    message: String,
    #[retune(default = 8080, restart)]
    port: u16,
    upstream: Option<String>,
    password: Option<Secret<String>>,
}

struct Pod {
    dir: TempDir,
}

// === impl Pod ===

impl Pod {
    fn new(document: &str) -> Self {
        let dir = tempdir().unwrap();
        let pod = Self { dir };
        fs::create_dir(pod.path("state")).unwrap();
        pod.edit(document);
        pod
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn edit(&self, document: &str) {
        replace(&self.path("config.yaml"), document);
    }

    fn kept(&self) -> PathBuf {
        self.path("state/last-good.json")
    }

    fn loader(&self) -> Loader<Config> {
        Config::loader().file(self.path("config.yaml"))
    }

    /// A process that keeps what was good.
    fn start(&self) -> Result<Live<Config>, retune::Error> {
        self.loader().keep_last_good(self.kept()).watch()
    }

    /// One that ran and is no more.
    fn ran(document: &str) -> Self {
        let pod = Self::new(document);
        pod.start().unwrap().stop().unwrap();
        pod
    }
}

fn last_good(live: &Live<Config>) -> LastGood {
    live.status().last_good.unwrap()
}

fn pool_size(live: &Live<Config>) -> u32 {
    live.with(|config| config.pool_size)
}

#[test]
fn f9_a_start_with_an_invalid_configuration_fails_and_says_that_nothing_is_kept_and_how_it_would_be()
 {
    let pod = Pod::new("pool-size: many\nport: 0.5\n");
    let report = pod.loader().watch().unwrap_err().to_string();
    assert!(
        report.contains("2 problems\n\nNo last good configuration is kept"),
        "{report}"
    );
    assert!(report.contains("Loader::keep_last_good"), "{report}");
    // Who reads once has nothing that could restart.
    let report = pod.loader().once().unwrap_err().to_string();
    assert!(report.ends_with("2 problems"), "{report}");
    let report = pod.start().unwrap_err().to_string();
    let kept = pod.kept();
    let note = format!(
        "No last good configuration is kept in {} yet.",
        kept.display()
    );
    assert!(report.ends_with(&note), "{report}");
    assert!(!kept.exists());
}

#[test]
fn f9_a_restart_while_the_configuration_is_invalid_runs_the_last_good_one_and_says_so() {
    log::keep();
    let pod = Pod::ran("pool-size: 20\nmessage: Hello Grandma\n");
    pod.edit("pool-size: many\n");
    let live = pod.start().unwrap();
    live.with(|config| assert_eq!((config.pool_size, &*config.message), (20, "Hello Grandma")));
    let status = live.status();
    assert_eq!((status.generation, status.health), (1, Health::Degraded));
    let year = "started from the last good configuration of 20";
    assert!(status.reasons[0].starts_with(year), "{:?}", status.reasons);
    assert!(
        status.reasons[1].contains("`pool_size`"),
        "{:?}",
        status.reasons
    );
    assert_eq!(status.rejection.unwrap().reason, RejectionReason::Invalid);
    assert_eq!(status.counters.rejected(), 1);
    let LastGood {
        runs,
        kept,
        problem,
        ..
    } = status.last_good.unwrap();
    assert!(runs && kept.is_some() && problem.is_none());
    let place = pod.dir.path().display().to_string();
    assert_eq!(log::logged(&["WARN", year, "pool_size", "many", &place]), 1);
    let origin = live
        .explain("message")
        .unwrap()
        .winner
        .unwrap()
        .origin
        .to_string();
    assert!(origin.contains("last-good.json:"), "{origin}");

    // What it finds again is the same rejection, and nothing is kept of it.
    _ = live.reload().unwrap_err();
    assert_eq!(live.status().counters.rejected(), 1);
    pod.edit("pool-size: 30\n");
    until_ok(&live);
    assert_eq!((pool_size(&live), live.status().generation), (30, 2));
    assert_eq!(live.status().health, Health::Ok);
    assert!(!last_good(&live).runs);
}

#[test]
fn f9_a_revert_to_what_was_kept_is_no_new_generation_and_all_is_well() {
    let pod = Pod::ran("pool-size: 20\n");
    pod.edit("pool-size: [\n");
    let live = pod.start().unwrap();
    assert_eq!(
        live.status().rejection.unwrap().reason,
        RejectionReason::Source
    );
    pod.edit("pool-size: 20\n");
    until_ok(&live);
    let status = live.status();
    assert_eq!((status.generation, status.health), (1, Health::Ok));
    assert!(!status.last_good.unwrap().runs);
}

#[test]
fn f9_each_good_generation_is_kept_and_no_bad_one() {
    let pod = Pod::new("pool-size: 1\n");
    let live = pod.start().unwrap();
    let kept = || fs::read_to_string(pod.kept()).unwrap();
    assert!(kept().contains("\"pool_size\": 1"), "{}", kept());
    pod.edit("pool-size: 2\n");
    eventually("the next one", || kept().contains("\"pool_size\": 2"));
    pod.edit("pool-size: many\n");
    until_rejected(&live);
    assert!(kept().contains("\"pool_size\": 2"), "{}", kept());
    // The next process is to run what waits for it.
    pod.edit("pool-size: 2\nport: 9090\n");
    eventually("what waits for a restart", || kept().contains("9090"));
    assert_eq!(live.status().generation, 1 + 1);
    live.stop().unwrap();
    pod.edit("port: x\n");
    let live = pod.start().unwrap();
    live.with(|config| assert_eq!((config.pool_size, config.port), (2, 9090)));
}

#[test]
fn f9_no_secret_is_kept_and_a_start_takes_those_of_today() {
    const SECRETS: [&str; 3] = [
        "hunter2-of-the-file",
        "hunter3-of-the-url",
        "hunter4-of-the-mount",
    ];
    #[derive(Debug, Retune)]
    struct Config {
        pool_size: u32,
        user: String,
        password: Secret<String>,
        upstream: String,
        tokens: Secret<std::collections::BTreeMap<String, String>>,
    }
    let dir = tempdir().unwrap();
    let (file, state) = (dir.path().join("c.yaml"), dir.path().join("state"));
    fs::create_dir(&state).unwrap();
    let creds = Volume::new(dir.path().join("v"), &[("user", SECRETS[2])]);
    let [password, url, _] = SECRETS;
    let edit = |pool_size: &str, password: &str| {
        let tokens = format!("tokens: {{{password}: {password}}}");
        let upstream = format!("upstream: http://u:{url}@h/");
        replace(
            &file,
            &format!("pool-size: {pool_size}\npassword: {password}\n{upstream}\n{tokens}\n"),
        );
    };
    let start = || {
        let creds = Mount::new(creds.path()).secret();
        let loader = Config::loader().file(file.as_path()).mount(creds);
        loader.keep_last_good(state.join("kept.json")).watch()
    };
    edit("1", password);
    let live = start().unwrap();
    edit("2", password);
    eventually("the next generation", || live.status().generation == 2);
    live.stop().unwrap();
    let files: Vec<_> = fs::read_dir(&state).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 1);
    let mode = files[0].metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = fs::read_to_string(files[0].path()).unwrap();
    assert!(kept.contains("\"pool_size\": 2"), "{kept}");
    for secret in SECRETS {
        assert!(!kept.contains(secret), "{kept}");
    }

    edit("many", "hunter5");
    let live = start().unwrap();
    live.with(|config| {
        assert_eq!((config.pool_size, &*config.user), (2, SECRETS[2]));
        assert_eq!(config.password.expose(), "hunter5");
        assert!(config.upstream.contains(url));
    });
    live.stop().unwrap();

    replace(&file, "pool-size: many\n");
    let report = start().unwrap_err().to_string();
    let (own, kept) = report
        .split_once("The last good configuration of 20")
        .unwrap();
    assert!(
        own.contains("`pool_size`") && own.contains("`password`: missing"),
        "{report}"
    );
    assert!(kept.contains("is no help"), "{report}");
    assert!(
        kept.contains("`password`: missing") && !kept.contains("`pool_size`"),
        "{report}"
    );
}

#[test]
fn f9_a_file_that_is_cut_off_or_of_another_program_is_no_help_and_no_panic() {
    let pod = Pod::ran("pool-size: 20\nmessage: Hello\n");
    pod.edit("pool-size: many\n");
    let whole = fs::read(pod.kept()).unwrap();
    let cut_off = (0..whole.len() - 1).map(|length| whole[..length].to_vec());
    let others = [
        &b"{}"[..],
        b"[]",
        b"null",
        b"{\"pool_size\": []}",
        b"\xff\xfe",
        b"\0\0\0\0",
    ];
    for content in cut_off.chain(others.map(<[u8]>::to_vec)) {
        fs::write(pod.kept(), &content).unwrap();
        let report = pod.start().unwrap_err().to_string();
        assert!(
            report.contains("`pool_size`") && report.contains("many"),
            "{report}"
        );
        assert!(report.contains("is no help"), "{content:?}: {report}");
        assert_eq!(fs::read(pod.kept()).unwrap(), content, "left as it was");
    }
    fs::remove_file(pod.kept()).unwrap();
    fs::create_dir(pod.kept()).unwrap();
    let report = pod.start().unwrap_err().to_string();
    assert!(report.contains("is a directory"), "{report}");
}

#[test]
fn f9_where_nothing_can_be_written_the_program_runs_and_says_so() {
    let pod = Pod::new("pool-size: 1\n");
    fs::remove_dir(pod.path("state")).unwrap();
    let live = pod.start().unwrap();
    let told = last_good(&live);
    assert!(told.problem.unwrap().to_string().contains("is not kept"));
    assert_eq!((told.kept, live.status().health), (None, Health::Ok));
    fs::create_dir(pod.path("state")).unwrap();
    live.reload().unwrap();
    let told = last_good(&live);
    assert!(told.problem.is_none() && told.kept.is_some() && pod.kept().exists());
}

#[test]
fn f9_what_others_put_in_the_way_is_not_written_through() {
    let pod = Pod::new("pool-size: 1\n");
    fs::write(pod.path("victim"), "mine").unwrap();
    for name in ["last-good.json", "last-good.json.tmp"] {
        let link = pod.path("state").join(name);
        std::os::unix::fs::symlink(pod.path("victim"), link).unwrap();
    }
    pod.start().unwrap().stop().unwrap();
    assert_eq!(fs::read_to_string(pod.path("victim")).unwrap(), "mine");
    assert!(pod.kept().symlink_metadata().unwrap().is_file());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f9_values_of_every_shape_are_what_they_were(keys in every_volume::volume()) {
        let dir = tempdir().unwrap();
        let volume = dir.path().join("v");
        fs::create_dir(&volume).unwrap();
        for (key, value) in &keys {
            fs::write(volume.join(key), value).unwrap();
        }
        let start = |port: Option<&str>| {
            let env = port.map(|port| ("APP_PORT", port));
            Every::loader()
                .mount(Mount::new(&volume).not_secret())
                .env(Env::from_iter("APP", env))
                .keep_last_good(dir.path().join("kept.json"))
                .once()
        };
        if let Ok(before) = start(None) {
            let after = start(Some("none")).unwrap();
            prop_assert_eq!(format!("{before:?}"), format!("{after:?}"));
        }
    }
}
