//! Tokens: signed by a key, and checked by it.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    get_current_timestamp,
};
use retune::Secret;
use serde::{Deserialize, Serialize};

use crate::hs256;

/// Why a token is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is none, or it is none of ours.
    NoToken,
    /// No key has its id.
    UnknownKey(String),
    /// The key with its id has signed something else.
    WrongSignature,
    /// Its time is over.
    Expired,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// A token for somebody. The id of its key stands in its header.
///
/// # Errors
///
/// When it cannot be signed.
pub fn sign(
    kid: Option<&str>,
    key: &Secret<String>,
    sub: &str,
    lifetime: Duration,
) -> Result<String, jsonwebtoken::errors::Error> {
    hs256::install();
    let header = Header {
        kid: kid.map(str::to_owned),
        ..Header::new(Algorithm::HS256)
    };
    let claims = Claims {
        sub: sub.to_owned(),
        exp: get_current_timestamp() + lifetime.as_secs(),
    };
    let key = EncodingKey::from_secret(key.expose().as_bytes());
    encode(&header, &claims, &key)
}

/// Whom a token is for, if the key that it names has signed it. `key` finds that key.
///
/// # Errors
///
/// Why the token is refused.
pub fn check<'k>(
    token: &str,
    key: impl FnOnce(Option<&str>) -> Option<&'k Secret<String>>,
) -> Result<String, Refusal> {
    hs256::install();
    let header = decode_header(token).map_err(|_| Refusal::NoToken)?;
    let kid = header.kid.as_deref();
    let unknown = || Refusal::UnknownKey(kid.unwrap_or_default().to_owned());
    let key = key(kid).ok_or_else(unknown)?;
    let key = DecodingKey::from_secret(key.expose().as_bytes());
    let mut rules = Validation::new(Algorithm::HS256);
    // Else a token is taken for a minute after its end.
    rules.leeway = 0;
    match decode::<Claims>(token, &key, &rules) {
        Ok(token) => Ok(token.claims.sub),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => Refusal::WrongSignature,
            ErrorKind::ExpiredSignature => Refusal::Expired,
            _ => Refusal::NoToken,
        }),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken => f.write_str("no token"),
            Self::UnknownKey(kid) => write!(f, "no key has the id {kid:?}"),
            Self::WrongSignature => f.write_str("its key has not signed it"),
            Self::Expired => f.write_str("expired"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_token_is_taken_by_the_key_that_it_names_alone() {
        let keys = ["one", "other"].map(|key| Secret::new(key.to_owned()));
        let token = sign(Some("a"), &keys[0], "me", LONG).unwrap();
        let told = check(&token, |kid| {
            assert_eq!(kid, Some("a"));
            Some(&keys[0])
        });
        assert_eq!(told.unwrap(), "me");
        assert_eq!(
            check(&token, |_| Some(&keys[1])),
            Err(Refusal::WrongSignature)
        );
        assert_eq!(
            check(&token, |_| None),
            Err(Refusal::UnknownKey("a".into()))
        );
        assert_eq!(check("nonsense", |_| Some(&keys[0])), Err(Refusal::NoToken));
        let (body, _) = token.rsplit_once('.').unwrap();
        let unsigned = format!("{body}.");
        assert!(check(&unsigned, |_| Some(&keys[0])).is_err());
    }

    #[test]
    fn a_token_ends_when_it_says_so() {
        let key = Secret::new("one".to_owned());
        let token = sign(None, &key, "me", Duration::ZERO).unwrap();
        while check(&token, |_| Some(&key)).is_ok() {
            std::thread::yield_now();
        }
        assert_eq!(check(&token, |_| Some(&key)), Err(Refusal::Expired));
    }

    #[test]
    fn no_other_algorithm_is_taken() {
        let key = Secret::new("one".to_owned());
        // {"alg":"none"} . {"sub":"me","exp":99999999999} .
        let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSIsImV4cCI6OTk5OTk5OTk5OTl9.";
        assert_eq!(check(none, |_| Some(&key)), Err(Refusal::NoToken));
        // {"alg":"HS384"}
        let other = none.replacen("eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzM4NCJ9", 1);
        assert_eq!(check(&other, |_| Some(&key)), Err(Refusal::NoToken));
    }
}
