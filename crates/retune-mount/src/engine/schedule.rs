//! When the watching thread looks by itself.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::signal::{Ring, Signal};

/// One member's plan.
pub(super) struct Plan {
    pub(super) signal: Signal,
    pub(super) interval: Duration,
    pub(super) once: Once,
}

/// An earlier look than the poll's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    No,
    /// At this time; events signal at once all the same.
    At(Instant),
    /// A burst is going on: events are not passed on, each of them pushes the
    /// look to `quiet` after itself, but never behind `cap`.
    Quiet {
        at: Instant,
        quiet: Duration,
        cap: Instant,
    },
}

/// The poll's ticks: one for all members with the same interval.
#[derive(Default)]
pub(super) struct Ticks(Vec<Tick>);

struct Tick {
    interval: Duration,
    at: Instant,
    members: usize,
}

// === impl Plan ===

impl Plan {
    pub(super) fn new(signal: Signal, interval: Duration) -> Self {
        Self {
            signal,
            interval,
            once: Once::No,
        }
    }

    pub(super) fn clear(&mut self) {
        self.once = Once::No;
    }

    pub(super) fn due(&self) -> Option<Instant> {
        match self.once {
            Once::No => None,
            Once::At(at) | Once::Quiet { at, .. } => Some(at),
        }
    }

    /// Takes one event into account.
    #[cfg(target_os = "linux")]
    pub(super) fn event(&mut self, now: Instant, ring: &mut Ring) {
        match &mut self.once {
            Once::Quiet { at, quiet, cap } => *at = (now + *quiet).min(*cap),
            Once::No | Once::At(_) => ring.add(&self.signal),
        }
    }

    pub(super) fn fire_due(&mut self, now: Instant, ticked: &[Duration], ring: &mut Ring) {
        let own = self.due().is_some_and(|at| at <= now);
        let polled = ticked.contains(&self.interval) && !matches!(self.once, Once::Quiet { .. });
        if own {
            self.once = Once::No;
        }
        if own || polled {
            ring.add(&self.signal);
        }
    }
}

// === impl Ticks ===

impl Ticks {
    pub(super) fn add(&mut self, interval: Duration, now: Instant) {
        match self.0.iter_mut().find(|tick| tick.interval == interval) {
            Some(tick) => tick.members += 1,
            None => self.0.push(Tick {
                interval,
                at: now + jittered(interval),
                members: 1,
            }),
        }
    }

    pub(super) fn remove(&mut self, interval: Duration) {
        if let Some(tick) = self.0.iter_mut().find(|tick| tick.interval == interval) {
            tick.members -= 1;
        }
        self.0.retain(|tick| tick.members > 0);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|tick| tick.at).min()
    }

    /// The intervals whose tick is due; each is planned anew.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Duration> {
        let mut due = Vec::new();
        for tick in self.0.iter_mut().filter(|tick| tick.at <= now) {
            tick.at = now + jittered(tick.interval);
            due.push(tick.interval);
        }
        due
    }
}

/// An interval within 15 % of the given one, so that a fleet does not move in step.
fn jittered(interval: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 1024;
    interval.mul_f64(0.85 + 0.3 * (random as f64) / 1024.0)
}

#[cfg(test)]
mod tests;
