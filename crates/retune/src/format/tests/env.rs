use proptest::prelude::*;

use super::*;
use Format::Env;

fn value(line: &str) -> String {
    good(Env, line).get("A").unwrap().shown()
}

#[test]
fn every_name_and_value_keeps_its_place() {
    let node = good(
        Env,
        "# of the shop\n\n  export PORT=80 # why\nNAME = \"a\nb\"\nGRÖSSE='x' \nlabels.tier=\n",
    );
    assert_eq!(
        places(&node).split_once('\n').unwrap().1,
        r#".PORT 3:10 "PORT"
.PORT = 3:15 "80"
.NAME 4:1 "NAME"
.NAME = 4:8 "\"a\nb\""
.GRÖSSE 6:1 "GRÖSSE"
.GRÖSSE = 6:8 "'x'"
.labels.tier 7:1 "labels.tier"
.labels.tier = 7:13 ""
"#
    );
}

#[test]
fn a_value_without_quotes_is_the_line_as_it_stands() {
    for (line, expected) in [
        ("A=b", "b"),
        ("A = b  c \t", "b  c"),
        ("A=b#c", "b#c"),
        ("A=#c", "#c"),
        ("A=b #c", "b"),
        ("A=b\t# c # d", "b"),
        ("A=https://x/?a=b&c=d", "https://x/?a=b&c=d"),
        ("A=it's \"so\"", "it's \"so\""),
        (r"A=C:\new", r"C:\new"),
        ("A=null", "null"),
        ("export=1\nexport A=b", "b"),
        ("export = 1\nexport\tA=b", "b"),
    ] {
        assert_eq!(value(line), expected, "{line}");
    }
}

#[test]
fn quotes_hold_what_a_bare_value_cannot() {
    for (line, expected) in [
        ("A=' b # c '", " b # c "),
        (r"A='b\n$C\'", r"b\n$C\"),
        (r#"A="b\tc\n\"d\" \\ \$E 'f'" # g"#, "b\tc\n\"d\" \\ $E 'f'"),
        (
            "A=\"-----BEGIN\n# no comment\nB=c\n-----END\"",
            "-----BEGIN\n# no comment\nB=c\n-----END",
        ),
        ("A='b\r\nc'\r\n", "b\nc"),
    ] {
        assert_eq!(value(line), expected, "{line}");
    }
    // A comment for some readers, a part of the value for others.
    let told = bad(Env, "A='b'#c");
    assert!(
        told[0].starts_with("greeter:1:6: expected the end of the line"),
        "{told:?}"
    );
}

#[test]
fn nothing_is_expanded() {
    for line in ["A=a$HOME", "A=\"a$HOME\"", "A='a$HOME'"] {
        assert_eq!(value(line), "a$HOME", "{line}");
    }
    assert_eq!(value("A=${HOME:-x}$(id)`id`"), "${HOME:-x}$(id)`id`");
}

#[test]
fn d3_crlf_and_a_byte_order_mark_change_neither_values_nor_lines() {
    let node = good(Env, "\u{feff}A=1\r\n# c\r\nB=x # y\r\nC=\r\nD='z'\r\n");
    assert_eq!(node.shown(), "{A: 1, B: x, C: , D: z}");
    assert_eq!(node.get("D").unwrap().origin.to_string(), "greeter:5:3");
}

#[test]
fn d5_a_nul_is_refused_where_it_stands() {
    let told = bad(Env, "A=1\nB=x\0y\n");
    assert_eq!(told, ["greeter:2:4: a NUL character, which no text holds"]);
}

#[test]
fn d6_an_empty_value_is_a_value_and_an_empty_document_none() {
    for line in ["A=", "A= ", "A= # c", "A=''", "A=\"\"\nB=1"] {
        assert_eq!(value(line), "", "{line}");
    }
    for content in ["", "\n", "# A=1\r\n", " "] {
        let told = bad(Env, content);
        assert!(told[0].contains("the document is empty"), "{told:?}");
    }
}

#[test]
fn d12_only_quotes_tell_text_from_the_rest() {
    let node = good(Env, "A=012\nB='012'\nC=\"no\"\n");
    let quoted = |key| {
        let value = &node.get(key).unwrap().value;
        matches!(value, NodeValue::Text { quoted: true, .. })
    };
    assert!(!quoted("A") && quoted("B") && quoted("C"));
}

#[test]
fn d13_a_name_given_twice_names_both_places() {
    let problems = parse(Env, &text("A=1\n\nexport A=2\n")).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].to_string(),
        "greeter:3:8: the key `A` is given twice (the first is in line 1: keep one of them)"
    );
}

#[test]
fn all_that_is_wrong_is_told_with_its_place_and_never_the_text() {
    let told = bad(
        Env,
        "hunter2\nname: hunter2\n=hunter2\nA=\"\\hunter2\"\nB='hunter2'hunter2\nA B=1\nC=\"hunter2\nD=1\n",
    );
    let begins = [
        "greeter:1:8: expected `=` after the name",
        "greeter:2:5: expected `=` after the name",
        "greeter:3:1: expected a name",
        "greeter:4:4: an unknown escape: known are `\\n`",
        "greeter:5:12: expected the end of the line after the closing quote",
        "greeter:6:3: expected `=` after the name",
        "greeter:7:3: the quote is not closed",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}");
        assert!(!told.contains("hunter"), "{told}");
    }
}

#[test]
fn d16_a_document_of_nothing_but_mistakes_tells_a_bounded_number() {
    assert_eq!(bad(Env, &"x\n".repeat(10_000)).len(), MOST_PROBLEMS);
    let escapes = format!("A=\"{}\"", r"\d".repeat(10_000));
    assert_eq!(bad(Env, &escapes).len(), MOST_PROBLEMS);
}

/// A text as it is written in double quotes.
fn double_quoted(text: &str, breaks: bool) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' | '$' => quoted.extend(['\\', character]),
            '\n' if !breaks => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' if !breaks => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Text of what such files give a meaning to.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[^\0]{0,12}", "[ \t\r\n\"'\\\\$#=`nrté]{0,12}",]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_written_in_quotes_is_read_back(
        values in prop::collection::btree_map("[A-Z_]{1,3}", (texts(), any::<bool>()), 1..5)
    ) {
        let mut content = String::new();
        for (name, (value, breaks)) in &values {
            let single = *breaks && !value.contains(['\'', '\r']);
            let quoted = match single {
                true => format!("'{value}'"),
                false => double_quoted(value, *breaks),
            };
            writeln!(content, "{name}={quoted} # {name}").unwrap();
        }
        let node = good(Env, &content);
        prop_assert_eq!(node.entries().len(), values.len());
        for (name, (value, _)) in &values {
            prop_assert_eq!(&node.get(name).unwrap().shown(), value, "{}", content);
        }
    }

    #[test]
    fn no_text_makes_it_panic(content in prop_oneof![
        any::<String>(),
        "([A-C\"'\\\\#= \t\n\r$nxé\0]|export |\r\n){0,40}",
    ]) {
        match parse(Env, &text(&content)) {
            Ok(node) => prop_assert!(!node.entries().is_empty()),
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }
}
