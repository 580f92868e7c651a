//! Values by every way in: a key of a volume, a document, a variable, code.

mod support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use retune::source::{Env, Mount};
use retune::{ByteSize, Error, Loader, Retune, Secret};
use retune_mount::Publisher;
use support::{Volume, eventually, until_rejected};

/// A struct with one field `x` of a type.
macro_rules! one {
    ($name:ident: $ty:ty) => {
        #[derive(Debug, Retune)]
        struct $name {
            x: $ty,
        }

        impl One for $name {
            type Field = $ty;

            fn x(self) -> $ty {
                self.x
            }
        }
    };
}

macro_rules! raw {
    ($name:ident: $ty:ty) => {
        #[derive(Debug, Retune)]
        struct $name {
            #[retune(raw)]
            x: $ty,
        }

        impl One for $name {
            type Field = $ty;

            fn x(self) -> $ty {
                self.x
            }
        }
    };
}

trait One: Retune + Debug {
    type Field;
    fn x(self) -> Self::Field;
}

one!(Text: String);
one!(Maybe: Option<String>);
one!(Bytes: Vec<u8>);
one!(Port: u16);
one!(Flag: bool);
one!(Wait: Duration);
one!(Size: ByteSize);
one!(Address: IpAddr);
one!(Path: PathBuf);
one!(Words: Vec<String>);
one!(Numbers: Vec<u16>);
one!(Hidden: Secret<String>);
one!(HiddenPort: Secret<u16>);
one!(Table: BTreeMap<String, String>);
one!(Whole: Nested);
raw!(Raw: String);
raw!(RawHidden: Secret<String>);

#[derive(Debug, PartialEq, Retune)]
struct Nested {
    #[retune(raw)]
    raw: String,
    plain: String,
}

fn variable<T: One>(text: &str) -> Result<T::Field, Error> {
    T::loader()
        .env(Env::from_iter("APP", [("APP_X", text)]))
        .once()
        .map(T::x)
}

fn document<T: One>(yaml: &str) -> Result<T::Field, Error> {
    with_file(yaml, |file| T::loader().file(file))
}

fn key<T: One>(content: &str) -> Result<T::Field, Error> {
    let directory = tempfile::tempdir().unwrap();
    let volume = Volume::new(directory.path().join("volume"), &[("x", content)]);
    T::loader().mount(volume.not_secret()).once().map(T::x)
}

fn with_file<T: One>(
    content: &str,
    loader: impl FnOnce(&std::path::Path) -> Loader<T>,
) -> Result<T::Field, Error> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.yaml");
    fs::write(&file, content).unwrap();
    loader(&file).once().map(T::x)
}

/// The same value from a variable, a document, quoted in a document, a key, and code.
fn everywhere<T: One>(text: &str) -> T::Field
where
    T::Field: PartialEq + Debug,
{
    let value = variable::<T>(text).unwrap();
    assert_eq!(
        document::<T>(&format!("x: {text}")).unwrap(),
        value,
        "plain in a document"
    );
    assert_eq!(
        document::<T>(&format!("x: '{text}'")).unwrap(),
        value,
        "quoted in a document"
    );
    assert_eq!(key::<T>(text).unwrap(), value, "a key");
    assert_eq!(
        key::<T>(&format!("{text}\n")).unwrap(),
        value,
        "a key with a final newline"
    );
    assert_eq!(
        T::loader().set("x", text).once().unwrap().x(),
        value,
        "code"
    );
    value
}

#[test]
fn d1_d7_d8_d10_a_value_is_written_alike_everywhere() {
    assert_eq!(everywhere::<Port>("8080"), 8080);
    assert_eq!(everywhere::<Port>("0x1F90"), 8080);
    assert_eq!(everywhere::<Port>("8_080"), 8080);
    assert!(everywhere::<Flag>("true"));
    assert!(!everywhere::<Flag>("off"));
    assert_eq!(everywhere::<Wait>("1h30m"), Duration::from_secs(5400));
    assert_eq!(everywhere::<Size>("64Mi").bytes(), 64 << 20);
    assert_eq!(
        everywhere::<Address>("10.0.0.1"),
        IpAddr::from([10, 0, 0, 1])
    );
    assert_eq!(everywhere::<Path>("/etc/app"), PathBuf::from("/etc/app"));
    assert_eq!(everywhere::<Words>("a, b,"), ["a", "b"]);
    assert_eq!(everywhere::<Numbers>("[1, 2]"), [1, 2]);
}

#[test]
fn d12_text_stays_text_everywhere() {
    for text in ["no", "on", "1e3", "012", "0x10", "1.10", "2026-11-20"] {
        assert_eq!(everywhere::<Text>(text), text);
    }
}

#[test]
fn d2_secrets_lose_one_final_newline_and_bytes_keep_all() {
    assert_eq!(key::<Hidden>("s3cr3t\n").unwrap().expose(), "s3cr3t");
    assert_eq!(key::<Hidden>("s3cr3t\n\n").unwrap().expose(), "s3cr3t\n");
    assert_eq!(
        key::<Bytes>("-----END KEY-----\n").unwrap(),
        b"-----END KEY-----\n"
    );
}

#[test]
fn d2_a_raw_text_and_a_key_in_pem_are_kept_to_the_byte() {
    let pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\n";
    assert_eq!(key::<RawHidden>(pem).unwrap().expose(), pem);
    assert_eq!(key::<Raw>("\u{feff}a\r\n").unwrap(), "\u{feff}a\r\n");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    fs::write(&file, pem).unwrap();
    let by_variable = Env::from_iter("APP", [("APP_X_FILE", file)]);
    let secret = RawHidden::loader().env(by_variable).once().unwrap().x;
    assert_eq!(secret.expose(), pem);
    // Whatever stands beside it.
    let keys = [("x.raw", "a\n"), ("x.plain", "a\n")];
    let volume = Volume::new(directory.path().join("v"), &keys);
    let Whole { x: nested } = Whole::loader().mount(volume.not_secret()).once().unwrap();
    assert_eq!((&*nested.raw, &*nested.plain), ("a\n", "a"));
}

#[test]
fn d4_a_key_that_stops_being_text_is_named_with_the_offset_and_the_old_value_kept() {
    let directory = tempfile::tempdir().unwrap();
    let volume = Publisher::create(directory.path().join("v")).unwrap();
    let publish = |bytes: &[u8]| {
        let keys = BTreeMap::from([(PathBuf::from("x"), bytes.to_vec())]);
        volume.publish(&keys).unwrap();
    };
    publish(b"ab");
    let text = Text::loader()
        .mount(Mount::new(directory.path().join("v")).not_secret())
        .watch()
        .unwrap();
    let bytes = Bytes::loader()
        .mount(Mount::new(directory.path().join("v")).not_secret())
        .watch()
        .unwrap();
    publish(b"ab\xff\xfe");
    let problems = until_rejected(&text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("/v/x:1:1: `x`: not UTF-8 at byte 2, where text is expected"),
        "{problems:?}"
    );
    assert_eq!(text.load().x, "ab");
    eventually("as bytes it is good", || {
        bytes.with(|c| c.x == b"ab\xff\xfe")
    });
}

#[test]
fn d3_a_byte_order_mark_and_crlf_of_a_key() {
    assert_eq!(key::<Text>("\u{feff}a\r\nb\r\n").unwrap(), "a\nb");
    assert_eq!(key::<Port>("\u{feff}80\r\n").unwrap(), 80);
    assert_eq!(
        key::<Bytes>("\u{feff}\r\n").unwrap(),
        "\u{feff}\r\n".as_bytes()
    );
}

#[test]
fn d6_an_empty_value_is_not_an_absent_one() {
    assert_eq!(variable::<Text>("").unwrap(), "");
    assert_eq!(variable::<Maybe>("").unwrap(), Some(String::new()));
    assert_eq!(key::<Maybe>("").unwrap(), Some(String::new()));
    assert_eq!(document::<Maybe>("x: ''").unwrap(), Some(String::new()));
    assert_eq!(document::<Maybe>("{}").unwrap(), None);
    let missing = document::<Text>("{}").unwrap_err();
    assert!(
        missing.problems()[0].message().contains("missing"),
        "{missing}"
    );
    assert!(
        variable::<Port>("").unwrap_err().problems()[0]
            .message()
            .contains("found \"\"")
    );
}

#[test]
fn d9_lists() {
    assert_eq!(variable::<Words>("").unwrap(), [""; 0]);
    assert_eq!(document::<Words>("x: []").unwrap(), [""; 0]);
    assert_eq!(document::<Words>("x: ['a,b', c]").unwrap(), ["a,b", "c"]);
    assert_eq!(variable::<Words>("['a,b', c]").unwrap(), ["a,b", "c"]);
    assert_eq!(key::<Words>("a\nb\n").unwrap(), ["a", "b"]);
    for json in ["[\"a,b\", \"c\"]", "[\n  \"a,b\",\n  \"c\"\n]"] {
        assert_eq!(variable::<Words>(json).unwrap(), ["a,b", "c"]);
        assert_eq!(key::<Words>(&format!("{json}\n")).unwrap(), ["a,b", "c"]);
    }
    assert_eq!(variable::<Words>("[]").unwrap(), [""; 0]);
    assert_eq!(key::<Words>("\n").unwrap(), [""; 0]);
    let wrong = variable::<Numbers>("1, x, 3").unwrap_err();
    assert_eq!(wrong.problems()[0].path(), "x[1]");
}

#[test]
fn d10_a_wrong_address_is_named_with_its_place_wherever_it_stands() {
    for (error, place) in [
        (variable::<Address>("localhost"), "APP_X: "),
        (document::<Address>("\nx: localhost"), "app.yaml:2:4: "),
        (key::<Address>("localhost\n"), "volume/x:1:1: "),
        (
            Address::loader().set("x", "localhost").once().map(One::x),
            "code at ",
        ),
    ] {
        let error = error.unwrap_err().problems()[0].to_string();
        assert!(error.contains(place), "{error}");
        assert!(
            error.contains(
                "`x`: expected an IP address such as `10.0.0.1` or `::1`, found \"localhost\""
            ),
            "{error}"
        );
    }
}

#[test]
fn d16_a_text_in_brackets_is_bounded_like_a_document() {
    let deep = "[".repeat(10_000);
    let laughs = |i| format!("&a{i} [{}]", format!("*a{}, ", i - 1).repeat(9));
    let bomb: Vec<_> = ["&a0 [lol, lol]".to_owned()]
        .into_iter()
        .chain((1..20).map(laughs))
        .collect();
    let bomb = format!("[{}]", bomb.join(", "));
    for (text, reason) in [
        (deep, "deeper than 128 levels"),
        (bomb, "repeat more than 100000 values"),
    ] {
        for error in [variable::<Words>(&text), key::<Words>(&text)] {
            let report = error.unwrap_err().report(false);
            assert!(report.contains(reason), "{report}");
            assert!(report.len() < 2_000, "{}", report.len());
        }
    }
}

#[test]
fn d17_the_longest_key_and_every_sign_that_a_key_may_have_are_taken() {
    // What the API server takes: letters, digits, `-`, `_`, `.`, up to 253 of them.
    let longest = format!("x.{}", "k".repeat(251));
    let keys = [(&*longest, "long"), ("x..k_8-s.", "signs")];
    let directory = tempfile::tempdir().unwrap();
    let volume = Volume::new(directory.path().join("v"), &keys);
    let live = Table::loader().mount(volume.not_secret()).watch().unwrap();
    let table = live.with(|c| c.x.clone());
    assert_eq!(table.len(), 2, "{table:?}");
    assert_eq!(
        (&*table[&longest[2..]], &*table[".k_8-s."]),
        ("long", "signs")
    );
    assert_eq!(support::warnings(&live), [""; 0]);
    // Signs in a field's name do not count.
    for name in [".x", "x-", "_X_"] {
        let volume = Volume::new(directory.path().join(name), &[(name, "80")]);
        assert_eq!(
            Port::loader().mount(volume.not_secret()).once().unwrap().x,
            80
        );
    }
}

#[test]
fn h1_h2_a_secret_is_in_no_message() {
    for error in [
        variable::<HiddenPort>("hunter2").unwrap_err(),
        document::<HiddenPort>("x: hunter2").unwrap_err(),
        document::<HiddenPort>("x: [hunter2]").unwrap_err(),
        document::<HiddenPort>("{x: {hunter2: hunter2}}").unwrap_err(),
        key::<HiddenPort>("hunter2\n").unwrap_err(),
    ] {
        let shown = format!(
            "{error} {error:?} {} {}",
            error.report(false),
            error.problems()[0]
        );
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
