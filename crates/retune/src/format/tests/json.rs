use super::*;
use Format::Json;

#[test]
fn every_key_and_value_keeps_its_place() {
    let node = good(
        Json,
        "{\n  \"größe\": {\"a\\u00fc\": [1, \"x\\ny\", null]},\n  \"b\": -1.50e+3\n}\n",
    );
    assert_eq!(
        places(node.get("größe").unwrap()),
        r#" = 2:12 "{\"a\\u00fc\": [1, \"x\\ny\", null]}"
.aü 2:13 "\"a\\u00fc\""
.aü = 2:24 "[1, \"x\\ny\", null]"
.aü[0] = 2:25 "1"
.aü[1] = 2:28 "\"x\\ny\""
.aü[2] = 2:36 "null"
"#
    );
    assert_eq!(
        node.get("b").unwrap().shown(),
        "-1.50e+3",
        "a number keeps its text"
    );
}

#[test]
fn d3_a_byte_order_mark_and_crlf_are_skipped() {
    let node = good(Json, "\u{feff}{\r\n  \"a\": 1\r\n}\r\n");
    assert_eq!(node.get("a").unwrap().origin.to_string(), "greeter:2:8");
}

#[test]
fn d12_quotes_tell_text_from_numbers() {
    let node = good(Json, r#"{"a": "012", "b": 12, "c": true}"#);
    let quoted = |key| {
        matches!(
            node.get(key).unwrap().value,
            NodeValue::Text { quoted: true, .. }
        )
    };
    assert!(quoted("a") && !quoted("b") && !quoted("c"));
}

#[test]
fn d13_a_key_given_twice_names_both_places() {
    assert_eq!(
        bad(
            Json,
            "{\"a\": 1,\n \"b\": {\"c\": 1, \"\\u0063\": 2},\n \"a\": 2}"
        ),
        [
            "greeter:2:16: the key `c` is given twice (the first is in line 2: keep one of them)",
            "greeter:3:2: the key `a` is given twice (the first is in line 1: keep one of them)",
        ]
    );
}

#[test]
fn d16_deep_nesting_is_bounded() {
    for open in ["[", "{\"a\":"] {
        let problems = bad(Json, &format!("{{\"x\": {}", open.repeat(100_000)));
        assert!(
            problems[0].contains("deeper than 128 levels"),
            "{problems:?}"
        );
    }
    good(
        Json,
        &format!("{{\"x\": {}{}}}", "[".repeat(127), "]".repeat(127)),
    );
}

#[test]
fn d18_null_is_null() {
    assert_eq!(good(Json, "{\"a\": null}").get("a").unwrap().kind(), "null");
}

#[test]
fn b6_half_a_document_is_rejected_with_its_place() {
    for (content, problem) in [
        (
            "{\"a\": 1",
            "1:8: the document ends where `,` or `}` is expected",
        ),
        (
            "{\"a\":",
            "1:6: the document ends where a value is expected",
        ),
        (
            "{\"a\": [1, 2",
            "1:12: the document ends where `,` or `]` is expected",
        ),
        (
            "{\"a\": \"x\n}",
            "1:7: the string is not closed before its line ends (a line break within a string is written `\\n`)",
        ),
    ] {
        assert_eq!(bad(Json, content), [format!("greeter:{problem}")]);
    }
}

#[test]
fn b7_an_empty_document_is_rejected_and_braces_say_it_on_purpose() {
    for content in ["", " \n\t"] {
        assert!(bad(Json, content)[0].contains("the document is empty"));
    }
    assert!(good(Json, "{}\n").entries().is_empty());
}

#[test]
fn what_json_does_not_allow_is_told_in_the_readers_words() {
    for (content, problem) in [
        (
            "{\"a\": 1,}",
            "1:8: JSON allows no comma after the last item",
        ),
        (
            "{'a': 1}",
            "1:2: expected a key in double quotes (JSON takes double quotes only)",
        ),
        (
            "{\"a\": 1} // x",
            "1:10: expected the end of the document (JSON has no comments)",
        ),
        ("{\"a\": yes}", "1:7: text needs double quotes in JSON"),
        ("{\"a\": 012}", "1:7: not a number as JSON writes it"),
        ("{\"a\": 1.}", "1:9: expected a digit"),
        (
            "{\"a\": \"\\x\"}",
            "1:8: an unknown or broken escape in a string",
        ),
        (
            "{\"a\": \"\\ud800\"}",
            "1:8: an unknown or broken escape in a string",
        ),
        (
            "{\"a\": \"\u{1}\"}",
            "1:8: a control character in a string must be escaped",
        ),
        (
            "[1]",
            "1:1: expected a map at the top of the document, found a list",
        ),
    ] {
        assert_eq!(bad(Json, content), [format!("greeter:{problem}")]);
    }
}
