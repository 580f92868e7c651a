//! Values by every way in: a key of a volume, a document, a variable, code.

mod support;

use std::fmt::Debug;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use retune::source::Env;
use retune::{ByteSize, Error, Loader, Retune, Secret};
use support::Volume;

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
    T::loader().mount(volume.path()).once().map(T::x)
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
    let wrong = variable::<Numbers>("1, x, 3").unwrap_err();
    assert_eq!(wrong.problems()[0].path(), "x[1]");
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
