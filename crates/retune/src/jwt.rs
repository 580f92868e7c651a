//! What a JSON Web Token (RFC 7519) tells of itself. Its signature is not checked: that is for those who
//! are to believe the rest of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::format;
use crate::node::{Node, NodeValue};

/// From when until when a token is valid, as far as it tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// `nbf`
    pub(crate) not_before: Option<SystemTime>,
    /// `exp`
    pub(crate) expires: Option<SystemTime>,
}

// === impl Claims ===

impl Claims {
    /// `None` of what is no such token.
    pub(crate) fn read(token: &[u8]) -> Option<Self> {
        let token = std::str::from_utf8(token).ok()?.trim_ascii();
        let mut parts = token.split('.');
        let (Some(_header), Some(claims), Some(_signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let claims = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?);
        let claims = format::json_of(std::str::from_utf8(&claims).ok()?)?;
        Some(Self {
            not_before: claims.get("nbf").and_then(time),
            expires: claims.get("exp").and_then(time),
        })
    }
}

/// Seconds since 1970, which may have a fraction.
fn time(claim: &Node) -> Option<SystemTime> {
    match &claim.value {
        NodeValue::Text {
            text,
            quoted: false,
        } => {
            let seconds = text.parse().ok()?;
            UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            part(r#"{"alg":"none"}"#),
            part(claims),
            part("~~~")
        )
    }

    fn seconds(token: &str) -> Option<f64> {
        let expires = Claims::read(token.as_bytes())?.expires?;
        Some(expires.duration_since(UNIX_EPOCH).unwrap().as_secs_f64())
    }

    #[test]
    fn orphan_heartbeat_expiry_is_read_from_a_token_as_the_api_server_makes_it() {
        let claims = r#"{"aud":["heartbeat"],"exp":1795241085,"iat":1795240485,
            "kubernetes.io":{"namespace":"\u00fc?>~","pod":{"name":"p"}},"nbf":1}"#;
        assert_eq!(seconds(&token(claims)), Some(1_795_241_085.0));
        assert_eq!(
            seconds(&format!("{}\n", token(claims))),
            Some(1_795_241_085.0)
        );
        assert_eq!(seconds(&token(r#"{"exp":12.75}"#)), Some(12.75));
        assert_eq!(seconds(&token(r#"{"exp":1e3}"#)), Some(1000.0));
    }

    #[test]
    fn orphan_heartbeat_that_is_no_token_with_an_expiry_is_none() {
        let good = token(r#"{"exp":1}"#);
        assert!(seconds(&good).is_some());
        let claims = [
            "",
            "{}",
            "[]",
            "1",
            "{\"exp\":1",
            r#"{"exp":"1"}"#,
            r#"{"exp":null}"#,
            r#"{"exp":true}"#,
            r#"{"exp":-1}"#,
            r#"{"exp":1e300}"#,
            r#"{"exp":{"exp":1}}"#,
            r#"{"exp":1,"exp":2}"#,
        ];
        for claims in claims {
            assert_eq!(seconds(&token(claims)), None, "{claims}");
        }
        let garbage = [
            String::new(),
            "..".to_owned(),
            "hello".to_owned(),
            format!("{good}."),
            good.replacen('.', "", 1),
            good.replacen('.', ".=", 1),
            good.replacen('.', ".\u{fc}", 1),
        ];
        for token in garbage {
            assert_eq!(seconds(&token), None, "{token}");
        }
        assert_eq!(Claims::read(&[0xff; 40]), None);
    }

    #[test]
    fn a_token_may_tell_its_beginning_its_end_both_or_neither() {
        let read = |claims| Claims::read(token(claims).as_bytes()).unwrap();
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        let both = read(r#"{"nbf":1,"exp":2}"#);
        assert_eq!((both.not_before, both.expires), (at(1), at(2)));
        let begins = read(r#"{"nbf":1,"exp":"never"}"#);
        assert_eq!((begins.not_before, begins.expires), (at(1), None));
        assert_eq!(read("{}"), Claims::default());
    }
}
