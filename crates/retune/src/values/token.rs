//! Bearer tokens.

use std::fmt;
use std::time::SystemTime;

use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::jwt::Claims;
use crate::node::Node;
use crate::schema::Shape;
use crate::secret::Secret;

const BEARER: Grammar = Grammar::Other("a bearer token");

/// A bearer token: a secret that says itself when it expires, where it is a JSON Web Token.
///
/// What its claims `exp` and `nbf` tell is [noted](Decoder::valid): one that has expired is not taken,
/// and one that expires while it runs is told by the status and the metrics. Any other token, or one without
/// these claims, is just a secret text. Its signature is not checked, as that is for those to whom it is
/// shown.
///
/// It is redacted like [`Secret<String>`](Secret). Blanks around it are taken off; blanks and control
/// characters within, and what is not ASCII, no HTTP header would take, and so are refused.
///
/// # The token of a service account
///
/// The kubelet renews one that is projected into a volume long before it expires:
///
/// ```yaml
/// volumes:
///   - name: tokens
///     projected:
///       sources:
///         - serviceAccountToken:
///             path: token
///             audience: vault
///             expirationSeconds: 3600
/// ```
///
/// and every request is made with the one that is valid:
///
/// ```
/// use retune::{Retune, Token};
///
/// #[derive(Debug, Retune)]
/// struct Config {
///     /// Opens the vault.
///     token: Token,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let tokens = dir.path().join("tokens");
/// # let kubelet = retune_mount::Publisher::create(&tokens)?;
/// # let renew = |token: &str| kubelet.publish([("token", token)]);
/// # renew("e30.eyJleHAiOjk5OTk5OTk5OTl9.one")?;
/// let config = Config::loader()
///     .mount(&tokens) // such as "/var/run/secrets/tokens"
///     .watch()?;
///
/// let header = || config.with(|c| format!("Bearer {}", c.token.expose()));
/// assert_eq!(header(), "Bearer e30.eyJleHAiOjk5OTk5OTk5OTl9.one");
/// // Then the kubelet renews it.
/// # renew("e30.eyJleHAiOjk5OTk5OTk5OTl9.two")?;
/// # config.reload()?;
/// assert_eq!(header(), "Bearer e30.eyJleHAiOjk5OTk5OTk5OTl9.two");
///
/// let expiry = &config.status().expiries[0];
/// assert_eq!((expiry.path.as_str(), expiry.expired), ("token", false));
/// assert_eq!(format!("{:?}", config.load().token), "[redacted]");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: Secret<String>,
    claims: Claims,
}

// === impl Token ===

impl Token {
    /// Wraps a token, such as in a test.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            claims: Claims::read(text.as_bytes()).unwrap_or_default(),
            text: Secret::new(text),
        }
    }

    /// The token.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// When it expires, where it is a JSON Web Token that tells it.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.claims.expires
    }

    /// From when it is valid, where it is a JSON Web Token that tells it.
    #[must_use]
    pub fn not_before(&self) -> Option<SystemTime> {
        self.claims.not_before
    }
}

impl Value for Token {
    const SHAPE: Shape = Shape::Secret(&Shape::Text(BEARER));
    const WIPES: bool = true;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let marked = (!node.secret).then(|| node.clone().into_secret());
        let node = marked.as_ref().unwrap_or(node);
        let text = decoder.written(node, &BEARER, |text| match text.trim() {
            bare if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(bare.to_owned())
            }
            _ => Err(""),
        })?;
        let token = Self::new(text);
        decoder.valid(node, token.not_before(), token.expires());
        if node.is_own_file() {
            decoder.note_wiped();
        }
        Some(token)
    }

    fn wipe(&mut self) {
        self.text.wipe();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.text, f)
    }
}

impl serde::Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, file, list};
    use super::*;

    #[test]
    fn a_token_loses_blanks_around_it_and_none_within() {
        for given in [file("abc\n"), file(" abc \r\n"), env("abc")] {
            assert_eq!(decode::<Token>(given).unwrap().expose(), "abc");
        }
        for wrong in ["", " ", "a b", "a\nb", "a\0", "\u{fc}"] {
            let problems = decode::<Token>(env(wrong)).unwrap_err();
            let line = problems[0].to_string();
            assert_eq!(line, "APP_X: not what was expected: a bearer token");
        }
        assert!(decode::<Token>(list([])).is_err());
    }

    #[test]
    fn h10_a_token_is_redacted_wherever_it_is_written() {
        let token = Token::new("hunter2");
        let json = serde_json::to_string(&token).unwrap();
        assert_eq!(json, "\"[redacted]\"");
        assert_eq!(format!("{token} {token:?}"), "[redacted] [redacted]");
    }
}
