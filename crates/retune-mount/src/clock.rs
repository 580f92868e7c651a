//! The wall clock, which may be set at any time. For what is waited for there is `Instant`.

use std::time::SystemTime;

/// What the wall clock shows; tests set it.
#[doc(hidden)]
#[must_use]
pub fn wall_clock() -> SystemTime {
    let now = SystemTime::now();
    #[cfg(any(test, feature = "faults"))]
    let now = crate::injected::clock(now);
    now
}
