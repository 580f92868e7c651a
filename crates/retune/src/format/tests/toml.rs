use super::*;
use Format::Toml;

#[test]
fn every_key_and_value_keeps_its_place() {
    let node = good(
        Toml,
        "\"größe\" = 'a' # why\nb.c = [1,\n  {d = 1_000}]\n\n[t.u]\ne = \"\"\"\none\ntwo\"\"\"\n[[l]]\nf = 1\n[[l]]\nf = 2\n",
    );
    assert_eq!(
        places(&node),
        r#" = 1:1 "\"größe\" = 'a' # why\nb.c = [1,\n  {d = 1_000}]\n\n[t.u]\ne = \"\"\"\none\ntwo\"\"\"\n[[l]]\nf = 1\n[[l]]\nf = 2"
.größe 1:1 "\"größe\""
.größe = 1:11 "'a'"
.b 2:1 "b"
.b = 2:1 "b"
.b.c 2:3 "c"
.b.c = 2:7 "[1,\n  {d = 1_000}]"
.b.c[0] = 2:8 "1"
.b.c[1] = 3:3 "{d = 1_000}"
.b.c[1].d 3:4 "d"
.b.c[1].d = 3:8 "1_000"
.t 5:2 "t"
.t = 5:2 "t"
.t.u 5:4 "u"
.t.u = 5:1 "[t.u]"
.t.u.e 6:1 "e"
.t.u.e = 6:5 "\"\"\"\none\ntwo\"\"\""
.l 9:3 "l"
.l = 9:1 "[[l]]"
.l[0] = 9:1 "[[l]]"
.l[0].f 10:1 "f"
.l[0].f = 10:5 "1"
.l[1] = 11:1 "[[l]]"
.l[1].f 12:1 "f"
.l[1].f = 12:5 "2"
"#
    );
    assert_eq!(
        node.get("t")
            .unwrap()
            .get("u")
            .unwrap()
            .get("e")
            .unwrap()
            .shown(),
        "one\ntwo"
    );
}

#[test]
fn d3_crlf_and_a_byte_order_mark_change_neither_values_nor_lines() {
    let node = good(Toml, "\u{feff}a = 1\r\n[t]\r\nb = 'x'\r\n");
    assert_eq!(node.shown(), "{a: 1, t: {b: x}}");
    assert_eq!(
        node.get("t").unwrap().get("b").unwrap().origin.to_string(),
        "greeter:3:5"
    );
}

#[test]
fn d12_numbers_dates_and_booleans_keep_their_text() {
    let content = "a = 0x1F\nb = 1_000.5e3\nc = 1979-05-27T07:32:00Z\nd = true\ne = 'true'\n";
    let node = good(Toml, content);
    assert_eq!(
        node.shown(),
        "{a: 0x1F, b: 1_000.5e3, c: 1979-05-27T07:32:00Z, d: true, e: true}"
    );
    let quoted = |key| {
        matches!(
            node.get(key).unwrap().value,
            NodeValue::Text { quoted: true, .. }
        )
    };
    assert!(!quoted("a") && !quoted("c") && !quoted("d") && quoted("e"));
}

#[test]
fn a_date_that_no_calendar_has_is_rejected_with_its_place() {
    for date in [
        "1979-16-27",
        "1979-02-29",
        "1979-05-27T24:00:00",
        "1979-05-27T07:32:?0Z",
    ] {
        let told = "greeter:1:5: no date or time that there is (a text is written in quotes)";
        assert_eq!(bad(Toml, &format!("a = {date}\n")), [told]);
    }
    for date in [
        "1980-02-29",
        "07:32",
        "07:32:00.123456789123",
        "1979-05-27T07:32",
        "1979-05-27t07:32:60z",
        "1979-05-27 07:32:00.5-08:00",
    ] {
        assert_eq!(
            good(Toml, &format!("a = {date} # why\n")).shown(),
            format!("{{a: {date}}}")
        );
    }
}

#[test]
fn d13_a_key_given_twice_names_both_places() {
    for (content, key, second, first) in [
        ("a = 1\na = 2\n", "a", "2:1", 1),
        ("[t]\na = 1\n\n[t]\nb = 2\n", "t", "4:2", 1),
        ("a.b = 1\na = 2\n", "a", "2:1", 1),
        ("a = 1\na.b = 2\n", "a", "2:1", 1),
        ("[a.b]\nx = 1\n[a]\nb.c = 1\n", "b", "4:1", 1),
        ("[[l]]\n[l]\n", "l", "2:2", 1),
        ("l = []\n[[l]]\n", "l", "2:3", 1),
        ("t = {a = 1}\nt.b = 2\n", "t", "2:1", 1),
        ("[f]\na.b = 1\n[f.a]\n", "a", "3:4", 2),
        ("t = {a = 1, a = 2}\n", "a", "1:13", 1),
    ] {
        let told = format!(
            "greeter:{second}: the key `{key}` is given twice (the first is in line {first}: keep one of them)"
        );
        assert_eq!(bad(Toml, content), [told], "{content}");
    }
    good(Toml, "[a.b]\n[a]\n[a.c]\n[f]\nx.y = 1\n[f.x.z]\n");
}

#[test]
fn d16_deep_nesting_is_bounded() {
    let dotted = |levels: usize| vec!["a"; levels].join(".");
    let both = format!("[{}]\n{} = {{", dotted(80), dotted(40)).repeat(1)
        + &format!("{} = {{", dotted(79)).repeat(78)
        + "b = 1"
        + &"}".repeat(79);
    for content in [
        format!("x = {}", "[".repeat(100_000)),
        format!("x = {}1{}", "[".repeat(200), "]".repeat(200)),
        format!("x = {}1{}", "{a = ".repeat(200), "}".repeat(200)),
        format!("{} = 1", dotted(10_000)),
        format!("[{}]", dotted(10_000)),
        both,
    ] {
        let problems = bad(Toml, &content);
        let deep = |problem: &String| {
            problem.contains("deeper than 128 levels") || problem.contains("max recursion depth")
        };
        assert!(problems.iter().any(deep), "{problems:?}");
    }
    good(
        Toml,
        &format!("x = {}1{}", "[".repeat(127), "]".repeat(127)),
    );
    good(Toml, &format!("{} = 1", dotted(128)));
}

#[test]
fn b6_half_a_document_is_rejected_with_its_place() {
    let problems = bad(Toml, "message = 'hi'\ntimeo");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("greeter:2:6: "), "{problems:?}");
    assert!(bad(Toml, "a = [1, 2")[0].starts_with("greeter:1:10: "));
}

#[test]
fn every_broken_line_is_told_at_once_in_order() {
    let problems = bad(
        Toml,
        "a = \nb = yes\nb2 = 1\nb2 = 2\nc = \"\\z\"\nd = 'ok'\n",
    );
    let lines: Vec<_> = problems
        .iter()
        .filter_map(|p| p.split(':').nth(1))
        .collect();
    assert_eq!(lines, ["1", "2", "4", "5"], "{problems:#?}");
}

#[test]
fn b7_an_empty_document_is_rejected() {
    for content in ["", "\n", "# a = 1\n"] {
        let problems = bad(Toml, content);
        assert!(
            problems[0].contains("the document is empty (TOML cannot say"),
            "{problems:?}"
        );
    }
    assert!(good(Toml, "[greeter]\n").get("greeter").is_some());
}
