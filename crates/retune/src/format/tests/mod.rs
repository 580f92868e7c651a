mod env;
#[cfg(feature = "json")]
mod json;
#[cfg(all(feature = "yaml", feature = "json", feature = "toml"))]
mod random;
#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "yaml")]
mod yaml;

use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::origin::Place;

fn text(content: &str) -> Arc<Text> {
    Text::new(Place::File("greeter".into()), content)
}

fn good(format: Format, content: &str) -> Node {
    parse(format, &text(content)).unwrap_or_else(|problems| panic!("{content:?}: {problems:?}"))
}

fn bad(format: Format, content: &str) -> Vec<String> {
    match parse(format, &text(content)) {
        Ok(node) => panic!("{content:?} was read as {node:?}"),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Every key and value below a node, one a line, with its place and the text that stands there.
fn places(node: &Node) -> String {
    fn one(out: &mut String, path: &str, origin: &Origin) {
        let span = origin.span().expect("a place in the text");
        let (content, range) = span.source();
        let (line, column) = (span.line(), span.column());
        writeln!(out, "{path} {line}:{column} {:?}", &content[range]).unwrap();
    }
    fn all(out: &mut String, path: &str, node: &Node) {
        one(out, &format!("{path} ="), &node.origin);
        match &node.value {
            NodeValue::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    all(out, &format!("{path}[{i}]"), item);
                }
            }
            NodeValue::Map(entries) => {
                for entry in entries {
                    let path = format!("{path}.{}", entry.key);
                    one(out, &path, &entry.key_origin);
                    all(out, &path, &entry.node);
                }
            }
            _ => {}
        }
    }
    let mut out = String::new();
    all(&mut out, "", node);
    out
}

#[test]
fn formats_are_told_by_the_extension() {
    let of = |name: &str| Format::of(Path::new(name));
    assert_eq!(of("/etc/greeter/config.yaml"), Some(Format::Yaml));
    assert_eq!(of("config.YML"), Some(Format::Yaml));
    assert_eq!(of("a.b.json"), Some(Format::Json));
    assert_eq!(of("app.toml"), Some(Format::Toml));
    assert_eq!(of("/app/.env"), Some(Format::Env));
    assert_eq!(of("prod.env"), Some(Format::Env));
    assert_eq!(of("log-level"), None);
    assert_eq!(of("env"), None);
    assert_eq!(of(".yaml"), None);
    assert_eq!(of("yaml"), None);
}

#[test]
fn a_format_whose_feature_is_off_says_which_to_turn_on() {
    let features = [
        (Format::Yaml, "yaml", cfg!(feature = "yaml")),
        (Format::Json, "json", cfg!(feature = "json")),
        (Format::Toml, "toml", cfg!(feature = "toml")),
    ];
    for (format, feature, on) in features {
        let told = bad(format, "");
        let off = told[0].contains(&format!("needs the feature `{feature}` of retune"));
        assert_ne!(on, off, "{told:?}");
    }
}
