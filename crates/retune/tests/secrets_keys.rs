//! The keys of a secret map are as secret as its values, and changes of both can be told apart without
//! being shown.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use retune::source::{Env, File, Mount};
use retune::{Live, Retune, Secret, Serde};
use support::{Volume, eventually, log, replace};

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Config {
    #[retune(default = "{}")]
    limits: BTreeMap<String, u32>,
    #[retune(default = "{}", restart)]
    fixed: BTreeMap<String, u32>,
    #[retune(default = "one")]
    key: Secret<String>,
    #[retune(default = "one")]
    message: String,
}

/// All that people see, but for the values' own `Debug`.
fn seen<T: Send + Sync>(live: &Live<T>) -> String {
    let (status, explained) = (live.status(), live.explain_all());
    let mut all = format!("{status:?}\n{explained:?}\n");
    all += &serde_json::to_string(&status).unwrap();
    all += &serde_json::to_string(&explained).unwrap();
    for one in &explained {
        _ = write!(all, "\n{one}");
    }
    for entry in &status.history {
        for change in &entry.changes {
            _ = write!(all, "\n{change}");
        }
    }
    all + &log::lines().join("\n")
}

#[test]
fn h1_keys_of_a_secret_map_are_shown_nowhere() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret.yaml");
    fs::write(&path, "limits: {mark-a: 1, mark-b: 1}\nfixed: {mark-c: 1}").unwrap();
    let live = Config::loader()
        .file(File::new(&path).secret())
        .watch()
        .unwrap();
    let mut changes = live.changes();
    changes.next();
    let edit = "limits: {mark-b: 2, mark-d.e: 3}\nfixed: {mark-c: 2}\nmark-unknown: 1";
    replace(&path, edit);
    let change = changes.next().unwrap();
    assert_eq!(change.new_value().limits["mark-b"], 2);
    // Three values of the map changed: identity is by the true keys.
    let shown = ["limits[redacted]"; 3];
    assert_eq!(change.paths(), shown);
    let history = live.status().history;
    assert!(history[1].paths().eq(shown));
    assert_eq!(live.status().pending_restart[0].path, "fixed[redacted]");
    let explained = live.explain_all();
    let redacted = explained.iter().filter(|one| one.path == shown[0]);
    assert_eq!(
        redacted.map(|one| one.since_generation).collect::<Vec<_>>(),
        [2, 2]
    );
    // Whoever knows a key may ask for it; it is not told for that.
    for name in ["limits.mark-b", "limits.mark-d.e"] {
        assert_eq!(live.explain(name).unwrap().path, shown[0]);
    }
    replace(&path, "limits: {mark-b: mark-wrong}");
    eventually("refused", || live.status().rejection.is_some());
    replace(&path, "limits: {mark-f: 1}");
    eventually("good", || live.load().limits.contains_key("mark-f"));
    let all = seen(&live);
    assert!(!all.contains("mark"), "{all}");
}

#[test]
fn keys_of_a_plain_map_are_shown_where_values_of_it_are_secret() {
    let env = Env::from_iter("", [("LIMITS", "{mark: 1}")]);
    let live = Config::loader().env(env).watch().unwrap();
    assert!(seen(&live).contains("limits.mark"));
    // A key of a volume is the name of a file.
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("limits.mark", "77001")]);
    let mount = Mount::new(volume.path()).secret();
    let live = Config::loader().mount(mount).watch().unwrap();
    let seen = seen(&live);
    assert!(seen.contains("limits.mark"));
    assert!(!seen.contains("77001"), "{seen}");
}

#[test]
fn h1_names_in_a_secret_document_of_a_type_that_takes_any_are_shown_nowhere() {
    type Any = Serde<BTreeMap<String, serde_json::Value>>;
    for (file, one, two) in [
        ("a.env", "MARK_A=1\nMARK_B=1", "MARK_A=2\nMARK_C=1"),
        ("a.yaml", "mark-a: {mark-b: 1}", "mark-a: {mark-c: 1}"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file);
        fs::write(&path, one).unwrap();
        let live = Any::loader()
            .file(File::new(&path).secret())
            .watch()
            .unwrap();
        replace(&path, two);
        eventually("two", || live.status().generation == 2);
        let all = seen(&live).to_lowercase();
        assert!(!all.contains("mark"), "{all}");
    }
}

#[test]
fn h2_keys_of_a_secret_map_that_the_program_quotes_are_struck() {
    #[derive(Debug, Retune)]
    #[retune(validate = Quotas::check)]
    struct Quotas {
        quotas: Secret<BTreeMap<String, u32>>,
    }
    impl Quotas {
        fn check(&self) -> Result<(), String> {
            let mut quotas = self.quotas.expose().iter();
            match quotas.find(|(_, quota)| **quota == 0) {
                Some((name, _)) => Err(format!("no quota for {name}: see `quotas`")),
                None => Ok(()),
            }
        }
    }
    let quotas = |text: &'static str| Env::from_iter("", [("QUOTAS", text)]);
    let error = Quotas::loader().env(quotas("hunter2=0")).once();
    let error = error.unwrap_err().to_string();
    let told = "no quota for [redacted]: see `quotas`";
    assert!(error.contains(told) && !error.contains("hunter"), "{error}");

    let live = Quotas::loader().env(quotas("hunter1=1")).watch().unwrap();
    live.gate(|quotas| match quotas.quotas.expose().first_key_value() {
        Some((name, 2)) => Err(format!("{name} has two")),
        Some((name, 3)) => panic!("{name} has three"),
        _ => Ok(()),
    })
    .detach();
    for (text, told) in [
        ("hunter2=2", "[redacted] has two"),
        ("hunter3=3", "[redacted] has three"),
    ] {
        let error = live.set("quotas", text).unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains("hunter"), "{error}");
    }
}

#[test]
fn h7_a_rotated_secret_is_told_by_a_fingerprint_that_a_revert_brings_back() {
    log::keep();
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("key", "one")]);
    let mount = || Mount::new(volume.path()).not_secret();
    let live = Config::loader().mount(mount()).watch().unwrap();
    for (generation, key) in [(2, "two"), (3, "one")] {
        volume.publish(&[("key", key)]);
        eventually(key, || live.status().generation == generation);
    }
    let history = live.status().history;
    let rotations: Vec<_> = history
        .iter()
        .map(|entry| entry.changes[0].rotated.clone().unwrap())
        .collect();
    let prints = |i: usize| (rotations[i].from.clone(), rotations[i].to.clone());
    let (none, first) = prints(0);
    let (from, second) = prints(1);
    assert_eq!((none, &from), (None, &first));
    assert_ne!(first, second);
    assert_eq!(
        prints(2),
        (second.clone(), first.clone()),
        "the revert is seen"
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    for print in [&first, &second] {
        let hexadecimal = |c: char| c.is_ascii_hexdigit() && !c.is_ascii_uppercase();
        assert!(
            print.len() == 8 && print.chars().all(hexadecimal),
            "{print}"
        );
    }
    // People read it in the history and in the log, programs in JSON.
    let told = history[1].changes[0].to_string();
    assert_eq!(told, format!("key: rotated ({first} → {second})"));
    let json = serde_json::to_value(&history[1].changes[0]).unwrap();
    assert_eq!(json["rotated"]["from"], first);
    assert_eq!(
        (&json["old"], &json["new"]),
        (&"[redacted]".into(), &"[redacted]".into())
    );
    assert_eq!(
        log::logged(&["configuration changed", "key: rotated", &second]),
        2
    );
    // Wherever a value stands, its fingerprint is the same.
    let env = Env::from_iter("", [("KEY", "one")]);
    let other = Config::loader().env(env).watch().unwrap();
    let rotated = other.status().history[0].changes[0].rotated.clone();
    assert_eq!(rotated.unwrap().to, Some(first));
    // A plain value has none.
    volume.publish(&[("key", "one"), ("message", "two")]);
    eventually("two", || live.load().message == "two");
    let history = live.status().history;
    let change = &history.last().unwrap().changes[0];
    assert_eq!(
        (change.rotated.as_ref(), change.to_string().as_str()),
        (None, "message: not given → two")
    );
}

const PRINT: &str = "the fingerprint is ";

#[test]
fn h7_another_process_has_another_fingerprint() {
    let env = Env::from_iter("", [("KEY", "one")]);
    let live = Config::loader().env(env).watch().unwrap();
    let rotated = live.status().history[0].changes[0].rotated.clone();
    let own = format!("{PRINT}{}", rotated.unwrap().to.unwrap());
    if support::is_child() {
        use std::io::Write;
        std::io::stderr().write_all(own.as_bytes()).unwrap();
        return;
    }
    let exe = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(exe);
    let said = support::run_as_child("h7_another_process_has_another_fingerprint", &mut child);
    assert!(said.contains(PRINT), "{said}");
    assert!(!said.contains(&own), "{said}");
}

#[test]
fn i4_a_secret_alone_changes_no_hash() {
    let env = |key: &'static str, message: &'static str| {
        let env = Env::from_iter("", [("KEY", key), ("MESSAGE", message)]);
        Config::loader().env(env).watch().unwrap().status().hash
    };
    assert_eq!(env("one", "one"), env("two", "one"));
    assert_ne!(env("one", "one"), env("one", "two"), "a control");
}

#[test]
fn h1_a_secret_map_of_a_variable_that_is_a_start_value_gives_way_whole() {
    #[derive(Debug, Retune)]
    struct Quotas {
        quotas: Secret<BTreeMap<String, u32>>,
    }
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("quotas", "hunter1=1, hunter2=2")]);
    let env = Env::from_iter("", [("QUOTAS", "hunter1=1, hunter2=2")]);
    let live = Quotas::loader()
        .mount(volume.not_secret())
        .env(env)
        .watch()
        .unwrap();
    let quotas = || live.with(|c| c.quotas.expose().clone());
    let first = BTreeMap::from([("hunter1".to_owned(), 1), ("hunter2".to_owned(), 2)]);
    assert_eq!(quotas(), first);
    volume.publish(&[("quotas", "hunter3=3")]);
    live.reload().unwrap();
    assert_eq!(quotas(), BTreeMap::from([("hunter3".to_owned(), 3)]));
    let seen = seen(&live);
    assert!(!seen.contains("hunter"), "{seen}");
}
