//! H9: files with secrets that everybody may read.
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use retune::source::{Env, File, Mount};
use retune::{Loader, Retune, Secret};
use support::{eventually, warnings};

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Config {
    #[retune(default = "hello")]
    message: String,
    #[retune(default = "none")]
    key: Secret<String>,
    #[retune(default = "none")]
    url: String,
}

fn write(path: &Path, content: &str, mode: u32) {
    fs::write(path, content).unwrap();
    chmod(path, mode);
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn told(loader: Loader<Config>) -> Vec<String> {
    let warned = warnings(&loader.warn_world_readable().watch().unwrap());
    warned
        .into_iter()
        .filter(|told| told.contains("everybody"))
        .collect()
}

#[test]
fn h9_a_secret_that_everybody_may_read_is_named_with_its_mode_and_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let document = at("document.yaml");
    write(&document, "key: x", 0o644);
    let mount = at("mount");
    fs::create_dir(&mount).unwrap();
    write(&mount.join("key"), "x", 0o604);
    write(&mount.join("message"), "x", 0o644);
    let url = at("url");
    write(&url, "postgres://u:p@h", 0o444);
    let env = || Env::from_iter("APP", [("APP_URL_FILE", &url)]);
    let plain = || Mount::new(&mount).not_secret();
    for (loader, file, mode) in [
        (Config::loader().file(&*document), &document, "0644"),
        (Config::loader().mount(plain()), &mount.join("key"), "0604"),
        (Config::loader().env(env()), &url, "0444"),
    ] {
        let told = told(loader);
        assert_eq!(told.len(), 1, "{told:?}");
        for part in [file.to_str().unwrap(), mode, "defaultMode: 0440", "fsGroup"] {
            assert!(told[0].contains(part), "{part}: {told:?}");
        }
    }
    // All of a secret source are secrets.
    assert_eq!(told(Config::loader().mount(plain().secret())).len(), 2);
    // It is asked for, and about the world alone.
    let quiet = Config::loader().file(&*document).mount(plain()).env(env());
    assert!(warnings(&quiet.watch().unwrap()).is_empty());
    for path in [&document, &mount.join("key"), &url] {
        chmod(path, 0o440);
    }
    let none = told(Config::loader().file(&*document).mount(plain()).env(env()));
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn h9_it_is_a_warning_also_for_a_strict_program_and_ends_when_the_mode_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.yaml");
    write(&path, "message: x", 0o644);
    let loader = Config::loader().file(File::new(&path).secret());
    let live = loader.strict().warn_world_readable().watch().unwrap();
    assert_eq!(warnings(&live).len(), 1);
    chmod(&path, 0o440);
    eventually("mended", || warnings(&live).is_empty());
    assert_eq!(live.status().generation, 1);
}
