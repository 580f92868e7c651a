//! Until when what runs is valid.

use std::time::SystemTime;

use serde::Serialize;

use crate::time;
use crate::validity::Validity;

/// From when until when a value that runs is valid: a certificate, a [`Token`](crate::Token), whatever
/// [tells it](crate::Decoder::valid).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Expiry {
    /// The value's path: `tls.crt`. Two may have the same, where the keys of a map are secret.
    pub path: String,
    /// Where it was written: `/etc/creds/tls.crt`, and for what is no secret the line and column.
    pub origin: String,
    /// From when it is valid, where it tells that.
    #[serde(serialize_with = "time::serialize_option")]
    pub not_before: Option<SystemTime>,
    /// When it expires, where it tells that.
    #[serde(serialize_with = "time::serialize_option")]
    pub expires: Option<SystemTime>,
    /// It has expired, and nothing valid took its place.
    pub expired: bool,
}

// === impl Expiry ===

impl Expiry {
    pub(crate) fn new(validity: &Validity, now: SystemTime) -> Self {
        Self {
            path: validity.path.clone(),
            origin: validity.origin.told(validity.secret),
            not_before: validity.not_before,
            expires: validity.expires,
            expired: validity.has_expired(now),
        }
    }
}
