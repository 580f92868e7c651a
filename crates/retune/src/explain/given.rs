//! Where one value came from, for people.

use std::fmt;

use serde::Serialize;

use crate::ignored::Ignored;
use crate::node::Node;
use crate::origin::Origin;

/// Where one value came from, and what it overrode. Secrets are redacted.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The value's path in code: `feature_flags.new_ui`. A key of a secret map is `[redacted]`.
    pub path: String,
    /// What holds: the value of the highest source that gives one, or the default; `None` if
    /// there is neither.
    pub winner: Option<Given>,
    /// What was overridden, the highest first, the default last.
    pub losers: Vec<Given>,
    /// The generation that brought the value that holds.
    pub since_generation: u64,
}

/// A value that a source gave.
#[derive(Clone)]
#[non_exhaustive]
pub struct Given {
    /// The value as text, `[redacted]` for a secret and for a password in a URL.
    pub value: String,
    /// Where it was written.
    pub origin: Origin,
    /// Whether it is a secret.
    pub secret: bool,
    /// Why it does not count, where that is not just a higher source.
    pub ignored: Option<Ignored>,
}

// === impl Explanation ===

/// What holds in the first line, what it overrode below it.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.winner {
            Some(winner) => write!(f, "{} = {winner}", self.path)?,
            None => write!(f, "{} is not given", self.path)?,
        }
        write!(f, ", since generation {}", self.since_generation)?;
        for loser in &self.losers {
            match loser.ignored {
                Some(why) if loser.value.is_empty() => {
                    write!(f, "\n  ignores {}: {why}", loser.origin.told(loser.secret))?;
                }
                Some(why) => write!(f, "\n  ignores {loser}: {why}")?,
                None => write!(f, "\n  overrides {loser}")?,
            }
        }
        Ok(())
    }
}

// === impl Given ===

/// The value, and where it was written.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.value, self.origin.told(self.secret))
    }
}

/// Of a secret, without the column, which would tell how long what stands before it is.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("value", &self.value)
            .field("origin", &self.origin.told(self.secret))
            .field("secret", &self.secret)
            .field("ignored", &self.ignored)
            .finish()
    }
}

impl Given {
    pub(super) fn of(node: &Node) -> Self {
        Self {
            value: node.shown(),
            origin: node.origin.clone(),
            secret: node.secret,
            ignored: None,
        }
    }
}
