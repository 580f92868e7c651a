//! A short-lived token beside the values of a volume: once it has expired, nobody writes there.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::format;
use crate::node::NodeValue;
use crate::time::LEEWAY;

/// What the token told when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    pub(crate) expires: SystemTime,
    /// It has expired, and nobody put a new one in its place.
    pub(crate) stopped: bool,
    /// When that will be so.
    pub(crate) due: Option<Instant>,
}

// === impl Heartbeat ===

impl Heartbeat {
    /// Reads a token; `None` if it is no JSON Web Token that expires. Its signature is not checked:
    /// whoever can write the token can write the values as well.
    pub(super) fn read(token: &[u8]) -> Option<Self> {
        expiry(token).map(|expires| Self::at(SystemTime::now(), expires))
    }

    fn at(now: SystemTime, expires: SystemTime) -> Self {
        // The end of time is never reached.
        let left = match expires.checked_add(LEEWAY) {
            Some(end) => end.duration_since(now).unwrap_or_default(),
            None => Duration::MAX,
        };
        let stopped = left.is_zero();
        let due = Instant::now().checked_add(left).filter(|_| !stopped);
        Self {
            expires,
            stopped,
            due,
        }
    }
}

/// The claim `exp` of a JSON Web Token (RFC 7519): seconds since 1970, which may have a fraction.
fn expiry(token: &[u8]) -> Option<SystemTime> {
    let token = std::str::from_utf8(token).ok()?.trim_ascii();
    let mut parts = token.split('.');
    let (Some(_header), Some(claims), Some(_signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims = format::json_of(std::str::from_utf8(&claims).ok()?)?;
    match &claims.get("exp")?.value {
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

    const SECOND: Duration = Duration::from_secs(1);

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
        let expires = expiry(token.as_bytes())?;
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
        assert_eq!(expiry(&[0xff; 40]), None);
    }

    #[test]
    fn orphan_heartbeat_stops_after_the_leeway_and_no_clock_makes_it_panic() {
        let now = SystemTime::now();
        let at = |expires| Heartbeat::at(now, expires);
        for expires in [now + 600 * SECOND, now, now + SECOND - LEEWAY] {
            let beat = at(expires);
            assert!(!beat.stopped && beat.due.is_some(), "{beat:?}");
        }
        for expires in [now - LEEWAY, now - 600 * SECOND, UNIX_EPOCH] {
            let beat = at(expires);
            assert!(beat.stopped && beat.due.is_none(), "{beat:?}");
        }
        let token = token(r#"{"exp":9e18}"#);
        let beat = Heartbeat::read(token.as_bytes()).unwrap();
        assert!(!beat.stopped, "further ahead than any timer: {beat:?}");
    }
}
