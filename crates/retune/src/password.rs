//! Passwords inside URLs: wherever a text is shown, `postgres://u:p@h` is `postgres://u:[redacted]@h`.
//!
//! This holds for every text, not just for fields of the type `Url`: a connection string is mostly kept
//! as a `String`. It is told by its form alone, since texts that no parser takes are shown as well, in
//! the report of why. In doubt more is struck than is secret: all up to the last `@`.

use std::borrow::Cow;
use std::ops::Range;

use crate::secret::REDACTED;

/// The text with each password in it struck.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    if !any(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for password in all(text) {
        shown.push_str(&text[end..password.start]);
        shown.push_str(REDACTED);
        end = password.end;
    }
    shown.push_str(&text[end..]);
    Cow::Owned(shown)
}

/// Whether there is a password in the text.
pub(crate) fn any(text: &str) -> bool {
    all(text).next().is_some()
}

/// Where passwords stand: between the first colon after `://` and the last `@` before a blank.
pub(crate) fn all(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text[from..].find("://")? + "://".len();
            let rest = &text[start..];
            let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
            let Some(end) = word.rfind('@') else {
                // Nor has any later one in this word.
                from = start + word.len();
                continue;
            };
            from = start + end;
            let user = word[..end].find(':').map(|colon| colon + 1);
            if let Some(user) = user.filter(|user| *user < end) {
                return Some(start + user..start + end);
            }
        }
    })
}

/// Whether a URL may hold a password that [`masked`] does not find: parsers take more than what
/// people write (`http:u:p@h`, line breaks within).
pub(crate) fn is_hidden_in(url: &str) -> bool {
    let url = url.trim();
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    let is_plain = rest.starts_with("//")
        && !scheme.contains("//")
        && !url.contains(|c: char| c.is_whitespace() || c.is_control());
    let may_hold = rest.rfind('@').is_some_and(|end| rest[..end].contains(':'));
    may_hold && !is_plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn h3_a_password_in_a_url_is_masked() {
        for (text, shown) in [
            ("postgres://u:p@h", "postgres://u:[redacted]@h"),
            (
                "postgres://u:p@h:5432/db?a=b",
                "postgres://u:[redacted]@h:5432/db?a=b",
            ),
            ("redis://:p@h", "redis://:[redacted]@h"),
            (
                "amqp://u:p:q@h, amqp://v:r@i",
                "amqp://u:[redacted]@h, amqp://v:[redacted]@i",
            ),
            ("use http://u:p@h here", "use http://u:[redacted]@h here"),
            ("http:///u:p@h", "http:///u:[redacted]@h"),
            // What should have been encoded is struck as well.
            ("postgres://u:p/w@h", "postgres://u:[redacted]@h"),
            ("postgres://u:p@w@h", "postgres://u:[redacted]@h"),
            ("postgres://u:p#1://@h", "postgres://u:[redacted]@h"),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(shown), shown, "twice");
        }
    }

    // To look at the rest of the word from each sign anew would take hours.
    #[test]
    fn a_long_word_is_looked_through_once() {
        let text = "://".repeat(300_000);
        assert_eq!(masked(&text), text);
        assert_eq!(masked(&format!("{text}p@h")), "://:[redacted]@h");
    }

    #[test]
    fn h3_what_holds_no_password_is_shown_as_it_is() {
        for text in [
            "",
            "http://h:80/path",
            "http://u@h:80",
            "http://u:@h",
            "mail a:b@c",
            "git@github.com:a/b",
            "see http://h:80 and a@b",
            "://",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn h3_a_password_in_an_odd_url_is_told_to_be_there() {
        for url in [
            "http:u:p@h",
            "http:\\\\u:p@h",
            "http:/\t/u:p@h",
            "http://u:p q@h",
            "a:\n//u:p@h",
        ] {
            assert!(is_hidden_in(url), "{url}");
        }
        for url in [
            "postgres://u:p@h",
            "mailto:a@b",
            "http://h:80",
            "h:80",
            "",
            " http://u:p@h\n",
        ] {
            assert!(!is_hidden_in(url), "{url}");
        }
    }

    proptest! {
        /// Whatever a parser takes for the password is not in what is shown.
        #[cfg(feature = "url")]
        #[test]
        fn h3_no_password_that_a_parser_finds_is_shown(
            scheme in "(http|postgres|file)",
            before in "[:/\\\\ \t\n]{0,4}",
            user in "[ua:@/ \t\\\\]{0,4}",
            after in "[:@/ \t#?h.]{0,5}",
        ) {
            let text = format!("{scheme}:{before}{user}:hunter2{after}@host/path");
            if let Ok(url) = url::Url::parse(text.trim())
                && url.password().is_some_and(|password| password.contains("hunter2"))
            {
                prop_assert!(is_hidden_in(&text) || !masked(&text).contains("hunter2"), "{}", text);
            }
        }
    }
}
