//! Times as people and programs read them: RFC 3339, in UTC.

use std::time::{Duration, Instant, SystemTime};

use retune_mount::Utc;

/// How far the clock that set a time may be ahead of, or behind, the one that reads it.
pub(crate) const LEEWAY: Duration = Duration::from_secs(30);

/// When a timer has to ring for that time of the wall clock; `None` where none reaches so far.
pub(crate) fn timer(time: SystemTime, now: SystemTime) -> Option<Instant> {
    let left = time.duration_since(now).unwrap_or_default();
    Instant::now().checked_add(left)
}

/// For people: whole seconds without a fraction.
pub(crate) fn told(time: SystemTime) -> String {
    Utc::from(time).rfc3339().replace(".000000Z", "Z")
}

pub(crate) fn serialize<S: serde::Serializer>(
    time: &SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&Utc::from(*time).rfc3339())
}

pub(crate) fn serialize_option<S: serde::Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// Seconds, as Prometheus counts.
pub(crate) fn seconds<S: serde::Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
