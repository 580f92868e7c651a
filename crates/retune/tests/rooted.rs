//! Paths below another root: a container's file system that is seen somewhere else.
#![cfg(unix)]
#![allow(missing_docs)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use retune::source::{Env, File};
use retune::{Retune, Secret};
use support::{Volume, eventually, is_child, run_as_child};
use tempfile::{TempDir, tempdir};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = "none")]
    level: String,
    token: Option<Secret<String>>,
}

/// A container's file system, and paths as the container names them.
struct Container {
    root: TempDir,
}

impl Container {
    fn new() -> Self {
        let root = tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::create_dir_all(root.path().join("secrets")).unwrap();
        Self { root }
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn volume(&self, path: &str, keys: &[(&str, &str)]) -> Volume {
        Volume::new(self.path(path), keys)
    }
}

fn env(variables: &[(&str, &str)]) -> Env {
    Env::from_iter("APP", variables.iter().copied())
}

#[test]
fn files_mounts_and_what_variables_name_are_read_below_it_and_named_as_read() {
    let container = Container::new();
    let mount = container.volume("/etc/app", &[("message", "mounted")]);
    let secret = container.volume("/secrets/example", &[("token", "t0")]);
    fs::write(container.path("/etc/level.yaml"), "level: info\n").unwrap();
    let live = Config::loader()
        .file("/etc/level.yaml")
        .mount("/etc/app")
        .env(env(&[("APP_TOKEN_FILE", "/secrets/example/token")]))
        .root(container.root.path())
        .watch()
        .unwrap();
    live.with(|config| {
        assert_eq!((&*config.message, &*config.level), ("mounted", "info"));
        assert_eq!(config.token.as_ref().unwrap().expose(), "t0");
    });
    let explained = live.explain("message").unwrap().to_string();
    let real = container.path("/etc/app/message").display().to_string();
    assert!(explained.contains(&real), "{explained}");
    let explained = live.explain("token").unwrap().to_string();
    let real = container.path("/secrets/example/token");
    assert!(
        explained.contains(&real.display().to_string()),
        "{explained}"
    );
    for source in live.status().sources {
        for path in source.paths {
            assert!(
                path.path
                    .starts_with(&*container.root.path().to_string_lossy())
            );
        }
    }
    secret.publish(&[("token", "t1")]);
    mount.publish(&[("message", "edited")]);
    eventually("both are followed", || {
        live.with(|config| {
            config.message == "edited" && config.token.as_ref().unwrap().expose() == "t1"
        })
    });
}

#[test]
fn absolute_links_of_the_container_lead_to_the_container_s_own_files() {
    let container = Container::new();
    let volume = container.volume("/etc/volume", &[("message", "one")]);
    symlink("/etc/volume", container.path("/etc/app")).unwrap();
    // More steps up than there are directories end at the root.
    symlink(
        "../../../../../etc/volume/message",
        container.path("/etc/level"),
    )
    .unwrap();
    let live = Config::loader()
        .mount("/etc/app")
        .env(env(&[("APP_LEVEL_FILE", "/etc/level")]))
        .root(container.root.path())
        .watch()
        .unwrap();
    let both = |text: &str| live.with(|c| c.message == text && c.level == text);
    assert!(both("one"));
    volume.publish(&[("message", "two")]);
    eventually("the links are followed", || both("two"));
    let other = container.volume("/etc/other", &[("message", "three")]);
    symlink("/etc/other", container.path("/etc/link")).unwrap();
    fs::rename(container.path("/etc/link"), container.path("/etc/app")).unwrap();
    eventually("the link moves", || live.with(|c| c.message == "three"));
    other.publish(&[("message", "four")]);
    eventually("its target is followed", || {
        live.with(|c| c.message == "four")
    });
    let once = Config::loader()
        .root(container.root.path())
        .mount("/etc/app");
    assert_eq!(once.once().unwrap().message, "four");
}

#[test]
fn a_root_that_is_itself_behind_links_is_found_by_them() {
    let container = Container::new();
    container.volume("/etc/app", &[("message", "one")]);
    let dir = tempdir().unwrap();
    symlink(container.root.path(), dir.path().join("root")).unwrap();
    let loader = Config::loader().root(dir.path().join("root"));
    assert_eq!(loader.mount("/etc/app").once().unwrap().message, "one");
}

#[test]
fn e9_what_is_missing_below_it_is_told_with_the_path_that_was_looked_at() {
    let container = Container::new();
    let error = Config::loader()
        .mount("/etc/none")
        .file(File::new("/etc/none.yaml").optional())
        .root(container.root.path())
        .once()
        .unwrap_err()
        .to_string();
    let real = container.path("/etc/none").display().to_string();
    assert!(error.contains(&real), "{error}");
    let nowhere = Config::loader().mount("/etc/none").root("/nonexistent");
    let error = nowhere.once().unwrap_err().to_string();
    assert!(error.contains("/nonexistent/etc/none"), "{error}");
}

#[test]
fn a_relative_path_stays_what_it_is() {
    let container = Container::new();
    let error = Config::loader()
        .file("etc/none.yaml")
        .root(container.root.path())
        .once()
        .unwrap_err()
        .to_string();
    assert!(
        !error.contains(&*container.root.path().to_string_lossy()),
        "{error}"
    );
}

#[test]
fn it_is_taken_from_a_variable_where_that_is_set() {
    let name = "it_is_taken_from_a_variable_where_that_is_set";
    let load = || {
        let loader = Config::loader().root_from_env("TELEPRESENCE_ROOT");
        loader.mount("/etc/of-the-container").once()
    };
    if is_child() {
        assert_eq!(load().unwrap().message, "in the container");
        return;
    }
    let container = Container::new();
    container.volume("/etc/of-the-container", &[("message", "in the container")]);
    let mut command = Command::new("env");
    let root = container.root.path().display();
    command.arg(format!("TELEPRESENCE_ROOT={root}"));
    command.arg(std::env::current_exe().unwrap());
    run_as_child(name, &mut command);
    let error = load().unwrap_err().to_string();
    assert!(error.contains(": no such directory") || error.contains("/etc/of-the-container"));
}
