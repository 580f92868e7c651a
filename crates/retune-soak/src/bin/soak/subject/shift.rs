//! Working and resting, for many threads at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Work,
    Rest,
    End,
}

/// Whether the crew works.
#[derive(Debug)]
pub(super) struct Shift {
    crew: usize,
    /// And how many rest.
    state: Mutex<(Told, usize)>,
    changed: Condvar,
}

// === impl Shift ===

impl Shift {
    /// Of so many threads. They rest first.
    pub(super) fn new(crew: usize) -> Self {
        Self {
            crew,
            state: Mutex::new((Told::Rest, 0)),
            changed: Condvar::new(),
        }
    }

    pub(super) fn work(&self) {
        self.tell(Told::Work);
    }

    /// Waits until all rest.
    pub(super) fn rest(&self) {
        self.tell(Told::Rest);
        let mut state = self.lock();
        while state.1 < self.crew {
            state = self.wait(state);
        }
    }

    pub(super) fn end(&self) {
        self.tell(Told::End);
    }

    /// For a thread of the crew, between two pieces of work: rests as long as it is told to, having
    /// let go of all it holds. False at the end.
    pub(super) fn goes_on(&self, let_go: impl FnOnce()) -> bool {
        match self.lock().0 {
            Told::Work => return true,
            Told::Rest | Told::End => let_go(),
        }
        let mut state = self.lock();
        state.1 += 1;
        self.changed.notify_all();
        while state.0 == Told::Rest {
            state = self.wait(state);
        }
        state.1 -= 1;
        state.0 == Told::Work
    }

    fn tell(&self, told: Told) {
        self.lock().0 = told;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, (Told, usize)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, (Told, usize)>) -> MutexGuard<'a, (Told, usize)> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }
}
