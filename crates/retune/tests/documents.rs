//! Group D: what an edit of a document does to lists, types and values that it only writes anew.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;

use retune::{Live, Retune, Secret};
use support::{Notes, Volume, eventually, until_rejected};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    port: u16,
    #[retune(default = "")]
    names: Vec<String>,
}

#[test]
fn d19_a_value_whose_type_an_edit_changes_is_refused_and_the_old_one_kept() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("c.yaml", "port: 80")]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    for (text, found) in [
        ("port: [80]", "a list"),
        ("port: {http: 80}", "a map"),
        ("port: http", "\"http\""),
    ] {
        volume.publish(&[("c.yaml", text)]);
        let told = || live.reload().unwrap_err().to_string();
        assert!(told().contains(found), "{}", told());
        assert_eq!(until_rejected(&live).len(), 1);
        assert_eq!(live.load().port, 80);
    }
    assert_eq!(live.status().generation, 1);
}

#[test]
fn d20_a_list_made_shorter_has_no_tail_of_the_old_one() {
    let dir = tempdir().unwrap();
    let base = dir.path().join("base.yaml");
    std::fs::write(&base, "port: 80\nnames: [x, y, z, zz]").unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("c.yaml", "names: [a, b, c]")]);
    let live = Config::loader()
        .file(&*base)
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    assert_eq!(live.load().names, ["a", "b", "c"]);
    volume.publish(&[("c.yaml", "names: [b]")]);
    eventually("one name", || live.with(|c| c.names == ["b"]));
    volume.publish(&[("c.yaml", "names: []")]);
    eventually("no name", || live.with(|c| c.names.is_empty()));
}

#[test]
fn d18_null_in_a_document_clears_what_lower_sources_say_of_a_list_a_map_a_struct_and_an_option() {
    #[derive(Debug, Retune)]
    struct Cleared {
        #[retune(default = "a")]
        names: Vec<String>,
        #[retune(default)]
        labels: BTreeMap<String, u8>,
        limits: Limits,
        extra: Option<String>,
    }
    #[derive(Debug, Retune)]
    struct Limits {
        #[retune(default = 1)]
        low: u8,
        #[retune(default = 9)]
        high: u8,
    }
    let dir = tempdir().unwrap();
    let base = dir.path().join("base.yaml");
    let given = "names: [x, y]\nlabels: {k: 1}\nlimits: {low: 2, high: 3}\nextra: e\n";
    std::fs::write(&base, given).unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("c.yaml", "{}")]);
    let loader = Cleared::loader().file(&*base).mount(volume.not_secret());
    let live = loader.watch().unwrap();
    live.with(|c| assert_eq!((c.limits.low, c.limits.high), (2, 3)));
    volume.publish(&[("c.yaml", "{names: ~, labels: null, limits: null, extra: ~}")]);
    eventually("cleared", || live.with(|c| c.extra.is_none()));
    live.with(|c| {
        assert_eq!((&*c.names, c.labels.len()), (&["a".to_owned()][..], 0));
        assert_eq!((c.limits.low, c.limits.high), (1, 9));
    });
    // Gone, what is below holds again.
    volume.publish(&[("c.yaml", "{}")]);
    eventually("given again", || live.with(|c| c.names == ["x", "y"]));
    live.with(|c| assert_eq!((c.labels["k"], c.limits.low), (1, 2)));
    assert_eq!(live.load().extra.as_deref(), Some("e"));
}

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Writings {
    #[retune(default = "")]
    text: String,
    token: Option<Secret<String>>,
    #[retune(default = "low")]
    level: Level,
    #[retune(default)]
    names: Vec<String>,
    #[retune(default = "")]
    bytes: Vec<u8>,
    #[retune(default = "", raw)]
    raw: String,
    #[retune(serde)]
    any: Option<serde_json::Value>,
}

#[derive(Debug, PartialEq, Retune)]
enum Level {
    Low,
    High,
}

/// The generation after each of some contents of a volume.
fn generations(live: &Live<Writings>, volume: &Volume, contents: &[(&str, &str)]) -> Vec<u64> {
    let publish = |(key, text): &(&str, &str)| {
        volume.publish(&[(key, text)]);
        live.reload().unwrap()
    };
    contents.iter().map(publish).collect()
}

#[test]
fn a6_d12_the_same_value_in_another_writing_is_no_new_generation() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("text", "")]);
    let live = Writings::loader()
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| (c.text.clone(), c.names.len(), c.bytes.len()));
    let document = |text| ("c.yaml", text);
    for contents in [
        &[
            document("text: on"),
            document("text: 'on'"),
            document("text: |-\n  on\n"),
            ("text", "on"),
            ("text", "on\n"),
            ("text", "\u{feff}on\r\n"),
        ][..],
        &[("token", "on"), ("token", "on\n"), document("token: 'on'")],
        &[
            document("level: high"),
            document("level: 'high'"),
            ("level", "high\n"),
            ("level", "high"),
        ],
        &[
            document("names: [a, b]"),
            document("names: ['a', b]"),
            document("names: 'a, b'"),
            ("names", "a,b\n"),
            ("names", "a\nb"),
        ],
        &[
            document("bytes: ab"),
            document("bytes: 'ab'"),
            ("bytes", "ab"),
        ],
        &[("raw", "on\n"), document("raw: \"on\\n\"")],
    ] {
        let before = live.status().generation;
        let generations = generations(&live, &volume, contents);
        assert_eq!(
            generations,
            vec![before + 1; contents.len()],
            "{contents:?}"
        );
    }
    assert_eq!(live.load().raw, "on\n");
    live.set("text", "end").unwrap();
    notes.until_last(("end".to_owned(), 0, 0));
    assert!(
        notes.all().windows(2).all(|two| two[0].0 < two[1].0),
        "{:?}",
        notes.all()
    );
}

#[test]
fn a6_d12_another_value_in_a_like_writing_is_a_new_generation() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("text", "")]);
    let live = Writings::loader()
        .mount(volume.not_secret())
        .watch()
        .unwrap();
    for contents in [
        &[
            ("text", "on"),
            ("text", "on\n\n"),
            ("text", "on \n"),
            ("c.yaml", "text: ON"),
        ][..],
        // What is taken as it is, is another with a newline.
        &[("bytes", "on"), ("bytes", "on\n")],
        &[("raw", "on"), ("raw", "on\n")],
        // Where the type takes anything, quotes tell text from numbers.
        &[("c.yaml", "any: 5"), ("c.yaml", "any: '5'")],
    ] {
        let before = live.status().generation;
        let wanted: Vec<_> = (before + 1..).take(contents.len()).collect();
        assert_eq!(
            generations(&live, &volume, contents),
            wanted,
            "{contents:?}"
        );
    }
    assert_eq!(live.load().any, Some(serde_json::json!("5")));
}
