//! Regular expressions, by the crate `regex`.

use regex::{Error, Regex};

use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::Node;
use crate::schema::Shape;

/// A regular expression. Blanks count, as they do in a text.
///
/// A list as text is split at commas, and a text that begins with `[` is a list in brackets. So in
/// `Vec<Regex>` a pattern that holds a comma, or a first one that begins with `[`, needs a list in brackets
/// with quotes: `['[a-z]{1,2}', b]`. Single quotes, since within double quotes `\` is an escape.
impl Value for Regex {
    const SHAPE: Shape = Shape::Text(Grammar::RegexText);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.written(node, &Grammar::RegexText, |text| {
            Self::new(text).map_err(|error| reason(&error))
        })
    }
}

/// What is wrong, in one line: the parser's error draws the pattern, which the report shows anyway.
fn reason(error: &Error) -> String {
    let error = error.to_string();
    let last = error.lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, file, list, refusal, scalar};
    use super::*;
    use crate::Secret;

    #[test]
    fn d10_regular_expressions() {
        let version: Regex = decode(file("^v[0-9]+$\n")).unwrap();
        assert!(version.is_match("v12") && !version.is_match("v"));
        assert_eq!(decode::<Regex>(env(" a ")).unwrap().as_str(), " a ");
        assert!(decode::<Regex>(env("[[:digit:]]")).unwrap().is_match("7"));
    }

    #[test]
    fn d9_d10_a_comma_in_a_regular_expression_needs_a_list_in_brackets() {
        let patterns = |node| {
            let patterns: Vec<Regex> = decode(node).unwrap();
            patterns
                .iter()
                .map(|p| p.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(patterns(env(r"a\d, b")), [r"a\d", "b"]);
        assert_eq!(patterns(list([scalar("a{1,2}", true)])), ["a{1,2}"]);
        #[cfg(feature = "yaml")]
        assert_eq!(patterns(env(r"['a{1,2}\d', b]")), [r"a{1,2}\d", "b"]);
        #[cfg(feature = "yaml")]
        assert_eq!(patterns(env("['[a-z]']")), ["[a-z]"]);
    }

    #[test]
    fn d10_a_bad_regular_expression_is_named_with_the_reason_in_one_line() {
        for (text, reason) in [
            ("[a-", "found \"[a-\": unclosed character class"),
            ("a\n  (b", "found \"a\\n  (b\": unclosed group"),
            ("(?<a>x)(?<a>y)", "duplicate capture group name"),
            ("\\w{999999}", "exceeds size limit"),
        ] {
            let refusal = refusal::<Regex>(env(text));
            assert!(
                refusal.starts_with("APP_X: expected a regular expression such as "),
                "{refusal}"
            );
            assert!(refusal.contains(reason), "{refusal}");
            assert!(!refusal.contains('\n'), "{refusal}");
        }
        let refusal = refusal::<Secret<Regex>>(env("[hunter2"));
        assert_eq!(
            refusal,
            format!(
                "APP_X: not what was expected: {}",
                Grammar::RegexText.expects()
            )
        );
    }
}
