//! Group D: what stands between the items of a text.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use retune::Retune;
use retune::source::Env;
use support::Volume;
use tempfile::tempdir;

fn file(dir: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[derive(Debug, Retune)]
struct Lists {
    #[retune(default = "x,y")]
    plain: Vec<String>,
    #[retune(default = "x;y", separator = ';')]
    own: Vec<String>,
    #[retune(default, separator = "|")]
    map: BTreeMap<String, Vec<u8>>,
    #[retune(default)]
    weights: BTreeMap<String, u32>,
    nested: Nested,
}

#[derive(Debug, Retune)]
struct Nested {
    #[retune(default)]
    plain: Vec<u32>,
    #[retune(default, separator = '/')]
    own: Vec<u32>,
}

#[test]
fn d9_a_separator_is_chosen_for_all_texts_and_a_field_s_own_comes_first() {
    let variables = [
        ("PLAIN", "a,1 : b:"),
        ("OWN", "a,1;b:2"),
        ("MAP", "a=x,y|b=z"),
        ("WEIGHTS", "a=1:b=2"),
        ("NESTED", "{plain: '1:2', own: 3/4}"),
    ];
    let env = || Env::from_iter("", variables);
    let lists = Lists::loader().separator(':').env(env()).once().unwrap();
    assert_eq!(lists.plain, ["a,1", "b"]);
    assert_eq!(lists.own, ["a,1", "b:2"]);
    assert_eq!(lists.map["a"], b"x,y");
    assert_eq!(lists.map["b"], b"z");
    assert_eq!(lists.weights.into_values().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        (&*lists.nested.plain, &*lists.nested.own),
        (&[1, 2][..], &[3, 4][..])
    );
    let lists = Lists::loader().env(env()).once().unwrap_err();
    assert!(lists.to_string().contains("WEIGHTS"), "{lists}");
}

#[test]
fn d9_defaults_brackets_and_lists_of_documents_are_not_concerned() {
    let lists = Lists::loader().separator(':').once().unwrap();
    assert_eq!(
        (&*lists.plain, &*lists.own),
        (
            &["x".to_owned(), "y".into()][..],
            &["x".to_owned(), "y".into()][..]
        )
    );
    let dir = tempdir().unwrap();
    let document = "plain: [a, 'b:c']\nown: 'd;e,f'\nnested: {plain: 1:2}\n";
    let lists = Lists::loader()
        .separator(':')
        .file(file(&dir, "c.yaml", document))
        .env(Env::from_iter("", [("OWN", "[g, h]")]));
    let lists = lists.once().unwrap();
    assert_eq!(
        (&*lists.plain, &*lists.own),
        (
            &["a".to_owned(), "b:c".into()][..],
            &["g".to_owned(), "h".into()][..]
        )
    );
    assert_eq!(
        lists.nested.plain,
        [1, 2],
        "a text for a list is one in a document as well"
    );
}

#[test]
fn d9_keys_of_volumes_dotenv_files_and_what_variables_name_are_split_by_it_too() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("plain", "a:b\nc\n"), (".env", "OWN=d;e\n")],
    );
    let loader = Lists::loader().separator(':').mount(volume.path());
    let lists = loader.once().unwrap();
    assert_eq!(
        (&*lists.plain.join("+"), &*lists.own.join("+")),
        ("a+b+c", "d+e")
    );
    let path = file(&dir, "plain", "f:g");
    let loader = Lists::loader()
        .separator(':')
        .env(Env::from_iter("APP", [("APP_PLAIN_FILE", &path)]));
    assert_eq!(loader.once().unwrap().plain, ["f", "g"]);
}

#[cfg(feature = "clap")]
#[test]
fn d9_flags_are_split_by_the_chosen_separator() {
    let args = ["app", "--plain", "a,1|b"];
    let lists = Lists::loader().args(args).separator('|').once().unwrap();
    assert_eq!(lists.plain, ["a,1", "b"]);
}
