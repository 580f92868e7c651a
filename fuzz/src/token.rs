//! Bearer tokens that tell when they expire.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use retune::source::Env;
use retune::{Error, Retune, Token};

use crate::documents::syntax;
use crate::told::{hold, tells_no_secret};

#[derive(Debug, Retune)]
struct Config {
    #[expect(dead_code, reason = "it is decoded")]
    token: Token,
}

/// A token; and one whose claims are the bytes.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Err(error) = load(text) {
        hold(&error);
    }
    // Whatever is in it, only that it is good or why not is told.
    tells_no_secret(data, |secret, _| {
        load(&format!("{}{}", secret.replace([' ', '\u{b5}'], "-"), text))
    });
    let claims = BASE64_URL_SAFE_NO_PAD.encode(text);
    let token = Token::new(format!("e30.{claims}.c2ln"));
    // A document that gives a key twice it takes, and we take nothing of it.
    let theirs = match syntax("a.json", data) {
        Ok(()) => serde_json::from_str::<serde_json::Value>(text).ok(),
        Err(_) => Some(serde_json::Value::Null),
    };
    let seconds = |claim: &str| theirs.as_ref()?.get(claim)?.as_f64();
    for (claim, ours) in [("exp", token.expires()), ("nbf", token.not_before())] {
        match seconds(claim) {
            Some(seconds) if (0.0..1e12).contains(&seconds) => {
                let theirs = UNIX_EPOCH + Duration::from_secs_f64(seconds);
                assert_eq!(ours, Some(theirs), "{claim} of {text}");
            }
            None if theirs.is_some() => assert_eq!(ours, None, "{claim} of {text}"),
            _ => {}
        }
    }
}

fn load(text: &str) -> Result<Config, Error> {
    let env = Env::from_iter("", [("TOKEN", text)]).without_files();
    Config::loader().env(env).once()
}
