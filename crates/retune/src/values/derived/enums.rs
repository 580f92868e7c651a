//! Enums, with and without content.

use super::super::testing::{decode, env, file, list, map, refusal, scalar};
use super::leaves::Url;
use crate::schema::Shape;
use crate::{Node, Retune, Secret, Value};

#[derive(Clone, Copy, Debug, Default, PartialEq, Retune)]
pub(super) enum Level {
    Debug,
    #[default]
    Info,
    #[retune(alias = "warning", deprecated = "careful")]
    Warn,
    #[retune(rename = "critical")]
    Fatal,
    NotAtAll,
}

#[test]
fn d11_names_of_variants_in_any_case() {
    for (text, level) in [
        ("warn", Level::Warn),
        ("WARN", Level::Warn),
        ("Warning", Level::Warn),
        ("careful", Level::Warn),
        ("critical", Level::Fatal),
        ("not-at-all", Level::NotAtAll),
        ("NotAtAll", Level::NotAtAll),
        ("not_at_all", Level::NotAtAll),
        (" info ", Level::Info),
    ] {
        assert_eq!(decode::<Level>(env(text)).unwrap(), level, "{text}");
        assert_eq!(
            decode::<Level>(scalar(text, true)).unwrap(),
            level,
            "{text}"
        );
    }
    assert_eq!(decode::<Level>(file("warn\n")).unwrap(), Level::Warn);
    assert_eq!(
        decode::<Level>(map([("warn", Node::null())])).unwrap(),
        Level::Warn
    );
}

#[test]
fn d11_a_misspelt_variant_is_told_the_right_one() {
    assert_eq!(
        refusal::<Level>(file("wran\n")),
        "/etc/app/x:1:1: expected one of `debug`, `info`, `warn`, `critical`, `not-at-all`, \
         found \"wran\" (did you mean `warn`?)"
    );
    assert!(!refusal::<Level>(env("fatal")).contains("did you mean"));
    assert!(refusal::<Level>(env("")).contains("expected one of"));
    assert!(refusal::<Level>(list([])).contains("found a list"));
    let secret = refusal::<Secret<Level>>(env("wran"));
    assert!(
        !secret.contains("wran") && !secret.contains("mean"),
        "{secret}"
    );
}

/// Where sessions are kept.
#[derive(Debug, PartialEq, Retune)]
enum Backend {
    None,
    /// On a disk.
    File {
        /// The directory.
        path: std::path::PathBuf,
        #[retune(default = "1MiB")]
        limit: crate::ByteSize,
    },
    Redis(#[retune(from_str)] Url),
    Shards(Vec<String>),
    Memory {
        #[retune(default = 16)]
        entries: usize,
    },
}

#[test]
fn variants_with_content_are_maps_of_one_key() {
    assert_eq!(decode::<Backend>(env("none")).unwrap(), Backend::None);
    let path = map([("path", env("/tmp"))]);
    let limit = crate::ByteSize::new(1 << 20);
    assert_eq!(
        decode::<Backend>(map([("FILE", path)])).unwrap(),
        Backend::File {
            path: "/tmp".into(),
            limit
        }
    );
    assert_eq!(
        decode::<Backend>(map([("redis", env("redis://db"))])).unwrap(),
        Backend::Redis(Url("redis://db".into()))
    );
    assert_eq!(
        decode::<Backend>(map([("shards", env("a,b"))])).unwrap(),
        Backend::Shards(vec!["a".into(), "b".into()])
    );
    assert_eq!(
        decode::<Backend>(env("memory")).unwrap(),
        Backend::Memory { entries: 16 }
    );
}

#[test]
fn wrong_content_of_a_variant_is_told_with_its_path() {
    let problems = |node| decode::<Backend>(node).unwrap_err();
    let missing = problems(map([("file", map([("limit", env("x"))]))]));
    assert_eq!(
        (missing[0].path(), missing[1].path()),
        ("file.path", "file.limit")
    );
    assert_eq!(problems(env("file"))[0].path(), "file.path");
    assert!(
        refusal::<Backend>(env("redis")).contains("`redis` needs a valid `Url` (write `redis: …`)")
    );
    let none = refusal::<Backend>(map([("none", env("x"))]));
    assert!(none.contains("`none` has no content"), "{none}");
    let two = refusal::<Backend>(map([("file", map([])), ("redis", env("x"))]));
    assert!(
        two.contains("only one of them may be given: file, redis"),
        "{two}"
    );
    assert!(refusal::<Backend>(map([("fiel", env("x"))])).contains("did you mean `file`?"));
    assert!(refusal::<Backend>(map([("redis", env("db"))])).contains("no scheme"));
}

#[test]
fn the_table_of_an_enum_names_its_variants() {
    let Shape::Choice(variants) = Backend::SHAPE else {
        panic!("no choice")
    };
    let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
    assert_eq!(names, ["none", "file", "redis", "shards", "memory"]);
    assert_eq!(variants[1].docs, "On a disk.");
    let Some(Shape::Struct(file)) = variants[1].content else {
        panic!("no fields")
    };
    assert_eq!(
        (file.name, file.fields[0].docs),
        ("Backend::File", "The directory.")
    );
}
