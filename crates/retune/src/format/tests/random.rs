use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::*;

const FORMATS: [Format; 4] = [Format::Yaml, Format::Json, Format::Toml, Format::Env];

fn every_place(node: &Node, check: &mut impl FnMut(&Origin) -> TestCaseResult) -> TestCaseResult {
    check(&node.origin)?;
    match &node.value {
        NodeValue::List(items) => items.iter().try_for_each(|item| every_place(item, check)),
        NodeValue::Map(entries) => entries.iter().try_for_each(|entry| {
            check(&entry.key_origin)?;
            every_place(&entry.node, check)
        }),
        _ => Ok(()),
    }
}

/// Reads a text in every format; all that comes of it must lie in the text.
fn places_lie_in(content: &str) -> TestCaseResult {
    let text = text(content);
    for format in FORMATS {
        let mut check = |origin: &Origin| {
            let (content, range) = origin.span().expect("a place").source();
            prop_assert!(
                content.get(range.clone()).is_some(),
                "{format:?} {range:?} {content:?}"
            );
            Ok(())
        };
        match parse(format, &text) {
            Ok(node) => every_place(&node, &mut check)?,
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                problems
                    .iter()
                    .filter_map(Problem::origin)
                    .try_for_each(&mut check)?;
            }
        }
    }
    Ok(())
}

/// Text made of what documents are made of.
fn document() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            ": ",
            ":\n  ",
            "\n",
            "\n  ",
            "- ",
            "? ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            "'",
            "\"",
            "\\",
            "#",
            "|\n ",
            ">-\n ",
            "&a ",
            "*a",
            "<<: ",
            "!",
            "!!str ",
            "---\n",
            "...",
            "%",
            "@",
            "~",
            "null",
            "true",
            "\t",
            "\r\n",
            "\u{feff}",
            " = ",
            "=",
            "export ",
            " #",
            ".",
            "\"\"\"",
            "[[",
            "]]",
            "0x",
            "1e9",
            "-",
            "_",
            "\\u00e9",
            "1979-05-27",
        ])
        .prop_map(str::to_owned),
        "[a-c]{1,2}",
        "\\PC{1,2}",
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn same_as_json(node: &Node, value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (&node.value, value) {
        (NodeValue::Null, Value::Null) => true,
        (NodeValue::Text { text, quoted: true }, Value::String(value)) => **text == **value,
        (
            NodeValue::Text {
                text,
                quoted: false,
            },
            Value::Bool(_) | Value::Number(_),
        ) => **text == *value.to_string(),
        (NodeValue::List(items), Value::Array(values)) => {
            items.len() == values.len()
                && items
                    .iter()
                    .zip(values)
                    .all(|(item, value)| same_as_json(item, value))
        }
        (NodeValue::Map(entries), Value::Object(values)) => {
            entries.len() == values.len()
                && entries.iter().all(|entry| {
                    values
                        .get(&*entry.key)
                        .is_some_and(|value| same_as_json(&entry.node, value))
                })
        }
        _ => false,
    }
}

fn same_as_toml(node: &Node, value: &::toml::de::DeValue<'_>) -> bool {
    use ::toml::de::DeValue;
    match (&node.value, value) {
        (NodeValue::Text { text, quoted: true }, DeValue::String(value)) => **text == **value,
        (NodeValue::Text { quoted, .. }, _) => !quoted && !value.is_str(),
        (NodeValue::List(items), DeValue::Array(values)) => {
            items.len() == values.len()
                && items
                    .iter()
                    .zip(values.iter())
                    .all(|(a, b)| same_as_toml(a, b.get_ref()))
        }
        (NodeValue::Map(_), DeValue::Table(values)) => same_as_table(node, values),
        _ => false,
    }
}

fn same_as_table(node: &Node, values: &::toml::de::DeTable<'_>) -> bool {
    node.entries().len() == values.len()
        && node.entries().iter().all(|entry| {
            let value = values.get(&*entry.key);
            value.is_some_and(|value| same_as_toml(&entry.node, value.get_ref()))
        })
}

/// Lines of which any combination is likely to be valid, or not for one reason.
fn toml_lines() -> impl Strategy<Value = String> {
    let key = prop::collection::vec("[a-c]", 1..4).prop_map(|keys| keys.join("."));
    let value = prop::sample::select(vec![
        "1",
        "'x'",
        "[]",
        "[1, {a = 1}]",
        "{}",
        "{a.b = 1}",
        "{a = {b = 1}, a.c = 2}",
        "\"\\u00e9\"",
        "1979-05-27",
        "[{b = 1}, {b = 2}]",
        "0o17",
        "-inf",
    ]);
    let line = (key, value, 0..5).prop_map(|(key, value, kind)| match kind {
        0 => format!("[{key}]"),
        1 => format!("[[{key}]]"),
        _ => format!("{key} = {value}"),
    });
    prop::collection::vec(line, 1..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_makes_a_parser_panic_and_all_places_lie_in_it(content in any::<String>()) {
        places_lie_in(&content)?;
    }

    #[test]
    fn no_document_makes_a_parser_panic_and_all_places_lie_in_it(content in document()) {
        places_lie_in(&content)?;
    }

    #[test]
    fn json_is_read_as_serde_json_reads_it(value in json(), pretty in any::<bool>()) {
        let content = if pretty { format!("{value:#}") } else { value.to_string() };
        let origin = Origin::Default;
        let node = read(Format::Json, &content, &origin).unwrap().unwrap();
        prop_assert!(same_as_json(&node, &value), "{content}: {node:?}");
        let flow = read(Format::Yaml, &content, &origin);
        prop_assert!(flow.is_ok(), "YAML takes JSON: {content}: {flow:?}");
    }

    #[test]
    fn what_is_json_is_what_serde_json_says(content in "[\\[\\]{}\",:01.eE+\\-tfnrue \\\\abl]{0,12}") {
        let ours = read(Format::Json, &content, &Origin::Default);
        match serde_json::from_str::<serde_json::Value>(&content) {
            Ok(_) => {
                let twice = ours.as_ref().is_err_and(|problems| {
                    problems.iter().all(|problem| problem.message.ends_with("is given twice"))
                });
                prop_assert!(ours.is_ok() || twice, "{ours:?}");
            }
            // That crate has no place for a number of any size.
            Err(error) if error.to_string().starts_with("number out of range") => {}
            Err(error) => {
                let ours = ours.ok().flatten();
                prop_assert!(ours.is_none(), "{content:?} {ours:?}, but {error}");
            }
        }
    }

    #[test]
    fn toml_is_read_as_the_toml_crate_reads_it(content in toml_lines()) {
        let (theirs, errors) = ::toml::de::DeTable::parse_recoverable(&content);
        match read(Format::Toml, &content, &Origin::Default) {
            Ok(node) => {
                prop_assert!(errors.is_empty(), "{content}: {errors:?}");
                let node = node.unwrap_or_else(Node::null);
                prop_assert!(same_as_table(&node, theirs.get_ref()), "{content}: {node:?}");
            }
            // That crate takes `[[a]]` and then `a.b.c = 1`, which TOML forbids.
            Err(problems) => {
                prop_assert!(!errors.is_empty() || content.contains("[["), "{content}: {problems:?}");
            }
        }
    }
}
