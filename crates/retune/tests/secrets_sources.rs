//! Sources that are secret as a whole: because the program says so, or by where they lie.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use retune::source::{self, Env, File, Mount};
use retune::{Live, Loader, Retune};
use support::{Volume, eventually, replace, with_own_mounts};

/// Nothing in these types says that a value is secret.
#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    #[expect(dead_code)]
    port: u16,
}

/// What people see of a value: redacted or as it is.
#[track_caller]
fn shows(live: &Live<Config>, value: &str) -> bool {
    assert_eq!(live.load().message, value, "the program sees it");
    let explained = live.explain("message").unwrap();
    let winner = explained.winner.unwrap();
    let everywhere = format!(
        "{} {:?} {:?}",
        winner.value,
        live.status(),
        live.explain_all()
    );
    assert_eq!(winner.secret, !everywhere.contains(value), "{everywhere}");
    !winner.secret
}

fn watch(loader: Loader<Config>) -> Live<Config> {
    loader.watch().unwrap()
}

#[test]
fn all_that_a_secret_source_gives_is_redacted() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    fs::write(&file, "message: mark").unwrap();
    let variables = |secret| {
        let env = Env::from_iter("APP", [("APP_MESSAGE", "mark")]);
        if secret { env.secret() } else { env }
    };
    let named = |secret| {
        let path = dir.path().join("message");
        fs::write(&path, "mark").unwrap();
        let env = Env::from_iter("APP", [("APP_MESSAGE_FILE", path)]);
        if secret { env.secret() } else { env }
    };
    let closure = || source::from_fn("store", || Ok::<_, String>([("message", "mark")]));
    let document = || source::from_fn("store", || Ok::<_, String>([("a.yaml", "message: mark")]));
    let loader = Config::loader;
    let pairs = [
        (
            loader().file(File::new(&file)),
            loader().file(File::new(&file).secret()),
        ),
        (
            loader().mount(Mount::new(dir.path()).not_secret()),
            loader().mount(Mount::new(dir.path()).secret()),
        ),
        (
            loader().env(variables(false)),
            loader().env(variables(true)),
        ),
        (loader().env(named(false)), loader().env(named(true))),
        (
            loader().source(closure()),
            loader().source(closure().secret()),
        ),
        (
            loader().source(document()),
            loader().source(document().secret()),
        ),
    ];
    for (plain, secret) in pairs {
        let (plain, secret) = (watch(plain), watch(secret));
        assert!(shows(&plain, "mark"));
        assert!(!plain.status().sources[0].secret);
        assert!(!shows(&secret, "mark"));
        assert!(secret.status().sources[0].secret);
        assert_ne!(plain.status().hash, secret.status().hash);
    }
}

#[test]
fn a_wrong_value_of_a_secret_source_is_not_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    fs::write(&file, "port: mark").unwrap();
    let shown = |loader: Loader<Config>| {
        let error = loader.once().unwrap_err();
        format!(
            "{error} {error:?} {} {}",
            error.report(false),
            error.report(true)
        )
    };
    let env = || Env::from_iter("APP", [("APP_PORT", "mark")]);
    assert!(
        shown(Config::loader().env(env())).contains("mark"),
        "a control"
    );
    for loader in [
        Config::loader().env(env().secret()),
        Config::loader().file(File::new(&file).secret()),
    ] {
        let shown = shown(loader);
        assert!(!shown.contains("mark"), "{shown}");
    }
}

#[test]
fn a_changed_secret_source_leaves_the_hash() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    fs::write(&file, "message: one").unwrap();
    let live = watch(Config::loader().file(File::new(&file).secret()));
    let before = live.status().hash;
    replace(&file, "message: two");
    eventually("two", || live.load().message == "two");
    assert_eq!(live.status().hash, before);
}

#[cfg(target_os = "linux")]
#[test]
fn h1_what_becomes_a_secret_without_another_content_is_one_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let public = Volume::new(dir.path().join("public"), &[("message", "mark")]);
    let secret = Volume::new(dir.path().join("secret"), &[]);
    let start = || {
        let loader = Config::loader().mount(public.not_secret());
        watch(loader.mount(Mount::new(secret.path()).secret()))
    };
    let live = start();
    let hash = live.status().hash;
    secret.publish(&[("message", "mark")]);
    live.reload().unwrap();
    assert!(live.explain("message").unwrap().winner.unwrap().secret);
    assert_ne!(live.status().hash, hash);
    assert_eq!(
        live.status().hash,
        start().status().hash,
        "as in a new replica"
    );
    assert_eq!(live.status().secrets.len(), 1);
    // What it was is as secret as what it becomes.
    let mut changes = live.changes();
    assert!(changes.next().is_some());
    secret.publish(&[("message", "other")]);
    live.reload().unwrap();
    let change = format!("{:?}", changes.next().unwrap().values());
    assert!(change.contains("message"), "{change}");
    let entry = format!("{:?}", live.status().history.last().unwrap());
    for told in [change, entry] {
        assert!(!told.contains("mark") && !told.contains("other"), "{told}");
    }
}

fn tmpfs(at: &Path) {
    fs::create_dir(at).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "tmpfs"])
        .arg(at)
        .status();
    assert!(mount.unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_volume_in_memory_is_secret_unless_the_program_says_otherwise() {
    if !with_own_mounts("a_volume_in_memory_is_secret_unless_the_program_says_otherwise") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("memory");
    tmpfs(&memory);
    let keys = [("message", "mark"), ("config.yaml", "message: mark")];
    let volume = Volume::new(memory.join("secret"), &keys);
    let (key, document) = (volume.key("message"), volume.key("config.yaml"));
    let named = || Env::from_iter("APP", [("APP_MESSAGE_FILE", key.clone())]);
    let sub_path = dir.path().join("config.yaml");
    fs::write(&sub_path, "").unwrap();
    let mount = Command::new("mount")
        .arg("--bind")
        .args([&document, &sub_path])
        .status();
    assert!(mount.unwrap().success());
    let loader = Config::loader;
    let pairs = [
        (
            loader().mount(volume.path()),
            loader().mount(Mount::new(volume.path()).not_secret()),
        ),
        (
            loader().file(document.as_path()),
            loader().file(File::new(&document).not_secret()),
        ),
        (loader().env(named()), loader().env(named().not_secret())),
        (
            loader().file(sub_path.as_path()),
            loader().file(File::new(&sub_path).not_secret()),
        ),
    ];
    for (secret, plain) in pairs {
        let (secret, plain) = (watch(secret), watch(plain));
        assert!(!shows(&secret, "mark"));
        assert!(shows(&plain, "mark"));
    }
    // An update is as secret.
    let live = watch(loader().mount(volume.path()));
    volume.publish(&[("message", "later")]);
    eventually("the update", || live.load().message == "later");
    assert!(!shows(&live, "later"));
    // What merely lies in memory may be anything: `/tmp` and `/run` often are.
    let file = memory.join("plain.yaml");
    fs::write(&file, "message: mark").unwrap();
    assert!(shows(&watch(loader().file(file.as_path())), "mark"));
    assert!(shows(
        &watch(loader().mount({
            fs::create_dir(memory.join("d")).unwrap();
            fs::write(memory.join("d/message"), "mark").unwrap();
            memory.join("d")
        })),
        "mark"
    ));
    // A ConfigMap's volume lies on the node's disk.
    let mut file_system = Command::new("stat");
    file_system.args(["-f", "-c", "%T"]).arg(dir.path());
    if file_system.output().unwrap().stdout != b"tmpfs\n" {
        let volume = Volume::new(dir.path().join("config"), &[("message", "mark")]);
        assert!(shows(&watch(loader().mount(volume.path())), "mark"));
    }
}
