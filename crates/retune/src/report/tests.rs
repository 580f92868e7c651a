use std::sync::Arc;

use super::*;
use crate::origin::{Place, Span, Text};

fn text(content: &str) -> Arc<Text> {
    Text::new(Place::File("/etc/greeter/config.yaml".into()), content)
}

/// The place of the first `part` in a text.
fn place(text: &Arc<Text>, part: &str) -> Origin {
    let start = text.content().find(part).expect("a part of the text");
    Origin::Text(Span::new(text, start..start + part.len()))
}

/// The report of one problem, without the title and the count.
fn one(problem: Problem) -> String {
    let report = render("T", &[problem], &[], false);
    report
        .trim_start_matches("T\n\n")
        .trim_end_matches("\n\n1 problem")
        .to_owned()
}

#[test]
fn every_problem_is_shown_with_its_line_and_what_to_do_those_of_a_file_together() {
    let config = text("message: hi\ntimeout: 30parsecs # soon\nlog-level: wran\n");
    let problems = [
        Problem::new(
            "log_level",
            "expected one of `info`, `warn`, found \"wran\"",
        )
        .with_help("did you mean `warn`?")
        .at(place(&config, "wran")),
        Problem::new("port", "expected a number, found \"x\"")
            .at(Origin::Env("GREETER_PORT".into())),
        Problem::new("listen", "expected an address").at(Origin::Flag("--listen".into())),
        Problem::new("timeout", "expected a duration, found \"30parsecs\"")
            .with_help("such as `30s`")
            .at(place(&config, "30parsecs")),
        Problem::new("name", "missing: expected text"),
    ];
    assert_eq!(
        render("cannot load the configuration", &problems, &[], false),
        "\
cannot load the configuration

error: `timeout`: expected a duration, found \"30parsecs\"
 --> /etc/greeter/config.yaml:2:10
  |
2 | timeout: 30parsecs …
  |          ^^^^^^^^^
  |
  = help: such as `30s`

error: `log_level`: expected one of `info`, `warn`, found \"wran\"
 --> /etc/greeter/config.yaml:3:12
  |
3 | log-level: wran
  |            ^^^^
  |
  = help: did you mean `warn`?

error: `port`: expected a number, found \"x\"
--> variable GREETER_PORT

error: `listen`: expected an address
--> flag --listen

error: `name`: missing: expected text

5 problems"
    );
}

#[test]
fn an_excerpt_is_the_place_alone() {
    let config = text("message: hi\ntimeout: 30parsecs # soon\n");
    let problem = Problem::new("timeout", "expected a duration, found \"30parsecs\"")
        .with_help("such as `30s`")
        .at(place(&config, "30parsecs"));
    let expected = [
        " --> /etc/greeter/config.yaml:2:10",
        "  |",
        "2 | timeout: 30parsecs …",
        "  |          ^^^^^^^^^",
    ];
    let expected = expected.join("\n");
    assert_eq!(problem.excerpt().as_deref(), Some(&*expected));
    let mut secret = problem;
    secret.secret = true;
    let hidden = secret.excerpt().unwrap();
    assert!(!hidden.contains("30parsecs"), "{hidden}");
    assert!(hidden.contains("config.yaml:2\n"), "{hidden}");
    assert_eq!(Problem::new("name", "missing").excerpt(), None);
}

#[test]
fn colour_is_all_that_colour_adds() {
    let config = text("port: x\n");
    let problem = Problem::new("port", "expected a number").at(place(&config, "x"));
    let plain = render("T", std::slice::from_ref(&problem), &[], false);
    let colored = render("T", &[problem], &[], true);
    assert!(!plain.contains('\u{1b}') && colored.contains('\u{1b}'));
    let mut bare = String::new();
    for part in colored.split('\u{1b}') {
        bare.push_str(
            part.split_once('m')
                .filter(|(code, _)| code.starts_with('['))
                .map_or(part, |p| p.1),
        );
    }
    assert_eq!(bare, plain);
}

#[test]
fn h1_of_a_text_that_cannot_be_read_only_keys_and_signs_are_shown() {
    for (marked, shown, caret) in [
        ("b: hunter2«:» d # why", "b:        : …", "          ^"),
        ("password: «\"»hunter2", "password: \" …", "          ^"),
        ("password = «hunter2»", "password = …", "           ^"),
        ("«h»unter2", "…", "^"),
        ("«aHVudGVyMg==»", "…", "^"),
        ("  «a»: hunter2", "  a: …", "  ^"),
        (
            "{\"password\": «h»unter2}",
            " \"password\": …",
            "             ^",
        ),
        ("[a, «hunter2»", "    …", "    ^"),
        (
            "password: hunter2«»",
            "password:        ",
            "                 ^",
        ),
    ] {
        let (before, rest) = marked.split_once('«').unwrap();
        let (range, after) = rest.split_once('»').unwrap();
        let config = text(&format!("{before}{range}{after}\n"));
        let origin = Origin::Text(Span::new(&config, before.len()..before.len() + range.len()));
        let report = one(Problem::new("", "cannot be read").at(origin));
        let column = before.chars().count() + 1;
        assert_eq!(
            report,
            format!(
                "error: cannot be read\n --> /etc/greeter/config.yaml:1:{column}\n  |\n1 | {shown}\n  | {caret}"
            )
        );
    }
    let empty = Problem::new("", "empty").at(Origin::Text(Span::new(&text(""), 0..0)));
    assert_eq!(one(empty), "error: empty\n--> /etc/greeter/config.yaml:1:1");
}

#[test]
fn carets_stand_below_characters_of_any_width() {
    let config = text("\u{feff}grüße: {日本: x}\n");
    assert_eq!(
        one(Problem::new("a", "no").at(place(&config, "x"))),
        "\
error: `a`: no
 --> /etc/greeter/config.yaml:1:13
  |
1 | grüße:  日本: x …
  |               ^"
    );
}

#[test]
fn a_long_line_is_cut_and_one_that_is_far_too_long_is_not_shown() {
    let config = text(&format!("a: {}\n", "x".repeat(100_000)));
    let report = one(Problem::new("a", "no").at(Origin::Text(Span::new(&config, 3..100_003))));
    assert!(report.contains("a: xxx") && report.len() < 500, "{report}");

    let config = text(&format!(
        "{{\"a\": \"{}\", \"b\": true}}",
        "x".repeat(1_000_000)
    ));
    assert_eq!(
        one(Problem::new("b", "no").at(place(&config, "true"))),
        "error: `b`: no\n--> /etc/greeter/config.yaml:1:1000016"
    );
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let config = text("a: \u{1b}[31mred\n");
    let problem = Problem::new("a", "no \u{1b}[31m")
        .with_help("none \u{1b}[31m")
        .at(place(&config, "\u{1b}[31mred"));
    assert!(!one(problem).contains('\u{1b}'));
}

#[test]
fn h1_h2_a_secret_appears_neither_in_the_report_nor_in_json() {
    let config = text("token: hunter2\n");
    let mut problem = Problem::new("token", "not what was expected: a number");
    problem.secret = true;
    let problem = problem.at(place(&config, "hunter2"));
    assert_eq!(
        one(problem.clone()),
        "\
error: `token`: not what was expected: a number
--> /etc/greeter/config.yaml:1
 = note: the line is not shown: it may hold a secret, by its type or its source (as one that is mounted in memory; `not_secret()` says otherwise)"
    );
    assert_eq!(
        serde_json::to_value(&problem).unwrap(),
        serde_json::json!({
            "path": "token",
            "message": "not what was expected: a number",
            "help": null,
            "origin": {
                "kind": "file",
                "file": "/etc/greeter/config.yaml",
                "line": 1,
                "text": "/etc/greeter/config.yaml:1",
            },
        })
    );
    assert!(!format!("{problem:?}{problem}").contains("hunter2"));
}

#[test]
fn h1_a_list_that_holds_a_secret_is_not_shown() {
    use crate::node::{Node, NodeValue};
    let config = text("keys: [hunter2, swordfish]\n");
    let key = Node::text("hunter2", place(&config, "hunter2")).into_secret();
    let keys = Node::new(
        NodeValue::List(vec![key]),
        place(&config, "[hunter2, swordfish]"),
    );
    let report = one(Problem::new("keys", "expected a map, found a list").on(&keys));
    assert!(
        report.contains("config.yaml:1\n") && !report.contains("hunter2"),
        "{report}"
    );
}

#[test]
fn h1_a_neighbour_of_the_value_in_question_is_not_shown() {
    for (content, part, shown) in [
        (
            "{password: hunter2, port: abc}",
            "abc",
            "                    port: abc …",
        ),
        ("{port: abc, password: hunter2}", "abc", " port: abc …"),
        (
            r#"{"password":"hunter2","port":"abc"}"#,
            r#""abc""#,
            r#"                      "port":"abc" …"#,
        ),
        (
            "{password: 'x: hunter2', port: abc}",
            "abc",
            "                         port: abc …",
        ),
        // A misspelt key: nobody knows that the value is a secret.
        ("pasword: hunter2", "pasword", "pasword: …"),
        ("pasword = 'hunter2'", "pasword", "pasword = …"),
        // The map as a whole, in one line and in several.
        (
            "db: {pasword: hunter2, port: 1}",
            "{pasword: hunter2, port: 1}",
            "db: {pasword: …",
        ),
        (
            "db:\n  pasword: hunter2\n  port: 1",
            "pasword: hunter2\n  port: 1",
            "  pasword: …",
        ),
        ("port: abc # hunter2", "abc", "port: abc …"),
        ("keys: [hunter2, abc]", "abc", "keys:           abc …"),
    ] {
        let report = one(Problem::new("p", "no").at(place(&text(content), part)));
        let line = report
            .lines()
            .find_map(|line| line.split_once(" | ").filter(|l| l.0.trim() != ""));
        assert_eq!(line.map(|(_, line)| line), Some(shown), "{report}");
        assert!(!report.contains("hunter2"), "{report}");
        let column = content
            .lines()
            .find_map(|line| line.find(part.lines().next().unwrap()))
            .unwrap();
        assert!(report.contains(&format!(":{}\n", column + 1)), "{report}");
    }
}

#[test]
fn h1_in_a_file_that_is_one_value_what_stands_before_a_colon_is_a_neighbour() {
    let key = Place::Key {
        mount: "/etc/app".into(),
        key: "endpoints".into(),
    };
    for (content, part, shown) in [
        ("hunter2:8080,http:9 ,c", "http:9", "             http:9 …"),
        ("hunter2=1,b=x", "x", "            x"),
        ("- hunter2: abc", "abc", "           abc"),
        ("one:8080:hunter2", "one", "one …"),
    ] {
        let report =
            one(Problem::new("p", "no").at(place(&Text::value(key.clone(), content), part)));
        let line = report
            .lines()
            .find_map(|line| line.split_once(" | ").filter(|l| l.0.trim() != ""));
        assert_eq!(line.map(|(_, line)| line), Some(shown), "{report}");
    }
}

#[test]
fn an_origin_in_json_has_the_parts_of_its_kind() {
    let json = |origin: &Origin| serde_json::to_value(origin).unwrap();
    let key = Text::new(
        Place::Key {
            mount: "/etc/greeter".into(),
            key: "log-level".into(),
        },
        "warn\n",
    );
    assert_eq!(
        json(&Origin::Text(Span::whole(&key))),
        serde_json::json!({
            "kind": "mount", "mount": "/etc/greeter", "key": "log-level",
            "line": 1, "column": 1, "text": "/etc/greeter/log-level:1:1",
        })
    );
    let file = Text::new(
        Place::EnvFile {
            variable: "PORT_FILE".into(),
            file: "/run/port".into(),
        },
        "80",
    );
    assert_eq!(
        json(&Origin::Text(Span::whole(&file))),
        serde_json::json!({
            "kind": "variable-file", "variable": "PORT_FILE", "file": "/run/port",
            "line": 1, "column": 1, "text": "PORT_FILE=/run/port:1:1",
        })
    );
    assert_eq!(
        json(&Origin::Env("PORT".into())),
        serde_json::json!({"kind": "variable", "variable": "PORT", "text": "PORT"})
    );
    assert_eq!(
        json(&Origin::Flag("--port".into())),
        serde_json::json!({"kind": "flag", "flag": "--port", "text": "--port"})
    );
    assert_eq!(
        json(&Origin::Default),
        serde_json::json!({"kind": "default", "text": "default"})
    );
    let here = std::panic::Location::caller();
    assert_eq!(json(&Origin::Code(here))["line"], here.line());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None, ..Default::default()
    })]

    #[test]
    fn any_place_in_any_text_can_be_reported(
        content in "[\\PC\n\r\t\u{feff}\u{0}a:{\"]{0,40}",
        start in 0..60_usize,
        length in 0..20_usize,
        path in "[a]?",
    ) {
        let origin = Origin::Text(Span::new(&text(&content), start..start + length));
        let report = one(Problem::new(path, "no").at(origin));
        proptest::prop_assert!(report.contains("no\n"), "{}", report);
    }
}
