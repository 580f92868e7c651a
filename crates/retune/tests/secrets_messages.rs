//! Secrets in the `Debug` of sources and in messages that the program's own code writes.

mod support;

use std::collections::BTreeMap;

use retune::source::{Env, Mount};
use retune::{Live, Retune, Secret};
use support::Volume;

const VARIABLES: [(&str, &str); 2] = [("APP_TOKEN", "hunter2"), ("OTHER_PASSWORD", "swordfish")];

#[test]
fn h1_the_debug_of_an_environment_names_its_prefix_and_no_value() {
    let shown = format!("{:?}", Env::from_iter("APP", VARIABLES));
    assert!(shown.contains("APP"), "{shown}");
    for word in ["hunter2", "swordfish"] {
        assert!(!shown.contains(word), "{shown}");
    }
}

/// A check that quotes whatever it is given.
fn quotes(config: &Config) -> Result<(), String> {
    let (short, long) = (config.short.expose(), config.long.expose());
    Err(format!("{long} and {long:?}; {short}"))
}

#[derive(Debug, Retune)]
#[retune(validate = quotes)]
struct Config {
    short: Secret<String>,
    long: Secret<String>,
    #[retune(default = "{}")]
    #[allow(dead_code)]
    keys: Secret<BTreeMap<String, u8>>,
}

fn refusal(short: &str, long: &str, keys: &str) -> String {
    let variables = [("SHORT", short), ("LONG", long), ("KEYS", keys)];
    let loaded = Config::loader().env(Env::from_iter("", variables)).once();
    loaded.unwrap_err().to_string()
}

#[test]
fn h1_a_secret_that_another_begins_with_leaves_no_rest_in_a_message() {
    // In whichever order the two are met.
    for (short, long) in [
        ("hunter2", "hunter2-swordfish"),
        ("hunter2-swordfish", "hunter2"),
    ] {
        let told = refusal(short, long, "");
        assert!(told.contains("[redacted] and"), "{told}");
        assert!(!told.contains("swordfish"), "{told}");
    }
}

#[test]
fn h1_a_secret_with_quotes_and_line_breaks_is_struck_as_debug_writes_it() {
    let told = refusal("12345", "it's \"hunter2\"\nor swordfish", "");
    assert!(
        !told.contains("hunter2") && !told.contains("swordfish"),
        "{told}"
    );
}

#[test]
fn h1_a_broken_text_for_a_secret_map_does_not_tell_its_keys() {
    let told = refusal("12345", "67890", "{hunter2: 1, hunter2: 2}");
    assert!(!told.contains("hunter2"), "{told}");
    let told = refusal("12345", "67890", "hunter2=1, hunter2=2");
    assert!(!told.contains("hunter2"), "{told}");
    assert!(told.contains("given twice"), "{told}");
}

#[derive(Debug, PartialEq, Retune)]
struct Labels {
    #[retune(default = "{}")]
    labels: BTreeMap<String, u8>,
}

#[test]
fn d16_a_key_that_a_text_gives_twice_is_refused_as_in_a_document() {
    for text in ["a=1, b=2, a=3", "{a: 1, b: 2, a: 3}"] {
        let told = Labels::loader().set("labels", text).once().unwrap_err();
        assert!(told.to_string().contains("given twice"), "{told}");
    }
}

#[test]
fn h1_where_a_secret_stops_being_text_is_not_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("short"), b"hunter2\xff").unwrap();
    std::fs::write(dir.path().join("long"), "12345").unwrap();
    let told = Config::loader()
        .mount(dir.path())
        .once()
        .unwrap_err()
        .to_string();
    assert!(told.contains("not UTF-8"), "{told}");
    assert!(!told.contains("byte 7"), "{told}");
}

/// A byte's number would tell how long what stands before it is.
#[test]
fn h1_where_a_document_stops_being_text_is_told_by_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.env");
    let refusal = |short: &str| {
        std::fs::write(&file, [short.as_bytes(), b"\nLONG=\xff\n"].concat()).unwrap();
        let refused = Config::loader().file(&*file).once().unwrap_err();
        refused.to_string()
    };
    let told = refusal("SHORT=hunter2");
    assert!(told.contains("not UTF-8 in line 2"), "{told}");
    assert_eq!(told, refusal("SHORT=swordfish"));
}

/// Refused, it panics when it is dropped.
#[derive(Debug, Retune)]
struct Bomb {
    #[retune(default = 0)]
    n: u32,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.n != 13, "dropped 13");
    }
}

#[test]
fn c9_a_refused_value_whose_drop_panics_is_refused_and_not_kept() {
    let live: Live<Bomb> = Bomb::loader().watch().unwrap();
    let _gate = live.gate(|bomb| if bomb.n == 13 { Err("unlucky") } else { Ok(()) });
    let told = live.set("n", "13").unwrap_err().to_string();
    assert!(told.contains("unlucky"), "{told}");
    assert_eq!(live.reload().unwrap(), 1);
    assert_eq!(live.set("n", "14").unwrap(), 2);
}

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Login {
    #[retune(deprecated = "passwd")]
    pass_word: Option<Secret<String>>,
    #[retune(default = 80)]
    port: u16,
}

#[test]
fn h1_a_key_of_a_volume_that_is_misspelt_deprecated_or_given_twice_is_named_without_its_value() {
    let directory = tempfile::tempdir().unwrap();
    for (i, [one, other]) in [
        [("pass-word", "hunter2"), ("pass.word", "hunter2")],
        [("pasword", "hunter2"), ("port", "x")],
        [("passwd", "hunter2"), ("port", "x")],
    ]
    .into_iter()
    .enumerate()
    {
        let volume = Volume::new(directory.path().join(i.to_string()), &[one, other]);
        for mount in [volume.not_secret(), Mount::new(volume.path()).secret()] {
            let error = Login::loader().mount(mount).once().unwrap_err();
            let told = format!("{error} {}", error.report(false));
            assert!(told.contains(one.0), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
