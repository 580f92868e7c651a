//! URLs, by the crate `url`.

use url::{ParseError, Url};

use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::Node;
use crate::schema::Shape;

/// A URL with its scheme, as the crate `url` reads it.
///
/// A password in it is shown nowhere: `postgres://u:[redacted]@h`, and a URL in an odd writing that may
/// hold one is shown as `[redacted]` as a whole. Where a token stands in another part of a URL, make it a
/// `Secret<Url>`.
///
/// What looks like a host and a port (`service-1:8080`) is a URL, of the scheme `service-1`; whoever
/// needs a certain scheme or a host checks for it with `#[retune(validate = …)]`.
impl Value for Url {
    const SHAPE: Shape = Shape::Text(Grammar::UrlText);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.written(node, &Grammar::UrlText, |text| {
            Self::parse(text.trim()).map_err(|error| match error {
                ParseError::RelativeUrlWithoutBase => "no scheme such as `https://`".to_owned(),
                error => error.to_string(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, file, refusal, scalar};
    use super::*;
    use crate::Secret;

    #[test]
    fn d10_urls() {
        let url: Url = decode(env("https://example.org:8443/a?b=c")).unwrap();
        assert_eq!(
            (url.host_str(), url.port()),
            (Some("example.org"), Some(8443))
        );
        for node in [
            file("http://a/\n"),
            scalar("http://a/", true),
            env(" http://a "),
        ] {
            assert_eq!(decode::<Url>(node).unwrap().as_str(), "http://a/");
        }
        assert_eq!(
            decode::<Url>(env("service-1:8080")).unwrap().scheme(),
            "service-1"
        );
        let urls: Vec<Url> = decode(env("http://a, http://b")).unwrap();
        assert_eq!(urls.len(), 2);
    }

    #[test]
    fn d10_a_bad_url_is_named_with_the_reason() {
        for (text, reason) in [
            (
                "example.org",
                "found \"example.org\": no scheme such as `https://`",
            ),
            ("", "found \"\": no scheme such as `https://`"),
            ("http://h:99999", "invalid port number"),
            ("http://", "empty host"),
            ("http://[::1", "invalid IPv6 address"),
        ] {
            let refusal = refusal::<Url>(env(text));
            assert!(
                refusal.starts_with("APP_X: expected a URL such as "),
                "{refusal}"
            );
            assert!(refusal.contains(reason), "{refusal}");
        }
    }

    #[test]
    fn h3_a_bad_url_is_named_without_its_password() {
        for (text, shown) in [
            (
                "postgres://u:hunter2@h:x",
                "found \"postgres://u:[redacted]@h:x\": invalid port",
            ),
            (
                "postgres://u:hunter2/1@h",
                "found \"postgres://u:[redacted]@h\": invalid port",
            ),
            ("http:u:hunter2@", "not what was expected: a URL"),
        ] {
            for node in [env(text), file(text), scalar(text, true)] {
                let refusal = refusal::<Url>(node);
                assert!(refusal.contains(shown), "{refusal}");
                assert!(!refusal.contains("hunter"), "{refusal}");
            }
        }
        let refusal = refusal::<Secret<Url>>(env("postgres://u:hunter2@h:x"));
        assert_eq!(
            refusal,
            format!(
                "APP_X: not what was expected: {}",
                Grammar::UrlText.expects()
            )
        );
    }
}
