//! Values that their types refuse, in every way in.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use retune::source::{self, Env, File, Mount};
use retune::{ByteSize, Error, Retune, Secret};

use super::marks::Marks;
use super::ways::{Leaf, Login};

/// Nothing of it is text.
#[derive(Debug, Retune)]
#[allow(dead_code)]
pub(crate) struct Wrong {
    #[retune(default = 1)]
    integer: Secret<u16>,
    #[retune(default = 1, range = 1..10)]
    ranged: Secret<u64>,
    #[retune(default = 1.0)]
    float: Secret<f64>,
    #[retune(default)]
    boolean: Secret<bool>,
    #[retune(default = "a")]
    character: Secret<char>,
    #[retune(default = "1s")]
    duration: Secret<Duration>,
    #[retune(default = "1MiB")]
    size: Secret<ByteSize>,
    #[retune(default = "1.1.1.1:1")]
    address: Secret<SocketAddr>,
    #[retune(default = "http://h")]
    url: Secret<url::Url>,
    #[retune(default = "one")]
    choice: Secret<Choice>,
    #[retune(default = "[]")]
    list: Secret<Vec<u16>>,
    #[retune(default = "{}")]
    map: Secret<BTreeMap<String, u16>>,
    #[retune(default)]
    nested: Option<Secret<Login>>,
    #[retune(default = "[]")]
    list_of: Vec<Secret<u16>>,
    #[retune(default = "{}")]
    map_of: BTreeMap<String, Secret<u16>>,
    #[retune(serde, default)]
    leaf: Option<Secret<Leaf>>,
    #[retune(serde, default)]
    shape: Secret<BTreeMap<String, u16>>,
    #[retune(from_str, default = "1")]
    parsed: Secret<Picky>,
}

/// The same from a source that is secret as a whole.
#[derive(Debug, Retune)]
#[allow(dead_code)]
pub(crate) struct WrongPlain {
    #[retune(default = 1)]
    integer: u16,
    #[retune(default)]
    boolean: bool,
    #[retune(default = "1s")]
    duration: Duration,
    #[retune(default = "http://h")]
    url: url::Url,
    #[retune(default = "one")]
    choice: Choice,
    #[retune(default = "[]")]
    list: Vec<u16>,
    #[retune(default = "{}")]
    map: BTreeMap<String, u16>,
    #[retune(serde, default)]
    shape: BTreeMap<String, u16>,
    #[retune(from_str, default = "1")]
    parsed: Picky,
    #[retune(default = "none", validate = refuses)]
    text: String,
}

#[derive(Debug, Retune)]
#[allow(dead_code)]
pub(crate) enum Choice {
    One,
    Two(Secret<u16>),
}

#[derive(Debug)]
pub(crate) struct Picky;

impl FromStr for Picky {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1" => Ok(Self),
            _ => Err(format!("unexpected {text:?} in {text}")),
        }
    }
}

fn refuses(text: &str) -> Result<(), String> {
    match text {
        "none" => Ok(()),
        _ => Err(format!(
            "{text} and {text:?}, whose length is {}",
            text.len()
        )),
    }
}

const FIELDS: &[&str] = &[
    "integer",
    "ranged",
    "float",
    "boolean",
    "character",
    "duration",
    "size",
    "address",
    "url",
    "choice",
    "list",
    "map",
    "nested",
    "list-of",
    "map-of",
    "leaf",
    "shape",
    "parsed",
    "text",
];

/// All that an error shows.
fn told(error: &Error) -> String {
    let mut all = format!(
        "{error} {error:?} {error:#?} {} {}",
        error.report(true),
        error.report(false)
    );
    for problem in error.problems() {
        _ = write!(
            all,
            "\n{problem} {problem:?} {problem:#?} {:?} {}",
            problem.excerpt(),
            serde_json::to_string(problem).expect("JSON")
        );
    }
    all
}

/// What is said of each wrong value.
pub(crate) fn errors(dir: &Path, marks: &Marks) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let word = &marks.word;
    let values = [
        word.clone(),
        marks.hard.clone(),
        marks.number.to_string(),
        format!("[{word}]"),
        format!("{{\"{word}\": \"{word}\"}}"),
        format!("{{Two: {word}}}"),
        format!("{{of: {word}}}"),
        format!("[{word}"),
        format!("http://u:{word}@h:port/"),
    ];
    for (i, value) in values.iter().enumerate() {
        // A name in a plain map is no secret, although its value is.
        let is_named = |field: &&&str| value.starts_with("{\"") && **field == "map-of";
        for field in FIELDS.iter().filter(|field| !is_named(field)) {
            for way in WAYS {
                let errors = [
                    one::<Wrong>(dir, field, value, way, false),
                    one::<WrongPlain>(dir, field, value, way, true),
                ];
                let told = errors.iter().flatten().map(told).collect::<Vec<_>>();
                all.push((format!("value {i} {field} {way}"), told.join("\n")));
            }
        }
    }
    for (i, (name, content)) in broken(marks).iter().enumerate() {
        let path = dir.join(name);
        fs::write(&path, content).expect("written");
        let secret = || WrongPlain::loader().file(File::new(&path).secret());
        let told = match (secret().watch(), secret().strict().once()) {
            (Ok(live), Err(strict)) => format!("{:?} {}", live.status().warnings, told(&strict)),
            (Ok(live), Ok(_)) => format!("{:?}", live.status().warnings),
            (Err(error), _) => told(&error),
        };
        all.push((format!("document {i} {name}"), told));
    }
    all
}

const WAYS: &[&str] = &[
    "variable",
    "file",
    "closure",
    "mount",
    "code",
    "yaml",
    "bare.yaml",
    "toml",
    "json",
    "env",
];

/// What is said of one value that is given in one way, by a source that is `secret`.
fn one<T: Retune>(dir: &Path, field: &str, value: &str, way: &str, secret: bool) -> Option<Error> {
    let quoted = serde_json::to_string(value).expect("JSON");
    let name = field.replace('-', "_").to_uppercase();
    let path = dir.join("value");
    fs::write(&path, value).expect("written");
    let env = |pair: (String, String)| {
        let env = Env::from_iter("APP", [pair]);
        if secret { env.secret() } else { env }
    };
    let document = |content: String| {
        let path = dir.join(format!("document.{way}"));
        fs::write(&path, content).expect("written");
        let file = File::new(path);
        T::loader().file(if secret { file.secret() } else { file })
    };
    let loader = match way {
        "variable" => T::loader().env(env((format!("APP_{name}"), value.to_owned()))),
        "file" => T::loader().env(env((
            format!("APP_{name}_FILE"),
            path.display().to_string(),
        ))),
        "closure" => {
            let pair = (field.to_owned(), value.to_owned());
            let closure = source::from_fn("store", move || Ok::<_, String>([pair.clone()]));
            T::loader().source(if secret { closure.secret() } else { closure })
        }
        "mount" => {
            let volume = dir.join("keys");
            _ = fs::remove_dir_all(&volume);
            fs::create_dir(&volume).expect("made");
            fs::write(volume.join(field), value).expect("written");
            let mount = Mount::new(&volume);
            T::loader().mount(if secret { mount.secret() } else { mount })
        }
        // Code is no source that could be secret.
        "code" if secret => return None,
        "code" => T::loader().set(field, value),
        "yaml" => document(format!("{field}: {quoted}\n")),
        "bare.yaml" => document(format!("{field}: {value}\n")),
        "toml" => document(format!("{field} = '''{value}'''\n")),
        "json" => document(format!("{{\"{field}\": {quoted}}}")),
        _ => document(format!("{name}='{value}'\n")),
    };
    loader.once().err()
}

/// Documents that cannot be read, or hold names that nobody knows.
fn broken(marks: &Marks) -> Vec<(&'static str, String)> {
    let Marks { word, hard, .. } = marks;
    vec![
        ("1.yaml", format!("text: \"{word}")),
        ("2.yaml", format!("{word}: 1\n{word}: 2")),
        ("3.yaml", format!("text: {word}: {word}")),
        ("4.yaml", format!("text: *{word}")),
        ("5.yaml", format!("text: !{word} {word}")),
        ("6.yaml", format!("  {word}\n {hard}\n: x")),
        (
            "7.yaml",
            format!("{word}: 1\nmap: {{{word}: {word}, {word}: {word}}}"),
        ),
        ("8.yaml", word.clone()),
        ("9.yaml", format!("%{word}\n---\n&{word} a: 1")),
        ("1.toml", format!("text = {word}")),
        ("2.toml", format!("text = \"{word}")),
        ("3.toml", format!("{word} = 1\n{word} = 2")),
        ("4.toml", format!("[{word}\ntext = 1")),
        ("5.toml", format!("text = \"\\q{word}\"")),
        ("6.toml", format!("map = {{{word} = 1, {word} = 2}}")),
        ("7.toml", format!("[{word}]\n[{word}]\n{word}.{word} = 1")),
        ("1.json", format!("{{\"text\": {word}}}")),
        ("2.json", format!("{{\"text\": \"{word}")),
        ("3.json", format!("{{\"{word}\": 1, \"{word}\": 2}}")),
        ("4.json", format!("{{\"text\": \"\\q{word}\"}}")),
        ("5.json", format!("{{\"text\" {word}}}")),
        ("1.env", format!("TEXT=\"{word}")),
        ("2.env", format!("{word}=1\n{word}=2")),
        ("3.env", word.clone()),
        ("4.env", format!("TEXT=\"\\q{word}\"")),
        ("5.env", format!("{word} {word}=1")),
        ("6.env", format!("TEXT='a'{word}")),
    ]
}
