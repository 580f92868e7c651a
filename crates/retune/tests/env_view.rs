//! Environment variables that follow mounted volumes.
#![allow(missing_docs, reason = "tests")]

mod support;

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use retune::source::{self, Mount};
use retune::{EnvView, Live, Snapshot, VarError};
use support::{
    Notes, Volume, eventually, is_child, lines, run_as_child, until_ok, until_rejected, warnings,
};

/// What `envFrom` gave when the container started, and what else is there.
const STARTED: [(&str, &str); 4] = [
    ("KEY1", "VAL1"),
    ("KEY2", "VAL2"),
    ("PATH", "/usr/bin:/bin"),
    ("DB_PASSWORD", "hunter2"),
];

fn watch(dir: &Path) -> Live<EnvView> {
    let mount = Mount::new(dir).not_secret();
    EnvView::over(STARTED).mount(mount).watch().unwrap()
}

fn volume(keys: &[(&str, &str)]) -> (tempfile::TempDir, Volume) {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::new(dir.path().join("config"), keys);
    (dir, volume)
}

/// What a shell prints that sees this environment.
fn sh(env: &EnvView, script: &str) -> String {
    let mut command = Command::new("sh");
    env.apply(&mut command);
    let output = command.args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a1_a7_a_mounted_key_is_the_variable_of_its_name_from_the_start_and_follows_each_swap() {
    let (_dir, volume) = volume(&[("KEY1", "MOUNTED1"), ("NEW", "VAL3")]);
    let env = watch(volume.path());
    // Without any event, and also where the container started before the last edit.
    assert_eq!(env.get("KEY1").as_deref(), Some("MOUNTED1"));
    assert_eq!(env.get("KEY2").as_deref(), Some("VAL2"));
    assert_eq!(env.get("NEW").as_deref(), Some("VAL3"));
    for n in 1..=3 {
        let value = format!("NEW_VAL{n}");
        volume.publish(&[("KEY1", &value), ("NEW", "VAL3")]);
        eventually("the new value", || env.var("KEY1").as_ref() == Ok(&value));
    }
    let paths: Vec<_> = env
        .status()
        .history
        .last()
        .unwrap()
        .paths()
        .map(str::to_owned)
        .collect();
    assert_eq!(paths, ["KEY1"]);
}

#[test]
fn a9_a_removed_key_falls_back_to_what_the_process_s_environment_gave() {
    let (_dir, volume) = volume(&[("KEY1", "NEW_VAL1"), ("KEY3", "VAL3"), ("KEY4", "VAL4")]);
    let env = watch(volume.path());
    let notes = Notes::of(&env, |env| env.get("KEY1").map(str::to_owned));
    volume.publish(&[("KEY4", "VAL4")]);
    notes.until_last(Some("VAL1".into()));
    let now = env.load();
    assert!(!now.is_mounted("KEY1") && now.is_mounted("KEY4"));
    assert_eq!(now.origin("KEY1").unwrap().to_string(), "KEY1");
    assert_eq!(
        now.var("KEY3"),
        Err(VarError::NotPresent {
            name: "KEY3".into()
        })
    );
    assert_eq!(
        sh(&now, r#"printf %s "$KEY1,${KEY3-none},$KEY4""#),
        "VAL1,none,VAL4"
    );
    let config = volume.path().display();
    let gone = "no longer given by mount";
    let now = "now the process's environment holds";
    assert_eq!(warnings(&env), [format!("`KEY1`: {gone} {config}; {now}")]);

    // A10: and back again.
    volume.publish(&[("KEY1", "AGAIN"), ("KEY4", "VAL4")]);
    notes.until_last(Some("AGAIN".into()));
    eventually("nothing is gone", || warnings(&env).is_empty());
    assert!(
        env.load()
            .origin("KEY1")
            .unwrap()
            .to_string()
            .ends_with("/config/KEY1:1:1")
    );
}

#[test]
fn a18_losing_all_keys_is_a_fault_and_changes_nothing_but_the_status() {
    let (_dir, volume) = volume(&[("KEY1", "NEW_VAL1")]);
    let env = watch(volume.path());
    volume.publish(&[]);
    let told = until_rejected(&env).concat();
    assert!(told.contains("has no keys any more"), "{told}");
    assert_eq!(env.get("KEY1").as_deref(), Some("NEW_VAL1"));
    volume.publish(&[("KEY1", "NEW_VAL1")]);
    until_ok(&env);
}

#[test]
fn d6_an_empty_value_is_an_answer() {
    let (_dir, volume) = volume(&[("KEY1", "NEW_VAL1"), ("KEY2", "x")]);
    let env = watch(volume.path());
    volume.publish(&[("KEY1", ""), ("KEY2", "\n")]);
    eventually("the empty value", || env.get("KEY1").as_deref() == Some(""));
    let now = env.load();
    assert_eq!((now.var("KEY1"), now.var("KEY2")), (Ok(""), Ok("")));
    assert_eq!(sh(&now, r#"printf %s "${KEY1-unset},${KEY2-unset}""#), ",");
}

#[test]
fn d1_one_final_newline_is_left_out_and_nothing_else() {
    let odd = [
        ("PERCENT", "50% of %s %d\n"),
        ("LINES", "one\ntwo\r\n\n"),
        ("SPACE", "  a b\t"),
        ("QUOTES", r#"'"$HOME`x`\n"#),
    ];
    let (_dir, volume) = volume(&odd);
    let env = watch(volume.path()).load();
    assert_eq!(env.get("PERCENT"), Some("50% of %s %d"));
    assert_eq!(env.get("LINES"), Some("one\ntwo\r\n"));
    assert_eq!(env.get("SPACE"), Some("  a b\t"));
    assert_eq!(env.get("QUOTES"), Some(r#"'"$HOME`x`\n"#));
    // With or without it, it is the same value.
    let live = watch(volume.path());
    let mut plain = odd;
    plain[0].1 = plain[0].1.trim_end();
    volume.publish(&plain);
    assert_eq!(live.reload().unwrap(), 1);
    let all = r#"printf '%s|' "$PERCENT" "$LINES" "$SPACE" "$QUOTES""#;
    let expected = ["PERCENT", "LINES", "SPACE", "QUOTES"].map(|name| env.get(name).unwrap());
    assert_eq!(sh(&env, all), format!("{}|", expected.join("|")));
}

#[test]
fn d17_any_key_is_readable_by_its_name_and_a_child_gets_those_that_shells_can_name() {
    let keys = [
        ("log-level", "info"),
        ("config.yaml", "a: [broken"),
        (".hidden", "yes"),
        ("1ST", "one"),
        ("Log_Level", "debug"),
        ("LOG_LEVEL", "warn"),
        ("_OK9", "ok"),
    ];
    let (_dir, volume) = volume(&keys);
    let env = watch(volume.path()).load();
    for (name, value) in keys {
        assert_eq!(env.get(name), Some(value), "{name}");
        assert!(env.is_mounted(name) && env.names().any(|known| known == name));
    }
    // Names are just what they are.
    assert_eq!(env.get("loglevel"), None);
    assert_eq!(env.get("log_level"), None);
    let given: Vec<_> = env.envs().map(|(name, _)| name.to_str().unwrap()).collect();
    let expected = [
        "DB_PASSWORD",
        "KEY1",
        "KEY2",
        "LOG_LEVEL",
        "Log_Level",
        "PATH",
        "_OK9",
    ];
    assert_eq!(given, expected);
    let mounted: Vec<_> = env.mounted().collect();
    assert_eq!(mounted.len(), keys.len(), "{mounted:?}");
}

#[test]
fn e1_the_mount_that_was_added_last_wins_and_one_may_be_missing() {
    let dir = tempfile::tempdir().unwrap();
    let low = Volume::new(dir.path().join("low"), &[("KEY1", "low"), ("KEY3", "low")]);
    let env = EnvView::over(STARTED)
        .mount(low.not_secret())
        .mount(Mount::new(dir.path().join("high")).optional().not_secret())
        .watch()
        .unwrap();
    assert_eq!(env.get("KEY1").as_deref(), Some("low"));
    let _high = Volume::new(dir.path().join("high"), &[("KEY1", "high")]);
    eventually("the second mount", || {
        env.get("KEY1").as_deref() == Some("high")
    });
    assert_eq!(env.get("KEY3").as_deref(), Some("low"));
    let told = env.explain("KEY1").unwrap().to_string();
    assert!(
        told.contains("/high/KEY1:1:1") && told.contains("overrides low ("),
        "{told}"
    );
}

#[test]
fn a_mount_that_is_missing_at_the_start_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = EnvView::watch(dir.path().join("config")).unwrap_err();
    let told = lines(error.problems()).concat();
    assert!(told.contains("/config: no such directory"), "{told}");
}

#[test]
fn a2_two_keys_of_one_volume_are_never_of_two_versions() {
    let pair = |n: usize| {
        let value = format!("VAL{n}").repeat(n % 7 + 1);
        [("KEY1", value.clone()), ("KEY2", value)]
    };
    let (_dir, volume) = volume(&pair(0).each_ref().map(|(key, value)| (*key, &**value)));
    let env = watch(volume.path());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut seen = std::collections::BTreeSet::new();
                while !done.load(Ordering::Relaxed) {
                    let now = env.load();
                    assert_eq!(now.get("KEY1"), now.get("KEY2"));
                    env.with(|now| assert_eq!(now.get("KEY1"), now.get("KEY2")));
                    seen.insert(Snapshot::generation(&now));
                }
                seen.len()
            })
        });
        // A child is of one version, too.
        let child = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let told = sh(&env.load(), r#"[ "$KEY1" = "$KEY2" ] && printf same"#);
                assert_eq!(told, "same");
            }
        });
        for n in 1..=60 {
            let keys = pair(n);
            volume.publish(&keys.each_ref().map(|(key, value)| (*key, &**value)));
            eventually("a step", || env.get("KEY1").as_ref() == Some(&keys[0].1));
        }
        done.store(true, Ordering::Relaxed);
        let seen = readers.map(|reader| reader.join().unwrap());
        child.join().unwrap();
        assert!(seen.iter().all(|seen| *seen > 1), "{seen:?}");
    });
}

#[test]
fn d4_d5_values_and_variables_that_are_no_text_are_unharmed() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config");
    fs::create_dir(&config).unwrap();
    fs::write(config.join("BYTES"), b"\xff\xfe\n").unwrap();
    fs::write(config.join("ZERO"), b"a\0b").unwrap();
    let name = OsString::from_vec(b"NAME\xff".to_vec());
    let inherited = OsString::from_vec(b"v\xff\n".to_vec());
    let started = [
        (name.clone(), inherited.clone()),
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("ZERO".into(), "old".into()),
    ];
    let env = EnvView::over(started).mount(config).once().unwrap();
    assert_eq!(env.get("BYTES"), None);
    assert_eq!(env.get_os("BYTES"), Some(OsStr::from_bytes(b"\xff\xfe")));
    let refused = env.var("BYTES").unwrap_err();
    assert_eq!(refused.to_string(), "the variable `BYTES` is not UTF-8");
    assert_eq!(env.get("ZERO"), Some("a\0b"));
    assert_eq!(env.get_os(&name), Some(&*inherited));
    // What no variable can hold is not given, nor an older value in its place.
    let mut command = Command::new("env");
    env.apply(&mut command);
    let output = command.arg("-0").output().unwrap();
    let mut told: Vec<_> = output.stdout.split(|byte| *byte == 0).collect();
    told.sort_unstable();
    let expected: [&[u8]; 4] = [
        b"",
        b"BYTES=\xff\xfe",
        b"NAME\xff=v\xff\n",
        b"PATH=/usr/bin:/bin",
    ];
    assert_eq!(told, expected);
}

#[test]
fn e2_the_process_s_environment_is_seen_and_never_written() {
    const TEST: &str = "e2_the_process_s_environment_is_seen_and_never_written";
    if !is_child() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        run_as_child(TEST, command.env("KEY1", "VAL1").env("ONLY", "process"));
        return;
    }
    let (_dir, volume) = volume(&[("KEY1", "NEW_VAL1"), ("KEY2", "NEW_VAL2")]);
    let env = EnvView::watch(volume.path()).unwrap();
    assert_eq!(env.get("ONLY").as_deref(), Some("process"));
    assert_eq!(env.get("KEY1").as_deref(), Some("NEW_VAL1"));
    assert_eq!(env.load().inherited("KEY1"), Some(OsStr::new("VAL1")));
    assert_eq!(std::env::var("KEY1").as_deref(), Ok("VAL1"));
    assert!(std::env::var("KEY2").is_err());
    // What was set for the child before gives way, what is set after is added.
    let mut command = Command::new("sh");
    command.env("BEFORE", "x");
    env.load().apply(&mut command);
    let script = r#"printf %s "${BEFORE-none} $AFTER $KEY1 $KEY2 $ONLY""#;
    let output = command
        .env("AFTER", "y")
        .args(["-c", script])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told, "none y NEW_VAL1 NEW_VAL2 process");
}

#[test]
fn h1_the_process_s_own_variables_and_secret_mounts_are_shown_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let config = Volume::new(dir.path().join("config"), &[("KEY1", "NEW_VAL1")]);
    let creds = Volume::new(dir.path().join("creds"), &[("TOKEN", "t0ps3cret")]);
    let env = EnvView::over(STARTED)
        .mount(config.not_secret())
        .mount(Mount::new(creds.path()).secret())
        .watch()
        .unwrap();
    assert_eq!(env.get("DB_PASSWORD").as_deref(), Some("hunter2"));
    assert_eq!(env.get("TOKEN").as_deref(), Some("t0ps3cret"));
    config.publish(&[("KEY1", "NEW_VAL1"), ("KEY3", "VAL3")]);
    eventually("a change", || env.get("KEY3").is_some());
    let pages = [
        format!("{env:?}"),
        format!("{:?}", env.status()),
        serde_json::to_string(&env.status()).unwrap(),
        format!("{:?}", env.explain_all()),
        format!("{:?}", env.load().var("DB_PASSWORD_").unwrap_err()),
    ];
    for page in &pages {
        for hidden in ["hunter2", "t0ps3cret", "PATH", "VAL2"] {
            assert!(!page.contains(hidden), "{hidden}: {page}");
        }
    }
    assert!(pages[0].contains("NEW_VAL1"), "{}", pages[0]);
    assert!(env.explain("DB_PASSWORD").is_none());
    assert!(!pages[3].contains("DB_PASSWORD"), "{}", pages[3]);
    assert!(
        env.explain("TOKEN")
            .unwrap()
            .to_string()
            .starts_with("TOKEN = [redacted] ")
    );
}

#[test]
fn e10_two_views_of_one_process_know_nothing_of_each_other() {
    let (_dir, one) = volume(&[("KEY1", "one")]);
    let (_dir2, two) = volume(&[("KEY1", "two")]);
    let first = EnvView::over([("A", "1")])
        .mount(one.not_secret())
        .watch()
        .unwrap();
    let second = EnvView::over([("A", "2")])
        .mount(two.not_secret())
        .watch()
        .unwrap();
    one.publish(&[("KEY1", "three")]);
    eventually("its own change", || {
        first.get("KEY1").as_deref() == Some("three")
    });
    assert_eq!(second.get("KEY1").as_deref(), Some("two"));
    assert_eq!(
        (first.get("A"), second.get("A")),
        (Some("1".into()), Some("2".into()))
    );
}

#[test]
fn a_value_set_by_code_is_a_variable_too() {
    let (_dir, volume) = volume(&[("KEY1", "NEW_VAL1")]);
    let env = watch(volume.path());
    env.set("KEY1", "by.code").unwrap();
    env.set("a.b", "dots").unwrap();
    assert_eq!(env.get("KEY1").as_deref(), Some("by.code"));
    assert_eq!(env.get("a.b").as_deref(), Some("dots"));
    env.unset("KEY1").unwrap();
    assert_eq!(env.get("KEY1").as_deref(), Some("NEW_VAL1"));
}

#[test]
fn h3_a_password_in_a_mounted_url_is_not_in_what_debug_shows() {
    let (_dir, volume) = volume(&[("DB", "postgres://u:hunter2@h\n")]);
    let live = watch(volume.path());
    let shown = format!("{:?}", live.load());
    assert!(shown.contains("postgres://u:[redacted]@h"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_keys_of_a_closure_are_variables_as_those_of_a_volume_are() {
    let keys = [("KEY1", "VAL1\n"), ("config.yaml", "a: b\n")];
    let store = source::from_fn("store", move || Ok::<_, Infallible>(keys));
    let env = EnvView::over(STARTED).source(store).once().unwrap();
    assert_eq!(env.get("KEY1"), Some("VAL1"));
    assert_eq!(env.get("config.yaml"), Some("a: b"));
    assert!(!env.is_mounted("a"));
}
