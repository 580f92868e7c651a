//! Types that come by `from_str` or by `serde`.

use std::collections::BTreeMap;

use super::super::testing::{decode, env, file, list, map, refusal, scalar};
use crate::{Node, Retune, Secret};

/// A type of somebody else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Url(pub(super) String);

impl std::str::FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            Ok(Self(text.into()))
        } else {
            Err(format!("no scheme in {text}"))
        }
    }
}

#[derive(Debug, Retune)]
struct Urls {
    #[retune(from_str, expects = "a URL")]
    one: Url,
    #[retune(from_str)]
    maybe: Option<Url>,
    #[retune(from_str, default)]
    many: Vec<Url>,
    #[retune(from_str, default = "amqp://queue")]
    secret: Secret<Url>,
    #[retune(from_str)]
    maybe_secret: Option<Secret<Url>>,
    #[retune(from_str)]
    secret_maybe: Secret<Option<Url>>,
}

#[test]
fn d10_any_type_by_its_from_str() {
    let urls: Urls = decode(map([
        ("one", env("http://a")),
        ("many", env("http://b, http://c")),
        ("maybe_secret", env("http://d")),
    ]))
    .unwrap();
    assert_eq!(urls.one, Url("http://a".into()));
    assert_eq!((urls.maybe, urls.many.len()), (None, 2));
    assert_eq!(urls.secret.expose(), &Url("amqp://queue".into()));
    assert_eq!(urls.maybe_secret.unwrap().expose(), &Url("http://d".into()));
    assert_eq!(urls.secret_maybe.expose(), &None);
}

#[test]
fn d10_h2_a_from_str_error_is_told_unless_it_is_secret() {
    let problems = decode::<Urls>(map([
        ("one", env("here")),
        ("many", env("http://b, there")),
        ("secret", env("hunter2")),
    ]))
    .unwrap_err();
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "APP_X: `one`: expected a URL, found \"here\": no scheme in here",
            "APP_X: `many[1]`: expected a valid `Url`, found \"there\": no scheme in there",
            "APP_X: `secret`: not what was expected: a valid `Url`",
        ]
    );
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    path: String,
    #[serde(default)]
    weight: f32,
    target: Target,
    retries: Option<u8>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Target {
    Nowhere,
    Host(String),
    Split { a: u8, b: i64 },
    Both(u8, bool),
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(untagged)]
enum Anything {
    Bool(bool),
    Number(i64),
    Fraction(f64),
    Text(String),
    List(Vec<Anything>),
    Map(BTreeMap<String, Anything>),
    Nothing,
}

#[derive(Debug, Retune)]
struct BySerde {
    #[retune(serde, default)]
    routes: Vec<Route>,
    #[retune(serde)]
    any: Option<Anything>,
    #[retune(serde)]
    key: Option<Secret<Route>>,
    #[retune(serde, expects = "a level", default = "nowhere")]
    target: Target,
    #[retune(serde, default = 5)]
    number: u8,
}

#[test]
fn a_leaf_by_serde() {
    let config: BySerde = decode(map([
        (
            "routes",
            list([
                map([("path", env("/")), ("target", env("nowhere"))]),
                map([
                    ("path", scalar("12", false)),
                    ("weight", scalar("0.5", true)),
                    ("target", map([("host", env("a"))])),
                    ("retries", env("3")),
                ]),
            ]),
        ),
        (
            "target",
            map([("split", map([("a", env("1")), ("b", env("-2"))]))]),
        ),
    ]))
    .unwrap();
    assert_eq!(
        config.routes[1],
        Route {
            path: "12".into(),
            weight: 0.5,
            target: Target::Host("a".into()),
            retries: Some(3)
        }
    );
    assert_eq!(config.target, Target::Split { a: 1, b: -2 });
    assert_eq!(
        (config.number, config.any.is_none(), config.key.is_none()),
        (5, true, true)
    );
    let both = map([("both", list([env("1"), env("true")]))]);
    let config: BySerde = decode(map([("target", both)])).unwrap();
    assert_eq!(config.target, Target::Both(1, true));
}

#[test]
fn d12_serde_that_takes_anything_gets_text_as_text() {
    let any = |node| {
        decode::<BySerde>(map([("any", node)]))
            .unwrap()
            .any
            .unwrap()
    };
    let text = |text: &str| Anything::Text(text.into());
    for plain in ["5", "true", "1.5"] {
        assert_eq!(any(env(plain)), text(plain));
        assert_eq!(any(scalar(plain, true)), text(plain));
        assert_eq!(any(file(plain)), text(plain));
    }
    assert_eq!(any(scalar("5", false)), Anything::Number(5));
    assert_eq!(any(scalar("-5", false)), Anything::Number(-5));
    assert_eq!(any(scalar("true", false)), Anything::Bool(true));
    assert_eq!(any(scalar("1.5", false)), Anything::Fraction(1.5));
    for plain in ["no", "012", "0x10", "1_000", "1.2.3", "-", "inf"] {
        assert_eq!(any(scalar(plain, false)), text(plain), "{plain}");
    }
    let map = map([("k", list([scalar("1", false), Node::null()]))]);
    let list = Anything::List(vec![Anything::Number(1), Anything::Nothing]);
    assert_eq!(
        any(map),
        Anything::Map(BTreeMap::from([("k".into(), list)]))
    );
}

#[test]
fn d14_a_type_of_lists_of_itself_ends_taking_text_apart() {
    #[derive(Debug, serde::Deserialize)]
    struct Lists(#[allow(dead_code)] Vec<Lists>);

    let refused = refusal::<crate::Serde<Lists>>(env("a"));
    assert!(refused.contains("invalid type"), "{refused}");
    assert_eq!(
        decode::<crate::Serde<Lists>>(env("[[], [[]]]"))
            .unwrap()
            .0
            .0
            .len(),
        2
    );
}

#[test]
fn an_error_of_serde_has_its_place_unless_it_is_secret() {
    let route = || {
        map([
            ("path", env("/")),
            ("target", map([("split", map([("a", env("hunter2"))]))])),
        ])
    };
    let problems = decode::<BySerde>(map([
        ("routes", list([route()])),
        ("key", route()),
        ("target", env("noewhere")),
        ("number", env("300")),
    ]))
    .unwrap_err();
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "APP_X: `routes[0].target.split.a`: invalid type: string \"hunter2\", expected u8 \
             (expected a valid `Route`)",
            "APP_X: `key`: not what was expected: a valid `Route`",
            "APP_X: `target`: unknown variant `noewhere`, expected one of `nowhere`, `host`, \
             `split`, `both` (expected a level)",
            "APP_X: `number`: invalid type: string \"300\", expected u8 (expected a valid `u8`)",
        ]
    );
    let unknown = map([
        ("path", env("/")),
        ("target", env("nowhere")),
        ("wieght", env("1")),
    ]);
    let unknown = refusal::<BySerde>(map([("routes", list([unknown]))]));
    assert!(unknown.contains("unknown field `wieght`"), "{unknown}");
    let missing = refusal::<BySerde>(map([("routes", list([map([("path", env("/"))])]))]));
    assert!(missing.contains("`routes[0].target`: missing"), "{missing}");
}
