//! What was refused, and why.

use std::fmt;
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::problem::Problem;
use crate::time;

/// An update that was refused.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Rejection {
    /// When it was seen first.
    #[serde(serialize_with = "time::serialize")]
    pub since: SystemTime,
    /// The generation that it would have become.
    pub generation: u64,
    /// Why.
    pub reason: RejectionReason,
    /// Everything that is wrong with it.
    pub problems: Vec<Problem>,
}

/// Why an update was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionReason {
    /// A source could not be read.
    Source,
    /// A value is missing or wrong.
    Invalid,
    /// A gate said no.
    Gate,
    /// Volumes that belong together were apart for too long.
    Revision,
}

// === impl RejectionReason ===

impl RejectionReason {
    /// The word that the JSON, the log and the metrics have for it: `source`, `gate`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Invalid => "invalid",
            Self::Gate => "gate",
            Self::Revision => "revision",
        }
    }
}

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for RejectionReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_word_in_every_form() {
        for (reason, word) in [
            (RejectionReason::Source, "source"),
            (RejectionReason::Invalid, "invalid"),
            (RejectionReason::Gate, "gate"),
            (RejectionReason::Revision, "revision"),
        ] {
            assert_eq!((reason.as_str(), &*reason.to_string()), (word, word));
            assert_eq!(serde_json::to_value(reason).unwrap(), word);
        }
    }
}
