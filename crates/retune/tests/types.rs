//! Every type that a value commonly has, as it is, as an `Option` and in a list: from each source, to its
//! limits, unchanged, changed, and refused.
#![cfg(all(feature = "clap", feature = "regex", feature = "url", feature = "yaml"))]
// The numbers are those of konfig's own table.
#![allow(dead_code, clippy::approx_constant)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::regex::Regex;
use ::url::Url;
use retune::source::Env;
use retune::{Error, Retune};
use support::{Volume, eventually, rejection};

/// A configuration of one value.
trait One: Retune + Debug {
    /// The value, as its `Debug`: a regular expression cannot be compared.
    fn shown(&self) -> String;
}

/// What is expected of one type; of a slice, its texts are lists.
struct Case {
    /// Two texts, and what they mean.
    texts: [String; 2],
    values: [String; 2],
    /// What is refused, with a part of the reason; the paths that are blamed.
    refused: Vec<(String, String)>,
    blamed: &'static str,
}

macro_rules! one {
    ($name:ident: $ty:ty $(, default = $default:expr)?) => {
        #[derive(Debug, Retune)]
        struct $name {
            $(#[retune(default = $default)])?
            x: $ty,
        }

        impl One for $name {
            fn shown(&self) -> String {
                format!("{:?}", self.x)
            }
        }
    };
}

/// For each type two texts with what they mean, and what it refuses with a part of the reason.
macro_rules! types {
    ($($module:ident: $ty:ident in $list:ident,
        $first:literal => $first_value:expr, $second:literal => $second_value:expr,
        refuses [$($refused:expr => $reason:expr),*];)*) => {
        $(mod $module {
            use super::*;

            one!(Scalar: $ty, default = $first);
            one!(Pointer: Option<$ty>, default = $first);
            one!(Nothing: Option<$ty>);
one!(Slice: $list<$ty>, default = values().into_iter().collect());

            fn values() -> [$ty; 2] {
                [$first_value, $second_value]
            }

            fn refused() -> Vec<(String, String)> {
                vec![$(($refused.to_string(), $reason.to_string())),*]
            }

            fn scalar() -> Case {
                Case {
                    texts: [$first.to_owned(), $second.to_owned()],
                    values: values().map(|value| format!("{value:?}")),
                    refused: refused(),
                    blamed: "x",
                }
            }

            fn pointer() -> Case {
                Case { values: values().map(|value| format!("{:?}", Some(value))), ..scalar() }
            }

            fn slice() -> Case {
                let [_, second] = values();
                let all: $list<$ty> = values().into_iter().collect();
                let one: $list<$ty> = [second].into_iter().collect();
                Case {
                    // In brackets and quotes: a regular expression may begin with a bracket and hold a
                    // comma.
                    texts: [
                        concat!("['", $first, "', '", $second, "']").to_owned(),
                        concat!("['", $second, "']").to_owned(),
                    ],
                    values: [format!("{all:?}"), format!("{one:?}")],
                    refused: refused()
                        .into_iter()
                        .map(|(text, reason)| (format!("['{}', '{text}']", $first), reason))
                        .collect(),
                    blamed: "x[1]",
                }
            }

            #[test]
            fn d7_d8_d9_d10_from_each_source() {
                from_each_source::<Scalar>(&scalar());
                from_each_source::<Pointer>(&pointer());
                from_each_source::<Slice>(&slice());
                assert_eq!(Nothing::loader().once().unwrap().shown(), "None");
            }

            #[test]
            fn d7_d8_d10_d19_what_it_does_not_take_is_refused_from_each_source() {
                refused_from_each_source::<Scalar>(&scalar());
                refused_from_each_source::<Pointer>(&pointer());
                refused_from_each_source::<Slice>(&slice());
            }

            #[test]
            fn a6_d19_f2_g5_unchanged_changed_and_refused_while_it_is_followed() {
                followed::<Scalar>(&scalar());
                followed::<Pointer>(&pointer());
                followed::<Slice>(&slice());
            }
        })*

        #[test]
        fn d7_every_type_has_its_cases() {
            assert_eq!([$(stringify!($module)),*].len(), 17);
        }
    };
}

/// An integer: its limits, and the first numbers beyond them.
macro_rules! integer {
    ($ty:ty) => {
        [
            (i128::from(<$ty>::MAX) + 1).to_string(),
            (i128::from(<$ty>::MIN) - 1).to_string(),
        ]
    };
}

fn beyond(range: &str) -> String {
    format!("expected a whole number, {range}, found")
}

types! {
    string: String in Vec, "hello" => "hello".to_owned(), "a, b" => "a, b".to_owned(), refuses [];
    bool: bool in Vec, "true" => true, "off" => false, refuses ["maybe" => "`true` or `false`"];
    float32: f32 in Vec, "3.1415" => 3.1415, "-3.4028235e38" => f32::MIN,
        refuses ["3.5e38" => "too large for 32 bits", "x" => "a number such as", "1._5" => "`_`"];
    float64: f64 in Vec, "3.14159265359" => 3.14159265359, "1.7976931348623157e308" => f64::MAX,
        refuses ["1.8e308" => "must be finite", "NaN" => "must be finite", "x" => "a number such as"];
    int: isize in Vec, "-9223372036854775808" => isize::MIN, "9223372036854775807" => isize::MAX,
        refuses [
            integer!(i64)[0] => beyond("-9223372036854775808 to 9223372036854775807"),
            integer!(i64)[1] => beyond("-9223372036854775808 to 9223372036854775807")
        ];
    int8: i8 in Vec, "-128" => i8::MIN, "127" => i8::MAX,
        refuses [integer!(i8)[0] => beyond("-128 to 127"), integer!(i8)[1] => beyond("-128 to 127")];
    int16: i16 in Vec, "-32768" => i16::MIN, "32767" => i16::MAX,
        refuses [
            integer!(i16)[0] => beyond("-32768 to 32767"),
            integer!(i16)[1] => beyond("-32768 to 32767")
        ];
    int32: i32 in Vec, "-2147483648" => i32::MIN, "2147483647" => i32::MAX,
        refuses [
            integer!(i32)[0] => beyond("-2147483648 to 2147483647"),
            integer!(i32)[1] => beyond("-2147483648 to 2147483647")
        ];
    int64: i64 in Vec, "-9223372036854775808" => i64::MIN, "9223372036854775807" => i64::MAX,
        refuses [
            integer!(i64)[0] => beyond("-9223372036854775808 to 9223372036854775807"),
            integer!(i64)[1] => beyond("-9223372036854775808 to 9223372036854775807")
        ];
    uint: usize in Vec, "0" => usize::MIN, "18446744073709551615" => usize::MAX,
        refuses [
            integer!(u64)[0] => beyond("0 to 18446744073709551615"),
            integer!(u64)[1] => beyond("0 to 18446744073709551615")
        ];
    uint8: u8 in BTreeSet, "0" => u8::MIN, "255" => u8::MAX,
        refuses [integer!(u8)[0] => beyond("0 to 255"), integer!(u8)[1] => beyond("0 to 255")];
    uint16: u16 in Vec, "0" => u16::MIN, "65535" => u16::MAX,
        refuses [integer!(u16)[0] => beyond("0 to 65535"), integer!(u16)[1] => beyond("0 to 65535")];
    uint32: u32 in Vec, "0" => u32::MIN, "4294967295" => u32::MAX,
        refuses [
            integer!(u32)[0] => beyond("0 to 4294967295"),
            integer!(u32)[1] => beyond("0 to 4294967295")
        ];
    uint64: u64 in Vec, "0" => u64::MIN, "18446744073709551615" => u64::MAX,
        refuses [
            integer!(u64)[0] => beyond("0 to 18446744073709551615"),
            integer!(u64)[1] => beyond("0 to 18446744073709551615")
        ];
    an_url: Url in Vec, "service-1:8080" => Url::parse("service-1:8080").unwrap(),
        "http://service-2:8080/path?a=b,c" => Url::parse("http://service-2:8080/path?a=b,c").unwrap(),
        refuses ["service-1" => "no scheme such as", "http://h:65536" => "invalid port number"];
    a_regex: Regex in Vec, "[[:digit:]]" => Regex::new("[[:digit:]]").unwrap(),
        "^a{1,2}$" => Regex::new("^a{1,2}$").unwrap(),
        refuses ["[[:digit:]" => "unclosed character class", "a)" => "unopened group"];
    duration: Duration in Vec, "1s" => Duration::from_secs(1),
        "18446744073709551615.999999999s" => Duration::MAX,
        refuses ["18446744073709551616s" => "too long", "-1s" => "not negative", "1" => "its unit"];
}

one!(Bytes: Vec<u8>, default = vec![0, 255]);

/// So that a list of small numbers is a set, in the table.
#[test]
fn d4_d7_a_list_of_u8_is_bytes_and_only_a_document_s_list_is_numbers() {
    for (source, loaded) in by_each_source::<Bytes>("[0, 255]") {
        if ["a flag", "a variable", "a document", "a key", "code"].contains(&source) {
            assert_eq!(loaded.unwrap(), format!("{:?}", b"[0, 255]"), "{source}");
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.yaml");
    fs::write(&file, "x: [0, 255]").unwrap();
    let load = || Bytes::loader().file(&*file).once();
    assert_eq!(load().unwrap().shown(), "[0, 255]");
    fs::write(&file, "x: [0, 256]").unwrap();
    assert!(load().unwrap_err().to_string().contains("0 to 255"));
}

/// Loads from each source alone, with the source's name and what came of it.
fn by_each_source<T: One>(text: &str) -> Vec<(&'static str, Result<String, Error>)> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let write = |name: &str, content: String| {
        fs::write(path(name), content).unwrap();
        path(name)
    };
    let indirect = write("x", format!("{text}\n"));
    let quoted = text.replace('\'', "''");
    let quoted = write("quoted.yaml", format!("x: '{quoted}'\n"));
    let block = write("block.yaml", format!("x: |\n  {text}\n"));
    let volume = Volume::new(path("volume"), &[("x", text)]);
    let with_newline = Volume::new(path("newline"), &[("x", &format!("{text}\n"))]);
    let variable = Env::from_iter("APP", [("APP_X", text)]);
    let variable_file = Env::from_iter("APP", [("APP_X_FILE", indirect)]);
    let sources = [
        (
            "a flag",
            T::loader().args(["app".to_owned(), format!("--x={text}")]),
        ),
        ("a variable", T::loader().env(variable)),
        ("a variable's file", T::loader().env(variable_file)),
        ("a document", T::loader().file(&*quoted)),
        (
            "a document's list, or block",
            match text.starts_with("['") {
                true => T::loader().file(&*write("list.yaml", format!("x: {text}\n"))),
                false => T::loader().file(&*block),
            },
        ),
        ("a key", T::loader().mount(volume.not_secret())),
        (
            "a key with a newline",
            T::loader().mount(with_newline.not_secret()),
        ),
        ("code", T::loader().set("x", text)),
    ];
    let load = |(name, loader): (&'static str, retune::Loader<T>)| {
        (name, loader.once().map(|config| config.shown()))
    };
    sources.into_iter().map(load).collect()
}

fn from_each_source<T: One>(case: &Case) {
    for (text, value) in case.texts.iter().zip(&case.values) {
        for (source, loaded) in by_each_source::<T>(text) {
            let is_string = value.contains(&format!("{text:?}"));
            let kept = match source == "a document's list, or block" && is_string {
                // A string of a block has the newline that stands there.
                true => value
                    .replace('"', "")
                    .replace(text, &format!("{:?}", format!("{text}\n"))),
                false => value.clone(),
            };
            assert_eq!(loaded.unwrap(), kept, "{text} by {source}");
        }
    }
    assert_eq!(
        T::loader().once().unwrap().shown(),
        case.values[0],
        "by default"
    );
}

fn refused_from_each_source<T: One>(case: &Case) {
    for (text, reason) in &case.refused {
        for (source, loaded) in by_each_source::<T>(text) {
            let error = loaded.unwrap_err();
            let [problem] = error.problems() else {
                panic!("{error}")
            };
            assert_eq!(problem.path(), case.blamed, "{text} by {source}");
            assert!(problem.origin().is_some(), "{text} by {source}: {error}");
            let told = problem.to_string();
            assert!(told.contains(reason.as_str()), "{text} by {source}: {told}");
            assert!(!told.contains('\n'), "{text} by {source}: {told}");
        }
    }
}

fn followed<T: One>(case: &Case) {
    let directory = tempfile::tempdir().unwrap();
    let [first, second] = &case.texts;
    let volume = Volume::new(directory.path().join("v"), &[("x", first)]);
    let live = T::loader().mount(volume.not_secret()).watch().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let _subscription = live.subscribe(move |change| {
        let old = change.old().map(|old| old.shown());
        tell.lock().unwrap().push((old, change.new_value().shown()));
    });
    eventually("the first note", || told.lock().unwrap().len() == 1);

    volume.publish(&[("x", first), ("unknown", "1")]);
    assert_eq!(live.reload().unwrap(), 1, "the same content");

    for (text, reason) in &case.refused {
        volume.publish(&[("x", text)]);
        assert!(live.reload().is_err(), "{text}");
        let problems = rejection(&live);
        assert!(problems[0].contains(reason.as_str()), "{problems:?}");
        assert_eq!(live.load().shown(), case.values[0], "kept");
    }

    volume.publish(&[("x", second)]);
    assert_eq!(live.reload().unwrap(), 2);
    assert_eq!(live.load().shown(), case.values[1]);
    eventually("the second note", || told.lock().unwrap().len() == 2);
    let [before, after] = case.values.clone();
    let expected = [(None, before.clone()), (Some(before), after)];
    assert_eq!(*told.lock().unwrap(), expected);
}
