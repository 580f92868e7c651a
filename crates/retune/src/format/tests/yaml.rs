use super::*;
use Format::Yaml;

#[test]
fn every_key_and_value_of_nested_blocks_keeps_its_place() {
    let node = good(
        Yaml,
        "a: 1\nb:\n  c: 'two words'\n  d:\n    - x\n    - {e: \"ü\", f: [y, z]}\n  g: |\n    one\n\n    two\n\nh: three\n  lines\n",
    );
    assert_eq!(
        places(&node),
        " = 1:1 \"a: 1\\nb:\\n  c: 'two words'\\n  d:\\n    - x\\n    - {e: \\\"ü\\\", f: [y, z]}\\n  g: |\\n    one\\n\\n    two\\n\\nh: three\\n  lines\"
.a 1:1 \"a\"
.a = 1:4 \"1\"
.b 2:1 \"b\"
.b = 3:3 \"c: 'two words'\\n  d:\\n    - x\\n    - {e: \\\"ü\\\", f: [y, z]}\\n  g: |\\n    one\\n\\n    two\"
.b.c 3:3 \"c\"
.b.c = 3:6 \"'two words'\"
.b.d 4:3 \"d\"
.b.d = 5:5 \"- x\\n    - {e: \\\"ü\\\", f: [y, z]}\"
.b.d[0] = 5:7 \"x\"
.b.d[1] = 6:7 \"{e: \\\"ü\\\", f: [y, z]}\"
.b.d[1].e 6:8 \"e\"
.b.d[1].e = 6:11 \"\\\"ü\\\"\"
.b.d[1].f 6:16 \"f\"
.b.d[1].f = 6:19 \"[y, z]\"
.b.d[1].f[0] = 6:20 \"y\"
.b.d[1].f[1] = 6:23 \"z\"
.b.g 7:3 \"g\"
.b.g = 8:5 \"one\\n\\n    two\"
.h 12:1 \"h\"
.h = 12:4 \"three\\n  lines\"
"
    );
    assert_eq!(
        node.get("b").unwrap().get("g").unwrap().shown(),
        "one\n\ntwo\n"
    );
    assert_eq!(node.get("h").unwrap().shown(), "three lines");
}

#[test]
fn a_list_at_its_keys_own_indentation_ends_where_its_last_item_does() {
    let node = good(Yaml, "a:\n- x\n- [y: 1]\nb: 2\n");
    assert_eq!(
        places(node.get("a").unwrap()),
        " = 2:1 \"- x\\n- [y: 1]\"\n[0] = 2:3 \"x\"\n[1] = 3:3 \"[y: 1]\"\n[1][0] = 3:4 \"y: 1\"\n[1][0].y 3:4 \"y\"\n[1][0].y = 3:7 \"1\"\n"
    );
}

#[test]
fn lists_within_lists_keep_their_places() {
    for content in ["a:\n- - x\n  - y\n", "a:\n  - - x\n    - y\n"] {
        let node = good(Yaml, content);
        let outer = &node.get("a").unwrap().origin;
        let NodeValue::List(items) = &node.get("a").unwrap().value else {
            panic!("{node:?}")
        };
        let dash = content.find('-').unwrap();
        assert_eq!(
            outer.span().unwrap().source().1,
            dash..content.len() - 1,
            "{content:?}"
        );
        let inner = items[0].origin.span().unwrap().source().1;
        assert_eq!(inner, dash + 2..content.len() - 1, "{content:?}");
    }
}

#[test]
fn columns_count_characters() {
    let node = good(Yaml, "größe: {länge: 30 cm}\n");
    let length = node.get("größe").unwrap().get("länge").unwrap();
    assert_eq!(length.origin.to_string(), "greeter:1:16");
}

#[test]
fn d3_crlf_and_a_byte_order_mark_change_neither_values_nor_lines() {
    let node = good(
        Yaml,
        "\u{feff}a: 1\r\nb: \"x\"\r\nc: |\r\n  one\r\n  two\r\n",
    );
    assert_eq!(node.shown(), "{a: 1, b: x, c: one\ntwo\n}");
    assert_eq!(node.get("b").unwrap().origin.to_string(), "greeter:2:4");
    assert_eq!(
        places(node.get("c").unwrap()),
        " = 4:3 \"one\\r\\n  two\"\n",
        "a block's place ends with its text"
    );
}

#[test]
fn d12_scalars_stay_text() {
    let node = good(
        Yaml,
        "a: no\nb: on\nc: 1e3\nd: 012\ne: '1'\nf: true\nno: Oslo\n",
    );
    assert_eq!(
        node.shown(),
        "{a: no, b: on, c: 1e3, d: 012, e: 1, f: true, no: Oslo}"
    );
    let quoted = |key| {
        matches!(
            node.get(key).unwrap().value,
            NodeValue::Text { quoted: true, .. }
        )
    };
    assert!(quoted("e"));
    assert!(!quoted("c") && !quoted("f"));
}

#[test]
fn d13_a_key_given_twice_names_both_places() {
    assert_eq!(
        bad(Yaml, "a: 1\nb: {c: 1, c: 2}\nx: 0\na: 2\n"),
        [
            "greeter:2:11: the key `c` is given twice (the first is in line 2: keep one of them)",
            "greeter:4:1: the key `a` is given twice (the first is in line 1: keep one of them)",
        ]
    );
}

#[test]
fn d16_deep_nesting_and_alias_bombs_are_bounded() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
        for levels in [129, 10_000, 100_000] {
            let content = format!("x:\n  {}1{}\n", open.repeat(levels), close.repeat(levels));
            let problems = bad(Yaml, &content);
            assert!(
                problems[0].contains("deeper than 128 levels"),
                "{open}: {problems:?}"
            );
        }
    }
    good(Yaml, &format!("x: {}{}", "[".repeat(126), "]".repeat(126)));

    let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for i in 1..20 {
        let before = format!("*a{}, ", i - 1).repeat(9);
        writeln!(bomb, "a{i}: &a{i} [{before}]").unwrap();
    }
    let problems = bad(Yaml, &bomb);
    assert!(
        problems[0].contains("repeat more than 100000 values"),
        "{problems:?}"
    );

    // Each alias lies one level deeper than what it repeats.
    let mut ladder = "a0: &a0 [x]\n".to_owned();
    for i in 1..200 {
        writeln!(ladder, "a{i}: &a{i} [*a{}]", i - 1).unwrap();
    }
    assert!(bad(Yaml, &ladder)[0].contains("deeper than 128 levels"));

    // Anchors around anchors keep copies of copies.
    let anchors: String = (0..100).map(|i| format!("&a{i} [")).collect();
    let content = format!("x: {anchors}{}{}", "1, ".repeat(50_000), "]".repeat(100));
    assert!(bad(Yaml, &content)[0].contains("repeat more than 100000 values"));
}

#[test]
fn d18_null_is_null_as_yaml_1_2_writes_it() {
    let node = good(
        Yaml,
        "a: ~\nb: null\nc: Null\nd: NULL\ne:\nf: 'null'\ng: nULL\nh: !!null x\n",
    );
    for key in ["a", "b", "c", "d", "e", "h"] {
        assert!(
            matches!(node.get(key).unwrap().value, NodeValue::Null),
            "{key}"
        );
    }
    for key in ["f", "g"] {
        assert_eq!(node.get(key).unwrap().kind(), "text", "{key}");
    }
    assert_eq!(node.get("e").unwrap().origin.to_string(), "greeter:5:2");
}

#[test]
fn b6_half_a_document_is_rejected_with_its_place() {
    assert_eq!(
        bad(Yaml, "message: hi\ntimeout: \"30"),
        ["greeter:2:10: a quoted text that is not closed (look for the missing quote)"]
    );
    assert_eq!(
        bad(Yaml, "message: hi\ntimeo"),
        [
            "greeter:2:1: expected `key: value`, found no `:` (a `:` and a space stand between a key and its value)"
        ]
    );
    assert_eq!(
        bad(Yaml, "hosts: [a, b"),
        ["greeter:1:8: unclosed bracket '['"]
    );
}

#[test]
fn b7_an_empty_document_is_rejected_and_braces_say_it_on_purpose() {
    for content in [
        "",
        "\n\n",
        "# nothing yet\n",
        "---\n",
        "\u{feff}",
        "--- # nothing\n...",
    ] {
        assert_eq!(
            bad(Yaml, content),
            ["greeter:1:1: the document is empty (`{}` says on purpose that it sets nothing)"],
            "{content:?}"
        );
    }
    assert!(good(Yaml, "{}").entries().is_empty());
}

#[test]
fn only_a_map_can_be_at_the_top() {
    assert_eq!(
        bad(Yaml, "- a\n- b\n"),
        ["greeter:1:1: expected a map at the top of the document, found a list"]
    );
    assert_eq!(
        bad(Yaml, "just text"),
        ["greeter:1:1: expected a map at the top of the document, found text"]
    );
}

#[test]
fn a_second_document_is_a_problem() {
    assert_eq!(
        bad(Yaml, "---\na: 1\n---\nb: 2\n"),
        [
            "greeter:3:1: a second document begins here (one file or key holds one document: remove this `---`)"
        ]
    );
    good(Yaml, "%YAML 1.2\n---\na: 1\n...\n");
}

#[test]
fn keys_are_text() {
    assert_eq!(
        bad(Yaml, "[a]: 1\n{b: 1}: 2\n: 3\n"),
        [
            "greeter:1:1: a key must be text",
            "greeter:2:1: a key must be text",
            "greeter:3:1: a key must be text",
        ]
    );
    assert_eq!(
        good(Yaml, "null: 1\n~: 2\n8080: 3\n").shown(),
        "{null: 1, ~: 2, 8080: 3}"
    );
}

#[test]
fn tags_of_yamls_own_do_no_harm_and_others_are_told() {
    let node = good(Yaml, "a: !!str ~\nb: !!int '1'\nc: !!map {d: ! 2}\n");
    assert_eq!(node.shown(), "{a: ~, b: 1, c: {d: 2}}");
    assert!(matches!(
        node.get("a").unwrap().value,
        NodeValue::Text { quoted: true, .. }
    ));
    assert!(matches!(
        node.get("b").unwrap().value,
        NodeValue::Text { quoted: false, .. }
    ));
    let problems = bad(Yaml, "a: !vault x\nb: !!binary aGk=\n");
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("greeter:1:11: a tag that is not one of YAML's own"));
}

#[test]
fn anchors_aliases_and_merge_keys_repeat_values_which_keep_their_own_place() {
    let node = good(
        Yaml,
        "base: &base {host: a, port: 1}\nmore: &more\n  port: 2\n  tls: on\none: {<<: *base, port: 3}\ntwo:\n  <<: [*base, *more]\nthree: *base\n",
    );
    assert_eq!(node.get("one").unwrap().shown(), "{port: 3, host: a}");
    assert_eq!(
        node.get("two").unwrap().shown(),
        "{host: a, port: 1, tls: on}"
    );
    assert_eq!(node.get("three").unwrap().shown(), "{host: a, port: 1}");
    let host = node.get("one").unwrap().get("host").unwrap();
    assert_eq!(host.origin.to_string(), "greeter:1:20");
    assert_eq!(
        good(Yaml, "'<<': 1").shown(),
        "{<<: 1}",
        "a quoted key is just a key"
    );

    assert_eq!(
        bad(Yaml, "a: {<<: 1}"),
        ["greeter:1:9: `<<` takes a map or a list of maps"]
    );
    assert!(bad(Yaml, "a: &a [*a]")[0].contains("part of"));
    assert!(bad(Yaml, "a: *b")[0].starts_with("greeter:1:4: an alias of something"));
}

#[test]
fn d9_brackets_within_a_value_are_placed_within_it() {
    let text = text("  [a, {b: c}]\n");
    let origin = Origin::Text(Span::new(&text, 2..13));
    let node = flow("[a, {b: c}]", &origin).unwrap();
    assert_eq!(
        places(&node),
        " = 1:3 \"[a, {b: c}]\"\n[0] = 1:4 \"a\"\n[1] = 1:7 \"{b: c}\"\n[1].b 1:8 \"b\"\n[1].b = 1:11 \"c\"\n"
    );
    let variable = Origin::Env("GREETER_HOSTS".into());
    let node = flow("[a, 'b c']", &variable).unwrap();
    assert_eq!(node.shown(), "[a, b c]");
    let NodeValue::List(items) = &node.value else {
        panic!("{node:?}")
    };
    assert_eq!(items[1].origin.to_string(), "GREETER_HOSTS");
    assert_eq!(
        flow("[a, b", &variable).unwrap_err().to_string(),
        "GREETER_HOSTS: unclosed bracket '['"
    );
    assert!(flow("{a: 1, a: 2}", &variable).is_err());
}
