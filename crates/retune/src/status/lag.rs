//! How long changes took, counted for every generation: the history forgets.

use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::Times;
use crate::time;

/// How long changes took since the start. The first generation is no change: its volume may have
/// been published long before the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Lags {
    /// From the publish to the moment when readers saw it.
    pub swapped: Lag,
    /// From the publish to the moment when every subscriber had returned. A generation that leaves
    /// the history before that is not counted.
    pub applied: Lag,
}

/// A histogram of durations. Changes whose publish time nobody knows are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    counts: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

/// Upper bounds of the buckets, in microseconds. A swap takes some hundred; behind it stands a poll
/// of half a minute.
const BOUNDS: [u64; 16] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

// === impl Lags ===

impl Lags {
    /// Counts a generation that readers see from now on.
    pub(crate) fn swapped(&mut self, generation: u64, times: &Times) {
        if generation > 1 {
            times
                .lag()
                .into_iter()
                .for_each(|lag| self.swapped.add(lag));
        }
    }

    /// Counts a generation that every subscriber has returned from.
    pub(crate) fn applied(&mut self, generation: u64, times: &Times) {
        if generation > 1 {
            let lag = times.lag_applied().into_iter();
            lag.for_each(|lag| self.applied.add(lag));
        }
    }
}

// === impl Lag ===

impl Lag {
    fn add(&mut self, lag: Duration) {
        let bucket = BOUNDS.partition_point(|bound| Duration::from_micros(*bound) < lag);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += lag;
    }

    /// How many changes were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of what they took.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The buckets from the lowest: what a change took at most, and how many took that long and no
    /// less than the bucket before. The last has no bound.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = BOUNDS.into_iter().map(Duration::from_micros).map(Some);
        bounds.chain([None]).zip(self.counts)
    }
}

/// Buckets as pairs of seconds and count, without the empty ones; the last bound is `null`.
impl Serialize for Lag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Seconds(#[serde(serialize_with = "time::seconds")] Duration);

        let buckets = self.buckets().filter(|(_, count)| *count > 0);
        let buckets: Vec<_> = buckets
            .map(|(bound, count)| (bound.map(Seconds), count))
            .collect();
        let mut fields = serializer.serialize_struct("Lag", 3)?;
        fields.serialize_field("count", &self.count())?;
        fields.serialize_field("sum_seconds", &self.sum.as_secs_f64())?;
        fields.serialize_field("buckets", &buckets)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_bucket_that_it_does_not_exceed() {
        let mut lag = Lag::default();
        for millis in [1, 2, 90_000] {
            lag.add(Duration::from_millis(millis));
        }
        let used: Vec<_> = lag.buckets().filter(|(_, count)| *count > 0).collect();
        let bound = |micros| Some(Duration::from_micros(micros));
        assert_eq!(used, [(bound(1_000), 1), (bound(2_500), 1), (None, 1)]);
        assert_eq!(lag.count(), 3);
        assert_eq!(lag.sum(), Duration::from_millis(90_003));
    }

    #[test]
    fn i5_the_first_generation_and_unknown_publish_times_are_not_counted() {
        let noticed = std::time::UNIX_EPOCH + Duration::from_secs(100);
        let mut times = Times {
            published: Some(std::time::UNIX_EPOCH),
            noticed,
            swapped: noticed,
            applied: Some(noticed),
        };
        let mut lags = Lags::default();
        lags.swapped(1, &times);
        lags.applied(1, &times);
        times.published = None;
        lags.swapped(2, &times);
        lags.applied(2, &times);
        assert_eq!(lags, Lags::default());
        times.published = Some(noticed + Duration::from_secs(1));
        lags.swapped(3, &times);
        assert_eq!(lags, Lags::default(), "published in the future");
        times.published = Some(std::time::UNIX_EPOCH);
        lags.swapped(4, &times);
        assert_eq!(lags.swapped.sum(), Duration::from_secs(100));
    }
}
