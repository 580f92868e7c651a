//! What types tell of from when until when their values are valid.

use std::time::SystemTime;

use super::Decoder;
use crate::node::Node;
use crate::validity::{Told, Validity};

impl Decoder {
    /// Notes from when until when the value at hand is valid: a certificate, a token, a licence.
    ///
    /// A candidate with a value that has expired, or is not valid yet, is refused, and the last good
    /// generation stays; 30 s before its time a value is valid already, for clocks that differ. What
    /// is not valid yet is looked at again by itself when it is, and with each poll, as the clock may be
    /// set right meanwhile. A value that runs already and expires is not taken away: it is a warning,
    /// and degrades the status ([`Status::expiries`](crate::status::Status::expiries)).
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use retune::shape::{Grammar, Shape};
    /// use retune::{Decoder, Node, Retune, Value, source::Env};
    ///
    /// /// `Jane Doe until 1700000000`
    /// struct Licence(String);
    ///
    /// impl Value for Licence {
    ///     const SHAPE: Shape = Shape::Text(Grammar::Other("a licence"));
    ///
    ///     fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
    ///         let (owner, end) = decoder.parsed(node, "a licence", |text| {
    ///             let (owner, end) = text.split_once(" until ").ok_or("without its end")?;
    ///             let end = end.parse::<u64>().map_err(|_| "its end is no time")?;
    ///             Ok::<_, &str>((owner.to_owned(), Duration::from_secs(end)))
    ///         })?;
    ///         decoder.valid(node, None, SystemTime::UNIX_EPOCH.checked_add(end));
    ///         Some(Self(owner))
    ///     }
    /// }
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     licence: Licence,
    /// }
    ///
    /// let env = Env::from_iter("", [("LICENCE", "Jane Doe until 1700000000")]);
    /// let error = Config::loader().env(env).once().err().unwrap();
    /// let reason = error.problems()[0].message();
    /// assert_eq!(reason, "expired at 2023-11-14T22:13:20Z");
    /// ```
    pub fn valid(
        &mut self,
        node: &Node,
        not_before: Option<SystemTime>,
        not_after: Option<SystemTime>,
    ) {
        if not_before.is_none() && not_after.is_none() {
            return;
        }
        let validity = Validity {
            path: self.path.clone(),
            origin: node.origin.clone(),
            secret: node.secret,
            not_before,
            expires: not_after,
        };
        let value = node.clone();
        self.told.push(Told { validity, value });
    }

    pub(crate) fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}
