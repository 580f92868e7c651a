//! How old what runs of secrets is.

use std::time::SystemTime;

use serde::Serialize;

use crate::time;

/// A secret that a source gives. Its value is nowhere in it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SecretStatus {
    /// Its path: `signing_key`. A list or map that is a secret, or has one in it, is one.
    pub path: String,
    /// The generation that brought what it is now.
    pub generation: u64,
    /// Since when it is that: since readers see that generation. What the first generation brought may
    /// be older than the process: where its volume tells when it was published, since then. Either says
    /// nothing of the time before the volume, so that in a new pod every secret is new.
    #[serde(serialize_with = "time::serialize")]
    pub changed: SystemTime,
    /// Whether nothing of it stays in memory once the last generation that holds it is let go: it is a
    /// [`Secret`](crate::Secret), came as a file of its own (a key of a volume, what `X_FILE` names), and
    /// its type [can be wiped](crate::Value::WIPES). Any other way in leaves copies: documents,
    /// lists and maps in brackets, the environment, flags, code.
    pub wiped: bool,
    /// What tells it from what it was before, in eight hexadecimal digits: the same secret has the same
    /// as long as the process runs, and another in every other; see [`Rotation`](super::Rotation).
    pub fingerprint: String,
}
