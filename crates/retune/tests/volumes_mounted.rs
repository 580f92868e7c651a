//! Mounts that no update reaches: what a program is told of them, and what goes on.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use retune::source::Env;
use retune::status::{Health, WatchMode};
use retune::{Retune, Secret};
use support::{Volume, eventually, warnings, with_own_mounts};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    key: Option<Secret<String>>,
}

fn bind(from: &Path, to: &Path) {
    let mount = Command::new("mount")
        .arg("--bind")
        .args([from, to])
        .status();
    assert!(mount.unwrap().success());
}

#[test]
fn a21_a_sub_path_says_at_the_start_what_it_is_why_and_what_to_do() {
    if !with_own_mounts("a21_a_sub_path_says_at_the_start_what_it_is_why_and_what_to_do") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let keys = [("config.yaml", "message: one"), ("key", "k")];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let (config, key) = (dir.path().join("config.yaml"), dir.path().join("key"));
    for (file, name) in [(&config, "config.yaml"), (&key, "key")] {
        fs::write(file, "").unwrap();
        bind(&volume.key(name), file);
    }
    let live = Config::loader()
        .file(config.as_path())
        .env(Env::from_iter(
            "APP",
            [("APP_KEY_FILE", key.to_str().unwrap())],
        ))
        .watch()
        .unwrap();
    let values = live.load();
    let key_is = values.key.as_ref().map(|key| key.expose().as_str());
    assert_eq!((values.message.as_str(), key_is), ("one", Some("k")));
    let told = warnings(&live);
    assert_eq!(told.len(), 2, "{told:?}");
    for (told, file) in told.iter().zip([&config, &key]) {
        for part in [
            file.to_str().unwrap(),
            "a mount of a single file (subPath)",
            "never updates",
            "an update of a volume is a new file",
            "mount the whole volume, without subPath",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    let status = live.status();
    for source in &status.sources {
        assert_eq!(source.paths[0].mode, WatchMode::SubPath);
    }
    assert_eq!(status.health, Health::Ok, "as it was made, and so it stays");
}

#[test]
fn orphan_volume_of_a_configmap_keeps_its_values_and_asks_for_a_restart() {
    if !with_own_mounts("orphan_volume_of_a_configmap_keeps_its_values_and_asks_for_a_restart") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let host = Volume::new(dir.path().join("host"), &[("message", "one")]);
    let container = dir.path().join("container");
    fs::create_dir(&container).unwrap();
    bind(host.path(), &container);
    let live = Config::loader().mount(container.as_path()).watch().unwrap();
    fs::remove_dir_all(host.path()).unwrap();
    eventually("orphaned", || {
        live.status().sources[0].paths[0].mode == WatchMode::Orphaned
    });
    let status = live.status();
    assert_eq!(status.health, Health::Degraded);
    let asks = "only a restart of the container reconnects it";
    assert!(
        status.reasons.iter().any(|reason| reason.contains(asks)),
        "{:?}",
        status.reasons
    );
    assert_eq!(live.load().message, "one");
}
