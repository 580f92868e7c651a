//! The one watching thread of the process: events in, timers, signals out.
//!
//! It opens no file of the user and runs no code of the user. It starts with
//! the first [`Member`] and is gone after the last.

#[cfg(target_os = "linux")]
mod inotify;
mod schedule;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
pub(crate) use inotify::Interest;

use crate::signal::{NoticedBy, Ring, Signal};
use schedule::{Plan, Ticks};

/// What can be known of the watching thread, counted since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Watching threads that are alive: 0 or 1, and for a moment 2 when one
    /// ends while the next starts.
    pub threads: usize,
    /// How often the thread woke up.
    pub wakeups: u64,
    /// Events that mattered to some watch.
    pub events: u64,
    /// How often the poll's tick came.
    pub polls: u64,
    /// How often the kernel's event queue overflowed; everything is read again then.
    pub overflows: u64,
    /// How often the thread panicked and was started again.
    pub panics: u64,
    /// inotify watches held now.
    pub watches: usize,
}

/// How long the thread rests after what may go wrong again at once.
const BREATH: Duration = Duration::from_millis(20);

static COUNTS: Counts = Counts {
    wakeups: AtomicU64::new(0),
    events: AtomicU64::new(0),
    polls: AtomicU64::new(0),
    overflows: AtomicU64::new(0),
    panics: AtomicU64::new(0),
};

struct Counts {
    wakeups: AtomicU64,
    events: AtomicU64,
    polls: AtomicU64,
    overflows: AtomicU64,
    panics: AtomicU64,
}

static CURRENT: Mutex<Weak<Engine>> = Mutex::new(Weak::new());
static THREADS: Mutex<usize> = Mutex::new(0);
static THREAD_ENDED: Condvar = Condvar::new();

/// Keeps the thread alive; dropped with the last member.
pub(crate) struct Engine {
    core: Arc<Core>,
}

pub(crate) struct Core {
    state: Mutex<State>,
    /// Wakes the thread when it has no descriptors to wait on.
    kicked: Condvar,
    #[cfg(all(any(test, feature = "faults"), target_os = "linux"))]
    hooks: hooks::Hooks,
}

pub(crate) struct State {
    stop: bool,
    next_id: u64,
    members: HashMap<u64, Plan>,
    ticks: Ticks,
    /// When the thread means to wake up by itself.
    planned: Option<Instant>,
    #[cfg(target_os = "linux")]
    events: inotify::Events,
}

/// One watched path's seat at the engine.
pub(crate) struct Member {
    pub(crate) engine: Arc<Engine>,
    pub(crate) id: u64,
}

/// How the state of the thread is seen from outside.
///
/// ```
/// assert_eq!(retune_mount::health().panics, 0);
/// ```
pub fn health() -> Health {
    let engine = lock(&CURRENT).upgrade();
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Health {
        threads: *lock(&THREADS),
        wakeups: load(&COUNTS.wakeups),
        events: load(&COUNTS.events),
        polls: load(&COUNTS.polls),
        overflows: load(&COUNTS.overflows),
        panics: load(&COUNTS.panics),
        watches: engine.map_or(0, |engine| engine.watches()),
    }
}

/// Waits until no watching thread is left, as after the last
/// [`Watch`](crate::Watch) was dropped; tells whether that was reached in time.
pub fn wait_until_stopped(patience: Duration) -> bool {
    let threads = lock(&THREADS);
    let waited = THREAD_ENDED.wait_timeout_while(threads, patience, |threads| *threads > 0);
    *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Breaks the thread that runs, if one does.
#[cfg(all(any(test, feature = "faults"), target_os = "linux"))]
pub(crate) fn with_hooks(f: impl FnOnce(&hooks::Hooks)) {
    let engine = lock(&CURRENT).upgrade();
    if let Some(engine) = engine {
        f(&engine.core.hooks);
        engine.core.kick(&engine.core.lock());
    }
}

// === impl Engine ===

impl Engine {
    /// The process's engine, started if there is none.
    fn current() -> std::io::Result<Arc<Self>> {
        let mut current = lock(&CURRENT);
        if let Some(engine) = current.upgrade() {
            return Ok(engine);
        }
        let engine = Arc::new(Self::start()?);
        *current = Arc::downgrade(&engine);
        Ok(engine)
    }

    fn start() -> std::io::Result<Self> {
        let core = Arc::new(Core {
            state: Mutex::new(State {
                stop: false,
                next_id: 0,
                members: HashMap::new(),
                ticks: Ticks::default(),
                planned: None,
                #[cfg(target_os = "linux")]
                events: inotify::Events::default(),
            }),
            kicked: Condvar::new(),
            #[cfg(all(any(test, feature = "faults"), target_os = "linux"))]
            hooks: hooks::Hooks::default(),
        });
        let thread = Arc::clone(&core);
        *lock(&THREADS) += 1;
        let counted = Counted;
        std::thread::Builder::new()
            .name(String::from("retune-mount"))
            .spawn(move || {
                let _counted = counted;
                supervise(&thread);
                drop(thread);
            })?;
        Ok(Self { core })
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    #[cfg(target_os = "linux")]
    fn watches(&self) -> usize {
        self.core.lock().events.watches()
    }

    #[cfg(not(target_os = "linux"))]
    fn watches(&self) -> usize {
        0
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let mut state = self.core.lock();
        state.stop = true;
        self.core.kick(&state);
    }
}

/// Counts a thread for as long as it lives, or fails to start.
struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        *lock(&THREADS) -= 1;
        THREAD_ENDED.notify_all();
    }
}

// === impl Core ===

/// Runs the loop, and runs it again after a panic: whatever was missed
/// meanwhile, everybody is told to look.
fn supervise(core: &Core) {
    while catch_unwind(AssertUnwindSafe(|| core.run())).is_err() {
        COUNTS.panics.fetch_add(1, Ordering::Relaxed);
        core.lock().distrust().ring(NoticedBy::Event);
        // Should it panic for ever, then slowly.
        std::thread::sleep(BREATH);
    }
}

impl Core {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn run(&self) {
        loop {
            let mut state = self.lock();
            if state.stop {
                return;
            }
            let now = Instant::now();
            state.fire_due(now).ring(NoticedBy::Poll);
            state.planned = state.next_due();
            let timeout = state.planned.map(|due| due.saturating_duration_since(now));
            self.rest(state, timeout);
            COUNTS.wakeups.fetch_add(1, Ordering::Relaxed);
            #[cfg(all(any(test, feature = "faults"), target_os = "linux"))]
            self.hooks.maybe_panic();
        }
    }

    #[cfg(target_os = "linux")]
    fn rest(&self, state: MutexGuard<'_, State>, timeout: Option<Duration>) {
        match state.events.source() {
            Some(source) => {
                drop(state);
                source.wait(timeout);
                source.pass_on(self);
            }
            None => self.rest_on_condvar(state, timeout),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn rest(&self, state: MutexGuard<'_, State>, timeout: Option<Duration>) {
        self.rest_on_condvar(state, timeout);
    }

    fn rest_on_condvar(&self, state: MutexGuard<'_, State>, timeout: Option<Duration>) {
        match timeout {
            Some(timeout) => drop(self.kicked.wait_timeout(state, timeout)),
            None => drop(self.kicked.wait(state)),
        }
    }

    /// Makes the thread look at its plan again.
    pub(crate) fn kick(&self, state: &State) {
        self.kicked.notify_one();
        #[cfg(target_os = "linux")]
        if let Some(source) = state.events.source() {
            source.kick();
        }
        #[cfg(not(target_os = "linux"))]
        let _ = state;
    }
}

// === impl State ===

impl State {
    fn fire_due(&mut self, now: Instant) -> Ring {
        let due = self.ticks.take_due(now);
        if !due.is_empty() {
            COUNTS.polls.fetch_add(1, Ordering::Relaxed);
        }
        let mut ring = Ring::default();
        for plan in self.members.values_mut() {
            plan.fire_due(now, &due, &mut ring);
        }
        ring
    }

    fn next_due(&self) -> Option<Instant> {
        let once = self.members.values().filter_map(Plan::due).min();
        once.into_iter().chain(self.ticks.next()).min()
    }

    /// Events were lost, it is not known whose: everybody is to look, and to arm anew, as the end
    /// of a watch may be among what was lost.
    fn distrust(&mut self) -> Ring {
        #[cfg(target_os = "linux")]
        self.events.distrust();
        let mut ring = Ring::default();
        for plan in self.members.values() {
            ring.add(&plan.signal);
        }
        ring
    }
}

// === impl Member ===

impl Member {
    pub(crate) fn join(signal: &Signal, interval: Duration) -> std::io::Result<Self> {
        let engine = Engine::current()?;
        let id = {
            let mut state = engine.core.lock();
            let id = state.next_id;
            state.next_id += 1;
            state
                .members
                .insert(id, Plan::new(signal.clone(), interval));
            state.ticks.add(interval, Instant::now());
            engine.core.kick(&state);
            id
        };
        Ok(Self { engine, id })
    }

    /// Everything up to now is about to be read: nothing is held back any more.
    pub(crate) fn begin_read(&self) {
        if let Some(plan) = self.engine.core.lock().members.get_mut(&self.id) {
            plan.clear();
        }
    }

    /// Sets how often to poll, and one earlier look if it is wanted.
    pub(crate) fn plan(&self, interval: Duration, once: Once) {
        let mut state = self.engine.core.lock();
        let Some(plan) = state.members.get_mut(&self.id) else {
            return;
        };
        let old = std::mem::replace(&mut plan.interval, interval);
        plan.once = once;
        if old != interval {
            state.ticks.remove(old);
            state.ticks.add(interval, Instant::now());
        }
        let next = state.next_due();
        if next.is_some_and(|next| state.planned.is_none_or(|planned| next < planned)) {
            self.engine.core.kick(&state);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.engine.core.lock();
        if let Some(plan) = state.members.remove(&self.id) {
            state.ticks.remove(plan.interval);
        }
    }
}

pub(crate) use schedule::Once;

#[cfg(all(any(test, feature = "faults"), target_os = "linux"))]
mod hooks;
#[cfg(all(test, target_os = "linux"))]
mod tests;
