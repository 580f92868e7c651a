//! A configuration's place in the process: it is started, stopped, started anew, read and followed.

use std::any::Any;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use retune::status::{Health, Status, WatchMode};
use retune::{EnvView, Live};

use super::config::{Documents, Files, NUDGE, Secrets, Soaked, Typed};
use super::witness::Witness;
use crate::content::Serial;
use crate::shape::{Kind, Life};

/// A check of what is read, to be done again and again.
pub(super) type Check = Box<dyn FnMut() -> Result<(), String>>;

/// How somebody follows a configuration for a while.
#[derive(Clone, Copy, Debug)]
pub(super) enum Visit {
    Subscriber,
    /// On a thread of its own.
    Changes,
    Stream,
    /// Refuses every second candidate.
    Gate,
}

/// What all configurations that were in a slot have counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) generations: u64,
    pub(super) refused: u64,
    pub(super) unchanged: u64,
    pub(super) held: u64,
    /// By the bound of a bucket; the last has none.
    pub(super) applied: Vec<(Option<Duration>, u64)>,
}

/// A slot, whatever its type.
pub(super) trait Subject: Send + Sync {
    /// Starts it where it does not run.
    fn ensure(&self) -> Result<(), String>;
    /// Stops it.
    fn stop(&self);
    fn runs(&self) -> bool;
    /// Reads once by `with`, on this thread.
    fn with(&self) -> Result<(), String>;
    /// A reader, kept.
    fn reader(&self) -> Option<Check>;
    /// A generation, kept: it stays as it is.
    fn hold(&self) -> Option<Check>;
    /// Lets go of what this thread read last.
    fn release(&self);
    /// Comes, and leaves when what is returned is dropped.
    fn visit(&self, visit: Visit) -> Option<Box<dyn Any + Send>>;
    fn totals(&self) -> Totals;
    /// Makes its history the same as after any other calm: small changes alone.
    fn fill_history(&self) -> Result<(), String>;
    /// What is not yet as it has to be when all has settled.
    fn unsettled(&self, serial: Serial) -> Result<(), String>;
}

struct Slot<T: Soaked> {
    life: Life,
    live: RwLock<Option<Live<T>>>,
    /// One starts it at a time.
    starting: Mutex<()>,
    /// Of those that were stopped.
    before: Mutex<Totals>,
    witness: Arc<Witness>,
}

pub(super) fn of(life: Life, witness: &Arc<Witness>) -> Box<dyn Subject> {
    match life.kind {
        Kind::Documents => Slot::<Documents>::boxed(life, witness),
        Kind::Environment => Slot::<EnvView>::boxed(life, witness),
        Kind::Typed | Kind::Polled => Slot::<Typed>::boxed(life, witness),
        Kind::Secrets => Slot::<Secrets>::boxed(life, witness),
        Kind::Files => Slot::<Files>::boxed(life, witness),
    }
}

// === impl Slot ===

impl<T: Soaked> Slot<T> {
    fn boxed(life: Life, witness: &Arc<Witness>) -> Box<dyn Subject> {
        Box::new(Self {
            life,
            live: RwLock::new(None),
            starting: Mutex::default(),
            before: Mutex::default(),
            witness: witness.clone(),
        })
    }

    fn live(&self) -> Option<Live<T>> {
        self.live
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Checks what a subscriber, a gate or a stream is told.
    fn looker(&self) -> impl Fn(&T) + Send + Sync + 'static {
        let (places, witness) = (self.life.places.clone(), self.witness.clone());
        move |value| witness.read(value.serials(&places))
    }
}

impl<T: Soaked> Subject for Slot<T> {
    fn ensure(&self) -> Result<(), String> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.runs() {
            return Ok(());
        }
        let live = T::watch(&self.life)?;
        // Those that stay as long as it runs.
        let look = self.looker();
        live.subscribe(move |change| look(change.new_value()))
            .detach();
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(live);
        Ok(())
    }

    fn stop(&self) {
        let taken = self
            .live
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(live) = taken else {
            return;
        };
        if let Err(error) = live.stop() {
            self.witness.wrong(format!("stopping: {error}"));
        }
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        before.add(&live.status());
        before.held = 0;
    }

    fn runs(&self) -> bool {
        self.live
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    fn with(&self) -> Result<(), String> {
        let places = &self.life.places;
        self.live().map_or(Ok(()), |live| {
            live.with(|value| value.serials(places).map(drop))
        })
    }

    fn reader(&self) -> Option<Check> {
        let mut reader = self.live()?.reader();
        let places = self.life.places.clone();
        Some(Box::new(move || reader.get().serials(&places).map(drop)))
    }

    fn hold(&self) -> Option<Check> {
        let snapshot = self.live()?.load();
        let places = self.life.places.clone();
        let first = snapshot.serials(&places);
        Some(Box::new(move || {
            match (&first, snapshot.serials(&places)) {
                (Ok(first), Ok(now)) if *first == now => Ok(()),
                (first, now) => Err(format!(
                    "a held generation changed: {first:?}, then {now:?}"
                )),
            }
        }))
    }

    fn release(&self) {
        if let Some(live) = self.live() {
            live.release();
        }
    }

    fn visit(&self, visit: Visit) -> Option<Box<dyn Any + Send>> {
        let live = self.live()?;
        let look = self.looker();
        Some(match visit {
            Visit::Subscriber => Box::new(live.subscribe(move |change| look(change.new_value()))),
            Visit::Changes => {
                let mut changes = live.changes();
                let ends = Arc::new(());
                let gone = Arc::downgrade(&ends);
                let follow = move || {
                    // It leaves with the first change after it was sent away, or with the configuration.
                    for change in changes.by_ref() {
                        look(change.new_value());
                        if gone.strong_count() == 0 {
                            return;
                        }
                    }
                };
                let thread = thread::Builder::new().name("soak-changes".to_owned());
                thread.spawn(follow).ok()?;
                Box::new(ends)
            }
            Visit::Stream => {
                let mut stream = live.stream();
                let mut context = Context::from_waker(Waker::noop());
                use futures_core::Stream as _;
                while let Poll::Ready(Some(change)) = Pin::new(&mut stream).poll_next(&mut context)
                {
                    look(change.new_value());
                }
                Box::new(stream)
            }
            Visit::Gate => {
                let asked = AtomicU64::new(0);
                Box::new(live.gate(move |value: &T| {
                    look(value);
                    match asked.fetch_add(1, Ordering::Relaxed) % 2 {
                        0 => Err("as the soak wants it"),
                        _ => Ok(()),
                    }
                }))
            }
        })
    }

    fn totals(&self) -> Totals {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let mut totals = before.clone();
        drop(before);
        if let Some(live) = self.live() {
            totals.add(&live.status());
        }
        totals
    }

    fn fill_history(&self) -> Result<(), String> {
        let Some(live) = self.live() else {
            return Ok(());
        };
        // Of the same length each, in an order that makes each of them a change.
        for number in 0..Status::MAX_HISTORY_LEN {
            let set = live.set(NUDGE, (100 + number).to_string());
            set.map_err(|error| format!("setting by code: {error}"))?;
        }
        let unset = live.unset(NUDGE);
        unset
            .map(drop)
            .map_err(|error| format!("setting by code: {error}"))
    }

    fn unsettled(&self, serial: Serial) -> Result<(), String> {
        let kind = self.life.kind;
        let Some(live) = self.live() else {
            return Err(format!("{kind:?}: it does not run"));
        };
        let serials = live.load().serials(&self.life.places)?;
        live.release();
        let mut places = self.life.places.iter().zip(serials);
        let other = places.find(|(_, found)| *found != serial);
        let status = live.status();
        let wrong = if let Some((place, found)) = other {
            let path = place.path.display();
            Some(format!(
                "{path} still shows {found} and not {serial}: {:?}",
                status.reasons
            ))
        } else if status.health != Health::Ok {
            Some(format!("{:?}", status.reasons))
        } else if status.held.generations > 0 {
            Some(format!(
                "{} old generations are held",
                status.held.generations
            ))
        } else if !status.overlaps.is_empty() || !status.late.is_empty() {
            Some(format!("{:?} {:?}", status.overlaps, status.late))
        } else {
            let expected = if kind == Kind::Polled {
                WatchMode::Polling
            } else {
                WatchMode::Events
            };
            let mut paths = status.sources.iter().flat_map(|source| &source.paths);
            paths
                .find(|path| path.mode != expected)
                .map(|path| format!("{}: {}, not {expected}", path.path, path.detail))
        };
        wrong.map_or(Ok(()), |wrong| Err(format!("{kind:?}: {wrong}")))
    }
}

// === impl Totals ===

impl Totals {
    fn add(&mut self, status: &Status) {
        let counters = &status.counters;
        self.generations += counters.applied;
        self.refused += counters.rejected();
        self.unchanged += counters.unchanged;
        self.held += status.held.generations as u64;
        self.count(status.lags.applied.buckets());
    }

    /// Adds another's, too.
    pub(super) fn merge(&mut self, other: Self) {
        self.generations += other.generations;
        self.refused += other.refused;
        self.unchanged += other.unchanged;
        self.held += other.held;
        self.count(other.applied.into_iter());
    }

    fn count(&mut self, buckets: impl Iterator<Item = (Option<Duration>, u64)>) {
        for (at, (bound, count)) in buckets.enumerate() {
            match self.applied.get_mut(at) {
                Some(bucket) => bucket.1 += count,
                None => self.applied.push((bound, count)),
            }
        }
    }
}
