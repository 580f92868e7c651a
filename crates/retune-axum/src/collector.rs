//! Metrics of a live configuration, computed from its status when they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use retune::Live;
use retune::status::{Expiry, Health, Lag, PathStatus, RejectionReason, Status};

/// Metrics of `live`, to register in a program's own registry. They are computed when they are
/// asked for, and hold no value of the configuration; the crate's page lists them.
///
/// ```
/// use prometheus_client::registry::Registry;
/// use retune::Live;
///
/// # fn main() -> std::fmt::Result {
/// let live = Live::fixed(());
/// let mut registry = Registry::default();
/// registry.register_collector(Box::new(retune_axum::collector(live)));
/// let mut text = String::new();
/// prometheus_client::encoding::text::encode(&mut text, &registry)?;
/// assert!(text.contains("retune_generation 1\n"));
/// # Ok(())
/// # }
/// ```
///
/// A program with several configurations registers each in a sub-registry with a label of its own:
/// `registry.sub_registry_with_label(("config".into(), "tenants".into()))`.
pub fn collector(live: Live<impl Send + Sync + 'static>) -> impl Collector {
    StatusCollector(live)
}

struct StatusCollector<T: Send + Sync + 'static>(Live<T>);

/// Writes metrics one by one.
struct Metrics<'a>(DescriptorEncoder<'a>);

// === impl StatusCollector ===

impl<T: Send + Sync + 'static> Collector for StatusCollector<T> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = self.0.status();
        let mut metrics = Metrics(encoder);
        metrics.of_generations(&status)?;
        metrics.of_observations(&status)?;
        metrics.of_lags(&status)?;
        metrics.of_ages(&status)?;
        metrics.of_health(&status)
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for StatusCollector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StatusCollector").finish_non_exhaustive()
    }
}

// === impl Metrics ===

impl Metrics<'_> {
    fn of_generations(&mut self, status: &Status) -> fmt::Result {
        self.gauge(
            "retune_generation",
            "Number of the generation that readers see.",
            status.generation,
        )?;
        // Not of OpenMetrics' type `info`, which Prometheus' own text format does not know.
        self.0
            .encode_descriptor(
                "retune_config_info",
                "Hash of the values that readers see, secrets aside: replicas that run the same have the same.",
                None,
                MetricType::Gauge,
            )?
            .encode_family(&[("hash", status.hash.as_str())])?
            .encode_gauge(&1_u64)?;
        self.gauge(
            "retune_generations_held",
            "Old generations that somebody still holds.",
            status.held.generations,
        )?;
        self.seconds(
            "retune_generations_held_oldest",
            "Since when the oldest of them has been replaced.",
            status.held.oldest_seconds.as_secs_f64(),
        )
    }

    fn of_observations(&mut self, status: &Status) -> fmt::Result {
        let counters = &status.counters;
        self.counters(
            "retune_reloads",
            "Observations of the sources, by their outcome.",
            "result",
            &[
                ("applied", counters.applied),
                ("unchanged", counters.unchanged),
                ("rejected", counters.rejected()),
            ],
        )?;
        self.counters(
            "retune_rejected",
            "Observations that were refused: a source cannot be read, a value is invalid, a gate said no, volumes stayed apart.",
            "reason",
            &[
                (RejectionReason::Source.as_str(), counters.rejected_source),
                (RejectionReason::Invalid.as_str(), counters.rejected_invalid),
                (RejectionReason::Gate.as_str(), counters.rejected_gate),
                (RejectionReason::Revision.as_str(), counters.rejected_revision),
            ],
        )?;
        self.counters(
            "retune_noticed",
            "Observations by what made them: an event of the file system, or a poll.",
            "by",
            &[("event", counters.events), ("poll", counters.polls)],
        )
    }

    fn of_lags(&mut self, status: &Status) -> fmt::Result {
        self.histogram(
            "retune_propagation",
            "From the publish of a change to the moment when readers saw it.",
            &status.lags.swapped,
        )?;
        self.histogram(
            "retune_propagation_applied",
            "From the publish of a change to the moment when every subscriber had returned.",
            &status.lags.applied,
        )
    }

    /// One series a path: of values at the same path, which are those of a map whose keys are secret, the
    /// one that expires first.
    fn of_ages(&mut self, status: &Status) -> fmt::Result {
        let mut first: BTreeMap<&str, &Expiry> = BTreeMap::new();
        for expiry in &status.expiries {
            let end = |expiry: &Expiry| (expiry.expires.is_none(), expiry.expires);
            let known = first.entry(&expiry.path).or_insert(expiry);
            if end(expiry) < end(known) {
                *known = expiry;
            }
        }
        let of = |time: fn(&Expiry) -> Option<SystemTime>| {
            let times = first.iter();
            times.filter_map(move |(path, expiry)| Some((*path, unix(time(expiry)?))))
        };
        self.by_path(
            "retune_expires_timestamp",
            "When a value expires: a certificate, a token. One that runs has expired when this is past.",
            of(|expiry| expiry.expires),
        )?;
        self.by_path(
            "retune_valid_from_timestamp",
            "From when a value is valid, of those that tell it.",
            of(|expiry| expiry.not_before),
        )?;
        let mut changed: BTreeMap<&str, SystemTime> = BTreeMap::new();
        for secret in &status.secrets {
            let last = changed.entry(&secret.path).or_insert(secret.changed);
            *last = secret.changed.max(*last);
        }
        self.by_path(
            "retune_secret_changed_timestamp",
            "Since when a secret is what it is; in a new pod, since its volume was made.",
            changed.into_iter().map(|(path, at)| (path, unix(at))),
        )
    }

    fn of_health(&mut self, status: &Status) -> fmt::Result {
        self.gauge(
            "retune_last_reload_success",
            "1 if the last observation was good, 0 if it was refused and the last good generation serves on.",
            u64::from(status.rejection.is_none()),
        )?;
        self.seconds(
            "retune_last_success_timestamp",
            "When an observation was good last.",
            unix(status.last_success),
        )?;
        self.gauge(
            "retune_degraded",
            "1 if an update was refused, a volume is orphaned, a value has expired or something is stuck.",
            u64::from(status.health == Health::Degraded),
        )?;
        self.gauge(
            "retune_warnings",
            "What is odd but not wrong.",
            status.warnings.len(),
        )?;
        self.gauge(
            "retune_pending_restart",
            "Values that are changed and take effect on restart.",
            status.pending_restart.len(),
        )?;
        self.overlaps(status)?;
        let apart = status.waiting.as_ref();
        let apart = apart.and_then(|waiting| waiting.since.elapsed().ok());
        self.seconds(
            "retune_waiting",
            "For how long volumes that belong together have been of different revisions; 0 if they are not.",
            apart.unwrap_or_default().as_secs_f64(),
        )?;
        self.watch_mode(status)?;
        self.heartbeats(status)?;
        let stuck = status.stuck.as_ref();
        self.seconds(
            "retune_stuck",
            "For how long a reload has been stuck; 0 if none is.",
            stuck.map_or(0.0, |stuck| stuck.seconds.as_secs_f64()),
        )?;
        self.gauge(
            "retune_subscribers_late",
            "Subscribers that have not returned from a change in time.",
            status.late.len(),
        )?;
        let counters = &status.counters;
        self.counter(
            "retune_subscriber_panics",
            "Panics of subscribers, caught.",
            counters.subscriber_panics,
        )?;
        self.counter(
            "retune_event_overflows",
            "How often the kernel's queue of events was full, so that all was looked at again.",
            counters.overflows,
        )?;
        self.counter(
            "retune_watcher_panics",
            "Panics of the thread that watches, which goes on.",
            counters.watcher_panics,
        )
    }

    /// 1 for the mode of each path. A path that two sources read is one: a series that is there
    /// twice fails the whole scrape.
    fn watch_mode(&mut self, status: &Status) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(
            "retune_watch_mode",
            "How changes of a path are noticed: the mode that it is in is 1.",
            None,
            MetricType::Gauge,
        )?;
        let paths = status.sources.iter().flat_map(|source| &source.paths);
        let modes: BTreeSet<_> = paths
            .map(|PathStatus { path, mode, .. }| (path.as_str(), mode.as_str()))
            .collect();
        for (path, mode) in modes {
            metric
                .encode_family(&[("path", path), ("mode", mode)])?
                .encode_gauge(&1_u64)?;
        }
        Ok(())
    }

    fn overlaps(&mut self, status: &Status) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(
            "retune_overlap_ends_timestamp",
            "When a value is no longer taken that was replaced by another; +Inf if that does not end by itself.",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for overlap in &status.overlaps {
            metric
                .encode_family(&[("path", overlap.path.as_str())])?
                .encode_gauge(&overlap.until.map_or(f64::INFINITY, unix))?;
        }
        Ok(())
    }

    /// Of a volume that two sources read, one: for the same reason.
    fn heartbeats(&mut self, status: &Status) -> fmt::Result {
        let beats = status.sources.iter().filter_map(|source| {
            let path = source.paths.first()?.path.as_str();
            Some((path, unix(source.heartbeat_expires?)))
        });
        self.by_path(
            "retune_heartbeat_expires_timestamp",
            "When the token in a volume expires that tells that the volume is still written.",
            beats.collect::<BTreeMap<_, _>>(),
        )
    }

    /// Seconds, one series a path: that none is there twice is for the caller to see to.
    fn by_path<'p>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (&'p str, f64)>,
    ) -> fmt::Result {
        let mut metric =
            self.0
                .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for (path, seconds) in series {
            metric
                .encode_family(&[("path", path)])?
                .encode_gauge(&seconds)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, None, MetricType::Gauge)?
            .encode_gauge(&value)
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, f64>(&count, None)
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?
            .encode_gauge(&value)
    }

    fn histogram(&mut self, name: &str, help: &str, lag: &Lag) -> fmt::Result {
        let buckets: Vec<_> = lag
            .buckets()
            .map(|(bound, count)| {
                (
                    bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64()),
                    count,
                )
            })
            .collect();
        self.0
            .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(lag.sum().as_secs_f64(), lag.count(), &buckets, None)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: &[(&str, u64)],
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value, count) in values {
            metric
                .encode_family(&[(label, *value)])?
                .encode_counter::<NoLabelSet, _, f64>(count, None)?;
        }
        Ok(())
    }
}

fn unix(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}
