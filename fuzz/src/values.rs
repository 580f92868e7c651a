//! The grammars of values.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use retune::source::Env;
use retune::{ByteSize, Retune};

use crate::told::hold;

#[derive(Debug, Default, Retune)]
#[expect(dead_code, reason = "some are only decoded")]
struct Values {
    duration: Option<Duration>,
    size: Option<ByteSize>,
    small: Option<i8>,
    whole: Option<i64>,
    large: Option<u128>,
    float: Option<f64>,
    single: Option<f32>,
    switch: Option<bool>,
    letter: Option<char>,
    ip: Option<IpAddr>,
    address: Option<SocketAddr>,
    words: Option<Vec<String>>,
    numbers: Option<Vec<u16>>,
    map: Option<BTreeMap<String, String>>,
    lists: Option<Vec<Vec<String>>>,
    url: Option<url::Url>,
    pattern: Option<regex::Regex>,
}

const NAMES: [&str; 17] = [
    "DURATION", "SIZE", "SMALL", "WHOLE", "LARGE", "FLOAT", "SINGLE", "SWITCH", "LETTER", "IP",
    "ADDRESS", "WORDS", "NUMBERS", "MAP", "LISTS", "URL", "PATTERN",
];

/// A text as a value of every type; the types that it is one of are held to what they are.
pub fn values(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for name in NAMES {
        if let Some(values) = read(name, text) {
            again(&values);
            as_others(text, &values);
        }
    }
}

fn read(name: &str, text: &str) -> Option<Values> {
    let env = Env::from_iter("", [(name, text)]).without_files();
    match Values::loader().env(env).once() {
        Ok(values) => Some(values),
        Err(error) => {
            hold(&error);
            None
        }
    }
}

/// What is written is read as what it was.
fn again(values: &Values) {
    let reread = |name: &str, text: &str| {
        read(name, text).unwrap_or_else(|| panic!("{name} does not take {text:?} again"))
    };
    if let Some(duration) = values.duration {
        let (seconds, below) = (duration.as_secs(), duration.subsec_nanos());
        let decimal = format!("{seconds}.{below:09}s");
        assert_eq!(reread("DURATION", &decimal).duration, Some(duration));
        let units = format!("{seconds}s {below}ns");
        assert_eq!(reread("DURATION", &units).duration, Some(duration));
    }
    if let Some(size) = values.size {
        assert_eq!(reread("SIZE", &size.to_string()).size, Some(size));
        let bytes = size.bytes().to_string();
        assert_eq!(reread("SIZE", &bytes).size, Some(size));
    }
    if let Some(whole) = values.whole {
        assert_eq!(reread("WHOLE", &whole.to_string()).whole, Some(whole));
    }
    if let Some(large) = values.large {
        assert_eq!(reread("LARGE", &format!("{large:#x}")).large, Some(large));
    }
    if let Some(float) = values.float {
        assert_eq!(reread("FLOAT", &format!("{float:?}")).float, Some(float));
    }
    // What YAML calls not printable is refused in brackets, and JSON does not escape all of it.
    let no_control = |text: &str| {
        !text
            .contains(|c: char| c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}'))
    };
    // And a key of that many characters is none.
    let is_key = |key: &str| no_control(key) && key.len() < 500;
    if let Some(words) = &values.words
        && words.iter().all(|word| no_control(word))
    {
        let quoted = serde_json::to_string(words).expect("texts are JSON");
        assert_eq!(reread("WORDS", &quoted).words.as_ref(), Some(words));
        if !words.is_empty() && words.iter().all(|word| is_bare(word)) {
            assert_eq!(
                reread("WORDS", &words.join(", ")).words.as_ref(),
                Some(words)
            );
        }
    }
    if let Some(map) = &values.map
        && map
            .iter()
            .all(|(key, text)| is_key(key) && no_control(text))
    {
        let quoted = serde_json::to_string(map).expect("texts are JSON");
        assert_eq!(reread("MAP", &quoted).map.as_ref(), Some(map));
    }
    if let Some(numbers) = &values.numbers {
        let quoted = serde_json::to_string(numbers).expect("numbers are JSON");
        assert_eq!(reread("NUMBERS", &quoted).numbers.as_ref(), Some(numbers));
    }
}

/// Where the standard library, or the crate that the type is of, reads the same text, it reads the same.
fn as_others(text: &str, values: &Values) {
    let text = text.trim();
    if let (Some(ours), Ok(theirs)) = (values.whole, text.parse::<i64>()) {
        assert_eq!(ours, theirs);
    }
    if let (Some(ours), Ok(theirs)) = (values.large, text.parse::<u128>()) {
        assert_eq!(ours, theirs);
    }
    if let (Some(ours), Ok(theirs)) = (values.float, text.parse::<f64>()) {
        assert_eq!(ours, theirs);
    }
    if let Some(single) = values.single {
        assert!(single.is_finite());
    }
    if let Some(ours) = values.ip {
        assert_eq!(Ok(ours), text.parse());
    }
    if let Some(ours) = values.address {
        assert_eq!(Ok(ours), text.parse());
    }
    if let Some(ours) = &values.url {
        assert_eq!(Ok(ours), url::Url::parse(text).as_ref());
    }
}

/// Needs no quotes in a list.
fn is_bare(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    !word.is_empty() && word.chars().all(plain)
}
