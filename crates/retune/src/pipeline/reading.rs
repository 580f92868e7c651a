//! Reading the sources: all of one moment, and no more than is new.

use std::time::{Duration, Instant, SystemTime};

use retune_mount::{Pins, Signal, wall_clock};

use super::{Observation, Pipeline};
use crate::source::{Context, Layer, Sealed, Wanted};
use crate::time;

#[cfg(test)]
mod tests;

/// How long a reading is started over in which a volume is not whole, before that is a fault.
const MOST_TIME: Duration = Duration::from_secs(2);

/// Readings that are started over when sources change faster than they can be read. The last one is
/// taken as it is: each volume in it is whole.
const MOST_READINGS: usize = 8;

/// How long somebody who asked for a reading waits until all files are at rest. A restless file is taken after two
/// seconds, but then another may be in the middle of its own.
pub(crate) const MOST_SETTLING: Duration = Duration::from_secs(4);

/// A reading that found what runs.
pub(crate) struct Same {
    /// A heartbeat is missed, or a value expires then: look again.
    pub(crate) due: Option<Instant>,
}

// === impl Pipeline ===

impl Pipeline {
    /// Makes the next reading one of what is there now, whatever a source keeps.
    pub(crate) fn distrust(&mut self) {
        self.sources.iter_mut().for_each(|source| source.distrust());
    }

    /// Reads and merges all sources. `doing` is told which one is being read.
    pub(crate) fn observe(
        &mut self,
        signal: Option<&Signal>,
        mut doing: impl FnMut(&str),
    ) -> Observation {
        self.settled = false;
        let (layers, pins) = self.read_whole(signal, &mut doing);
        self.combine(layers, pins)
    }

    /// The first reading, to start with: a file that is being written has nothing yet that could be gone on with,
    /// so that it is waited for.
    pub(crate) fn observe_first(&mut self, signal: &Signal) -> Observation {
        let began = Instant::now();
        loop {
            let seen = self.observe(Some(signal), |_| {});
            match seen.settling {
                Some(until) if seen.failed && began.elapsed() < MOST_SETTLING => {
                    signal.wait(Some(until));
                }
                _ => return seen,
            }
        }
    }

    /// As [`observe`](Self::observe), unless all sources give what they gave when what runs was accepted.
    /// Then nothing is made of it.
    pub(crate) fn observe_news(
        &mut self,
        signal: &Signal,
        mut doing: impl FnMut(&str),
    ) -> Result<Observation, Same> {
        let now = wall_clock();
        if !std::mem::take(&mut self.settled) || self.any_expired(now) {
            return Ok(self.observe(Some(signal), doing));
        }
        let mut pins = self.pins();
        let layers = self.read(&mut pins, Some(signal), Wanted::News, &mut doing);
        let whole = !layers.iter().any(Layer::is_torn) && pins.still_current();
        if !whole {
            return Ok(self.observe(Some(signal), doing));
        }
        if layers.iter().all(|layer| layer.same) {
            self.settled = true;
            return Err(self.same(&layers, now));
        }
        Ok(self.combine(layers, pins))
    }

    /// What was accepted runs: as long as the sources give the same, nothing needs to be made of it.
    pub(crate) fn settle(&mut self) {
        // What has expired is told as long as it is so, and the clock may be set back.
        self.settled = !self.any_expired(wall_clock());
    }

    /// What runs is not what was accepted last.
    pub(crate) fn unsettle(&mut self) {
        self.settled = false;
    }

    fn any_expired(&self, now: SystemTime) -> bool {
        self.validities.iter().any(|v| v.has_expired(now))
    }

    fn pins(&self) -> Pins {
        let pins = Pins::new(self.options.limits);
        match &self.options.root {
            Some(root) => pins.rooted(root),
            None => pins,
        }
    }

    /// Reads all sources until they are of one moment.
    fn read_whole(
        &mut self,
        signal: Option<&Signal>,
        doing: &mut impl FnMut(&str),
    ) -> (Vec<Layer>, Pins) {
        let began = Instant::now();
        let mut readings = 0;
        loop {
            let mut pins = self.pins();
            let mut layers = self.read(&mut pins, signal, Wanted::All, doing);
            let torn = layers.iter().any(Layer::is_torn);
            readings += 1;
            let late = began.elapsed() > MOST_TIME;
            if late {
                layers.iter_mut().for_each(Layer::refuse_away);
            }
            let enough = !torn && readings >= MOST_READINGS || late;
            if enough || !torn && pins.still_current() {
                return (layers, pins);
            }
            if torn {
                // Whoever swaps this fast gets a moment to come to rest, and what is away to come back.
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn read(
        &mut self,
        pins: &mut Pins,
        signal: Option<&Signal>,
        wanted: Wanted,
        doing: &mut impl FnMut(&str),
    ) -> Vec<Layer> {
        let mut context = Context {
            schema: self.schema,
            flat: &self.flat,
            pins,
            signal,
            separator: self.options.separator,
            poll: self.options.poll,
            asks_modes: self.options.warn_world_readable,
            wanted,
        };
        let mut layers = Vec::with_capacity(self.sources.len() + 1);
        for source in &mut self.sources {
            doing(&source.name());
            layers.push(source.read(&mut context));
        }
        layers.push(self.code.read(&mut context));
        if layers.iter().any(|layer| !layer.same) {
            context.wanted = Wanted::Rest;
            for (source, layer) in self.sources.iter_mut().zip(&mut layers) {
                if layer.left_out {
                    *layer = source.read(&mut context);
                }
            }
        }
        layers
    }

    /// Takes what gives the same for the live one.
    fn same(&mut self, layers: &[Layer], now: SystemTime) -> Same {
        self.stamps = layers.iter().map(|layer| layer.published).collect();
        for source in &mut self.sources {
            source.accepted();
        }
        let due = layers.iter().flat_map(Layer::look_again);
        let expires = self.validities.iter().filter_map(|v| v.expires).min();
        let expires = expires.and_then(|at| time::timer(at, now));
        Same {
            due: due.chain(expires).min(),
        }
    }
}
