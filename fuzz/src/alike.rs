//! One value as YAML, JSON and TOML.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Map, Value};

use crate::three_ways::decode_alike;

/// Names that fields have, so that values reach them.
const NAMES: [&str; 20] = [
    "text",
    "switch",
    "letter",
    "port",
    "wide",
    "gap",
    "ratio",
    "timeout",
    "buffer",
    "listen",
    "digits",
    "words",
    "nested-list",
    "weights",
    "places",
    "inner",
    "host",
    "deep-number",
    "store",
    "key",
];
const TEXTS: [&str; 10] = [
    "",
    "a",
    "no",
    "5",
    "30s",
    "64Mi",
    "[a, b]",
    "a=1, b=2",
    "{host: x}",
    "info",
];

/// A value made of the bytes.
pub fn alike(data: &[u8]) {
    let mut bytes = Unstructured::new(data);
    if let Ok(top) = map(&mut bytes, 0)
        && let Err(told) = decode_alike(&top)
    {
        panic!("{told}");
    }
}

fn map(bytes: &mut Unstructured<'_>, depth: usize) -> Result<Map<String, Value>> {
    let mut map = Map::new();
    for _ in 0..bytes.int_in_range(0..=6)? {
        let key = match bytes.ratio(4, 5)? {
            true => (*bytes.choose(&NAMES)?).to_owned(),
            // A longer one is no key in YAML, by some thousand characters with escapes.
            false => bytes.arbitrary::<String>()?.chars().take(80).collect(),
        };
        map.insert(key, value(bytes, depth + 1)?);
    }
    Ok(map)
}

fn value(bytes: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    let deepest = if depth > 5 { 4 } else { 6 };
    Ok(match bytes.int_in_range(0..=deepest)? {
        0 => Value::from(bytes.arbitrary::<bool>()?),
        1 => Value::from(bytes.arbitrary::<i64>()?),
        2 => Value::from(bytes.arbitrary::<i8>()?),
        // What is no number in JSON is `null` here, and 1 is as good.
        3 => match Value::from(bytes.arbitrary::<f64>()?) {
            Value::Null => Value::from(1),
            number => number,
        },
        4 => match bytes.ratio(2, 3)? {
            true => Value::from(*bytes.choose(&TEXTS)?),
            false => Value::from(bytes.arbitrary::<String>()?),
        },
        5 => {
            let items = 0..bytes.int_in_range(0..=4)?;
            items
                .map(|_| value(bytes, depth + 1))
                .collect::<Result<_>>()?
        }
        _ => Value::Object(map(bytes, depth)?),
    })
}
