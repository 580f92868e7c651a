//! A short-lived token beside the values of a volume: once it has expired, nobody writes there.

use std::time::{Duration, Instant, SystemTime};

use retune_mount::wall_clock;

use crate::jwt::Claims;
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
        let expires = Claims::read(token)?.expires?;
        Some(Self::at(wall_clock(), expires))
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

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

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
        let token = "e30.eyJleHAiOjllMTh9.x"; // {"exp":9e18}
        let beat = Heartbeat::read(token.as_bytes()).unwrap();
        assert!(!beat.stopped, "further ahead than any timer: {beat:?}");
    }
}
