//! Volumes for a type with every shape, at random: mostly right, often odd, sometimes wrong.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;

use proptest::prelude::*;

/// A name, as it may be written, with values.
type Values = (&'static str, &'static [&'static str]);

const RIGHT: &[Values] = &[
    ("text", &["a", "no", "1.10", "'5'", "true", "\"\""]),
    ("Text", &["b"]),
    ("switch", &["true", "no", "0", "ON", "'1'"]),
    ("toggle", &["false"]),
    ("letter", &["x", "'5'", "7", "µ"]),
    ("port", &["8080", "'9090'", "0x1F90", "1_024", "65535"]),
    ("PORT", &["2048"]),
    (
        "wide",
        &["-170141183460469231731687303715884105728", "5", "0b101"],
    ),
    (
        "large-number",
        &["340282366920938463463374607431768211455", "0"],
    ),
    ("gap", &["-128", "127", "1"]),
    ("ratio", &["0", "0.25", "'0.5'", "1e-3", ".5"]),
    ("timeout", &["30s", "0", "1h 30m", "'250ms'", "1.5s"]),
    ("buffer", &["512", "64Mi", "1.5 GiB", "10kB", "0.5"]),
    ("listen", &["127.0.0.1:80", "'[::1]:8080'"]),
    ("ip", &["'::1'", "10.0.0.1"]),
    ("ipv4", &["10.0.0.2", "' 10.0.0.3 '"]),
    ("path", &["/etc", "5", ""]),
    ("argument", &["--x", "true"]),
    ("blob", &["abc", "[1, 0xff]", "5"]),
    ("digits", &["[1, '2']", "1, 2", "'[3]'", "5", "[]", "''"]),
    ("words", &["[a, b]", "a, b", "true"]),
    (
        "nested-list",
        &[
            "[{host: x}, {HOST: y, deep-number: 3}]",
            "'[{host: z}]'",
            "[]",
        ],
    ),
    (
        "weights",
        &["{a: 1, B: '2'}", "a=1, b=2", "''", "'{c: 3}'", "{a: null}"],
    ),
    ("weights.x", &["3"]),
    ("places", &["{here: {host: x}, there: {}}", "{here: null}"]),
    ("maybe", &["7", "null", "'8'"]),
    ("maybe-inner", &["{host: x}", "null", "'{host: y}'"]),
    (
        "inner",
        &[
            "{host: a}",
            "{deepNumber: 9, on-its-own: yes}",
            "null",
            "{}",
        ],
    ),
    ("inner.host", &["b"]),
    ("inner.deep-number", &["4"]),
    ("innerHost", &["c"]),
    ("key", &["s3cr3t-value", "12345678"]),
    ("pin", &["1234", "null"]),
    ("hidden", &["[1, 2]", "3, 4"]),
    ("hidden-map", &["{secret-a: 1}", "secret-b=2"]),
    ("hidden-default", &["a", "[b]"]),
    ("turning-key", &["a", "{current: a, previous: b}", "null"]),
    ("turning-key.previous", &["b", "''"]),
    ("turning", &["2", "{Current: '3', PREVIOUS: null}", "null"]),
    ("turning.previous", &["4", ""]),
    ("turningCurrent", &["5"]),
    (
        "turning-inner",
        &[
            "{host: a}",
            "{deepNumber: 9, previous: {on-its-own: yes}}",
            "{current: {host: b}, previous: '{host: c}'}",
            "{previous: {host: d}}",
            "{}",
        ],
    ),
    ("turning-inner.previous.host", &["e"]),
    (
        "turning-store",
        &[
            "none",
            "{file: /x}",
            "{current: {sized: 5}, previous: none}",
            "{current: '{file: y}'}",
        ],
    ),
    (
        "level",
        &[
            "debug", "INFO", "warning", "o-f-f", "off", "' Warn '", "{info: }",
        ],
    ),
    ("Level", &["warn"]),
    (
        "store",
        &[
            "none",
            "{file: /x}",
            "{Sized: 5}",
            "{remote: {address: '1.2.3.4:5'}}",
            "{none: }",
            "'{file: y}'",
        ],
    ),
    ("by-itself", &["anything", "5"]),
    ("by-serde", &["{a: [1, null]}", "5", "null", "text"]),
    (
        "site",
        &[
            "https://example.org",
            "'http://u:s3cr3t-value@h/'",
            "' a:b '",
        ],
    ),
    ("pattern", &["'^v[0-9]+$'", "x", "5"]),
];

/// What is merely odd.
const ODD: &[Values] = &[
    ("txet", &["a"]),
    ("old-toggle", &["true"]),
    ("inner.hosst", &["x"]),
    ("unknown", &["{a: 1}"]),
    ("level", &["caution", "{caution: }"]),
];

const WRONG: &[Values] = &[
    ("port", &["80", "66000", "http", "[1]", "null", "''"]),
    ("text", &["[a]", "{a: b}", "null"]),
    ("gap", &["0", "128"]),
    ("timeout", &["30", "1 hour"]),
    ("digits", &["[1, 10]", "1, x", "{a: 1}", "'[1'"]),
    ("places", &["{here: {deep-number: x}}", "5", "{here: 5}"]),
    ("nested-list", &["[{host: null}]", "[x]", "'[{'"]),
    ("inner", &["5", "{host: a, HOST: b}", "{deep-number: 256}"]),
    (
        "site",
        &["example.org", "'http://u:s3cr3t-value@h:x'", "[a]"],
    ),
    ("pattern", &["'['", "'(x'"]),
    ("pin", &["pin-of-mine", "[1, 2]"]),
    (
        "turning-key",
        &[
            "[pin-of-mine]",
            "{previous: pin-of-mine}",
            "{current: a, x: b}",
        ],
    ),
    (
        "turning",
        &[
            "10",
            "{current: 1, previous: x}",
            "{current: 1, CURRENT: 2}",
        ],
    ),
    (
        "turning-inner",
        &[
            "5",
            "{host: a, current: {}}",
            "{previous: {deep-number: 256}}",
        ],
    ),
    (
        "turning-store",
        &["{previous: none}", "{current: none, previous: nun}"],
    ),
    ("hidden-map", &["{secret-a: x}", "secret-b"]),
    ("level", &["inof", "{info: x}", "[info]", "{}"]),
    (
        "store",
        &[
            "remote",
            "{remote: {}}",
            "{file: [1]}",
            "{none: 1}",
            "{file: a, sized: 1}",
            "nun",
            "{sized: x}",
        ],
    ),
];

/// `name: value`, right as a rule.
pub fn line() -> impl Strategy<Value = (String, String)> {
    let among = prop_oneof![8 => Just(RIGHT), 1 => Just(ODD), 1 => Just(WRONG)];
    let index = any::<prop::sample::Index>;
    (among, index(), index()).prop_map(|(among, which, value)| {
        let (name, values) = which.get(among);
        ((*name).to_owned(), (*value.get(values)).to_owned())
    })
}

/// A document: each name once, and sometimes not even YAML.
pub fn document() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec(line(), 0..8).prop_map(|lines| {
        let lines: BTreeMap<_, _> = lines.into_iter().collect();
        let lines = lines
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"));
        let lines: String = lines.collect();
        if lines.is_empty() {
            "{}".to_owned()
        } else {
            lines
        }
    });
    prop_oneof![
        30 => lines,
        1 => Just(String::new()),
        1 => Just("port: [".to_owned()),
        1 => Just("[]".to_owned()),
    ]
}

/// The keys of a volume. Most have what must be given.
pub fn volume() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let single = line().prop_map(|(name, value)| (name, value.into_bytes()));
    let binary = Just(("text".to_owned(), b"\xff\xfe".to_vec()));
    let key = prop_oneof![20 => single, 1 => binary];
    let given = prop::bool::weighted(0.8);
    (
        prop::collection::vec(key, 0..4),
        prop::option::of(document()),
        prop::option::weighted(0.2, document()),
        given,
    )
        .prop_map(|(keys, yaml, json_like, given)| {
            let mut volume = BTreeMap::new();
            if given {
                volume.insert(
                    "a.yaml".to_owned(),
                    b"text: a\nkey: s3cr3t-value\n".to_vec(),
                );
            }
            volume.extend(yaml.map(|text| ("b.yaml".to_owned(), text.into_bytes())));
            volume.extend(json_like.map(|text| ("c.yml".to_owned(), text.into_bytes())));
            volume.extend(keys);
            volume
        })
}
