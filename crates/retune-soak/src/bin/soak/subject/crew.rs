//! Those who read, and those who come to follow and go again.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::shift::Shift;
use super::slot::{Check, Subject, Visit};
use super::witness::Witness;
use crate::random::Random;

const READERS: usize = 4;

/// How many readers and generations one thread keeps, and how many visitors there are.
const MOST: usize = 8;

/// All threads of the soak's own.
pub(super) struct Crew {
    pub(super) shift: Arc<Shift>,
    threads: Vec<JoinHandle<()>>,
}

/// What one of them needs.
struct Hand {
    random: Random,
    slots: Arc<[Box<dyn Subject>]>,
    witness: Arc<Witness>,
    shift: Arc<Shift>,
}

// === impl Crew ===

impl Crew {
    pub(super) fn start(
        seed: u64,
        slots: &Arc<[Box<dyn Subject>]>,
        witness: &Arc<Witness>,
    ) -> Result<Self, String> {
        let shift = Arc::new(Shift::new(READERS + 1));
        let mut threads = Vec::new();
        for number in 0..=READERS {
            let hand = Hand {
                random: Random::new(seed, u64::MAX - number as u64),
                slots: slots.clone(),
                witness: witness.clone(),
                shift: shift.clone(),
            };
            let thread = thread::Builder::new().name(format!("soak-{number}"));
            let spawned = thread.spawn(move || match number {
                READERS => hand.visit(),
                _ => hand.read(),
            });
            threads.push(spawned.map_err(|error| error.to_string())?);
        }
        Ok(Self { shift, threads })
    }

    pub(super) fn end(self) {
        self.shift.end();
        for thread in self.threads {
            _ = thread.join();
        }
    }
}

// === impl Hand ===

impl Hand {
    fn slot(&mut self) -> Option<usize> {
        let index = self.random.index(self.slots.len());
        (index < self.slots.len()).then_some(index)
    }

    /// Reads in all ways there are, and holds what it read for a while.
    fn read(mut self) {
        let mut readers: Vec<Check> = Vec::new();
        let mut held: Vec<Check> = Vec::new();
        loop {
            let (slots, witness) = (self.slots.clone(), self.witness.clone());
            let let_go = || {
                readers.clear();
                held.clear();
                slots.iter().for_each(|slot| slot.release());
            };
            if !self.shift.goes_on(let_go) {
                return;
            }
            let Some(slot) = self.slot().and_then(|index| slots.get(index)) else {
                return;
            };
            match self.random.below(100) {
                0..50 => witness.read(slot.with()),
                50..70 => {
                    let index = self.random.index(readers.len());
                    if let Some(reader) = readers.get_mut(index) {
                        witness.read(reader());
                    }
                }
                70..80 => keep(&mut readers, slot.reader(), &mut self.random),
                80..88 => keep(&mut held, slot.hold(), &mut self.random),
                88..96 if !held.is_empty() => {
                    let index = self.random.index(held.len());
                    witness.read(held.swap_remove(index)());
                }
                96..98 => slot.release(),
                _ => {}
            }
            thread::sleep(Duration::from_micros(self.random.below(6_000)));
        }
    }

    /// Lets subscribers, gates and others come and go, and starts what was stopped and could not be started.
    fn visit(mut self) {
        let mut visitors: Vec<Box<dyn Any + Send>> = Vec::new();
        loop {
            if !self.shift.goes_on(|| visitors.clear()) {
                return;
            }
            let visit = [
                Visit::Subscriber,
                Visit::Changes,
                Visit::Stream,
                Visit::Gate,
            ];
            let visit = self.random.pick(&visit, Visit::Subscriber);
            let came = self
                .slot()
                .and_then(|index| self.slots.get(index)?.visit(visit));
            let stopped = self.slots.iter().filter(|slot| !slot.runs());
            stopped.for_each(|slot| _ = slot.ensure());
            if came.is_some() {
                self.witness.visitors.fetch_add(1, Ordering::Relaxed);
            }
            keep(&mut visitors, came, &mut self.random);
            thread::sleep(Duration::from_micros(self.random.below(60_000)));
        }
    }
}

/// Keeps one more, in place of another if there are many.
fn keep<T>(kept: &mut Vec<T>, one: Option<T>, random: &mut Random) {
    if kept.len() >= MOST {
        drop(kept.swap_remove(random.index(kept.len())));
    }
    kept.extend(one);
}
