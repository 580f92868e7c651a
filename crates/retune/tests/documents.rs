//! Group D: what an edit of a document does to lists and types.
#![allow(missing_docs)]

mod support;

use retune::Retune;
use support::{Volume, eventually, until_rejected};
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
    let live = Config::loader().mount(volume.path()).watch().unwrap();
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
        .mount(volume.path())
        .watch()
        .unwrap();
    assert_eq!(live.load().names, ["a", "b", "c"]);
    volume.publish(&[("c.yaml", "names: [b]")]);
    eventually("one name", || live.with(|c| c.names == ["b"]));
    volume.publish(&[("c.yaml", "names: []")]);
    eventually("no name", || live.with(|c| c.names.is_empty()));
}
