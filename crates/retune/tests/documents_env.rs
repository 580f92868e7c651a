//! Group D: `.env` files, as files and as keys of a volume.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;

use retune::{Retune, Secret};
use support::{Volume, eventually, lines, until_ok, until_rejected, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = 80)]
    port: u16,
    #[retune(default = "none")]
    message: String,
    flags: Flags,
    #[retune(default = "")]
    names: Vec<String>,
    #[retune(default = "")]
    labels: BTreeMap<String, String>,
    #[retune(env = "PASSWORD_OF_DB")]
    password: Option<Secret<String>>,
}

#[derive(Debug, Retune)]
struct Flags {
    #[retune(default = false)]
    new_ui: bool,
}

#[test]
fn a_file_gives_flat_names_to_nested_fields_lists_and_maps() {
    let dir = tempdir().unwrap();
    let file = dir.path().join(".env");
    let content = "export PORT=9090\nFLAGS_NEW_UI=true\nnames=\"a, b\"\nlabels.tier=web\n\
                   labels.Zone='a $B'\nPASSWORD_OF_DB='hunter2 # $x'\n";
    std::fs::write(&file, content).unwrap();
    let live = Config::loader().file(&*file).watch().unwrap();
    let config = live.load();
    assert_eq!((config.port, config.flags.new_ui), (9090, true));
    assert_eq!(config.names, ["a", "b"]);
    assert_eq!(config.labels["tier"], "web");
    assert_eq!(config.labels["Zone"], "a $B");
    let password = config.password.as_ref().unwrap();
    assert_eq!(password.expose(), "hunter2 # $x");
    assert!(warnings(&live).is_empty(), "{:?}", warnings(&live));
    let explained = live.explain("flags.new_ui").unwrap().to_string();
    assert!(explained.contains(".env:2:14"), "{explained}");
    let explained = live.explain("password").unwrap().to_string();
    assert!(!explained.contains("hunter"), "{explained}");
}

#[test]
fn d6_a_key_of_a_volume_is_followed_and_an_empty_value_is_not_an_absent_one() {
    let dir = tempdir().unwrap();
    for key in [".env", "prod.env"] {
        let volume = Volume::new(dir.path().join(key), &[(key, "MESSAGE=a\nPORT=1\n")]);
        let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
        assert_eq!((live.load().port, &*live.load().message), (1, "a"));
        volume.publish(&[(key, "MESSAGE=\n")]);
        eventually("an empty message", || live.load().message.is_empty());
        assert_eq!(live.load().port, 80);
        volume.publish(&[(key, "MESSAGE=a\n"), ("message", "b")]);
        eventually("the single key wins", || live.load().message == "b");
        volume.publish(&[(key, "PORT=1")]);
        eventually("the default", || live.load().message == "none");
    }
}

#[test]
fn d4_d13_a_broken_file_is_refused_with_its_place_and_the_old_values_kept() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[(".env", "PORT=1\n")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    for (content, told) in [
        (
            "PORT=1\nPORT=2\n",
            ".env:2:1: the key `PORT` is given twice",
        ),
        ("PORT=1\nMESSAGE=\"x\n", ".env:2:9: the quote is not closed"),
        ("PORT=eighty\n", ".env:1:6: `port`: expected a whole number"),
        (
            "PORT=1\nport=2\n",
            "given twice by names that mean the same",
        ),
        ("", "the document is empty"),
    ] {
        volume.publish(&[(".env", content)]);
        eventually(told, || {
            support::rejection(&live)
                .iter()
                .any(|line| line.contains(told))
        });
        assert_eq!(live.load().port, 1);
        volume.publish(&[(".env", "PORT=1\n")]);
        until_ok(&live);
    }
    std::fs::write(dir.path().join("x.env"), b"PORT=1\nMESSAGE=\xff\n").unwrap();
    let loader = Config::loader().file(dir.path().join("x.env"));
    let error = loader.once().unwrap_err();
    let told = lines(error.problems());
    assert!(told[0].contains("x.env: not UTF-8 in line 2"), "{told:?}");
    volume.publish(&[(".env", "PORT 1\n")]);
    assert_eq!(until_rejected(&live).len(), 1);
}

#[test]
fn d14_an_unknown_name_is_a_warning_with_its_place_and_strict_refuses_it() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("x.env");
    std::fs::write(&file, "PORT=1\nFLAGS_NEW_IU=hunter2\nELSE=1\n").unwrap();
    let live = Config::loader().file(&*file).watch().unwrap();
    let status = live.status();
    let told = lines(&status.warnings);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("x.env:2:1: `FLAGS_NEW_IU`: unknown"),
        "{told:?}"
    );
    assert_eq!(
        status.warnings[0].help(),
        Some("did you mean `FLAGS_NEW_UI`?")
    );
    let error = Config::loader().file(&*file).strict().once().unwrap_err();
    assert_eq!(error.problems().len(), 2);
    let report = error.to_string();
    assert!(!report.contains("hunter"), "{report}");
}

#[test]
fn h2_a_secret_in_a_file_is_not_quoted_when_it_is_wrong() {
    #[derive(Debug, Retune)]
    struct Pin {
        #[retune(default = 0)]
        _other: u8,
        _pin: Secret<u16>,
    }
    let dir = tempdir().unwrap();
    let file = dir.path().join(".env");
    std::fs::write(&file, "PIN=hunter2\n").unwrap();
    let error = Pin::loader().file(&*file).once().unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(told.contains(".env") && !told.contains("hunter"), "{told}");
}

// Whoever writes a ConfigMap may write such a name; to try each of its dots anew would take hours.
#[test]
fn a_name_may_be_of_any_length_and_is_unknown() {
    let dir = tempdir().unwrap();
    let file = dir.path().join(".env");
    std::fs::write(&file, format!("{}=1\n", "a.".repeat(300_000))).unwrap();
    let live = Config::loader().file(&*file).watch().unwrap();
    assert_eq!(live.status().warnings.len(), 1);
}
