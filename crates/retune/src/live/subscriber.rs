//! Who is told of a new generation, and how far each has come.

#[cfg(all(test, loom))]
mod loom_tests;

use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use super::sync::{Condvar, Mutex, MutexGuard};

/// One subscriber: it is told that there is a newer generation, and fetches the latest by itself.
/// So nothing queues up, and nobody waits for it.
#[derive(Debug)]
pub(crate) struct Subscriber {
    name: String,
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Debug)]
struct State {
    /// The newest generation that it was told of.
    announced: u64,
    /// The newest one that it took.
    taken: u64,
    /// The newest one that it has finished with.
    done: u64,
    /// Since when it has owed an answer.
    behind_since: Option<Instant>,
    /// Since when there has been something newer than what it took.
    newer_since: Option<Instant>,
    closed: bool,
    waker: Option<Waker>,
}

/// Everybody who is subscribed.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    all: Mutex<Vec<Arc<Subscriber>>>,
}

// === impl Subscriber ===

impl Subscriber {
    /// A subscriber that is to be told of the generation that holds now.
    fn new(name: String, current: u64) -> Self {
        let state = State {
            announced: current,
            taken: 0,
            done: 0,
            behind_since: Some(Instant::now()),
            newer_since: None,
            closed: false,
            waker: None,
        };
        Self {
            name,
            state: Mutex::new(state),
            told: Condvar::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn announce(&self, generation: u64) {
        let mut state = self.state();
        state.announced = state.announced.max(generation);
        // It is current before it is announced: the subscriber may be through with it already.
        if state.announced > state.done {
            let now = Instant::now();
            state.behind_since.get_or_insert(now);
            if state.announced > state.taken {
                state.newer_since.get_or_insert(now);
            }
        }
        drop(state);
        self.told.notify_one();
    }

    /// Wakes the task that polled last, if it still waits. A waker is the program's own code, to be
    /// run under no lock.
    pub(crate) fn wake(&self) {
        let waker = self.state().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ends the subscription: nothing is taken any more.
    fn close(&self) {
        self.state().closed = true;
        self.told.notify_all();
    }

    /// Waits until there is something newer than what was taken; `false` at the end. `take` then
    /// fetches the latest and tells its number.
    pub(crate) fn wait<V>(&self, take: impl FnOnce() -> (u64, V)) -> Option<V> {
        let mut state = self.state();
        while !state.closed && state.announced <= state.taken {
            state = self
                .told
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Self::take(state, take)
    }

    /// The same without waiting: the waker is woken when it is worth asking again.
    pub(crate) fn poll<V>(
        &self,
        waker: &Waker,
        take: impl FnOnce() -> (u64, V),
    ) -> Poll<Option<V>> {
        // Cloned first: a waker is the program's own code.
        let waker = waker.clone();
        let mut state = self.state();
        if !state.closed && state.announced <= state.taken {
            let old = state.waker.replace(waker);
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        Poll::Ready(Self::take(state, take))
    }

    fn take<V>(mut state: MutexGuard<'_, State>, take: impl FnOnce() -> (u64, V)) -> Option<V> {
        if state.closed {
            return None;
        }
        let (generation, value) = take();
        state.taken = generation.max(state.announced);
        state.announced = state.taken;
        state.newer_since = None;
        Some(value)
    }

    /// Says that the subscriber has returned from what it took; how far it has come now.
    pub(crate) fn finish(&self) -> u64 {
        let mut state = self.state();
        state.done = state.taken;
        state.behind_since = state.newer_since;
        state.done
    }

    /// The generation that it has not finished with, and since when.
    pub(crate) fn behind(&self) -> Option<(u64, Instant)> {
        let state = self.state();
        state
            .behind_since
            .filter(|_| !state.closed)
            .map(|since| (state.announced, since))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Subscribers ===

impl Subscribers {
    /// Adds a subscriber. `current` is read with the list locked: a generation is either already
    /// current then, or announced to the new one as well.
    pub(crate) fn add(&self, name: String, current: impl FnOnce() -> u64) -> Arc<Subscriber> {
        let mut all = self.all();
        let subscriber = Arc::new(Subscriber::new(name, current()));
        all.push(subscriber.clone());
        subscriber
    }

    pub(crate) fn remove(&self, subscriber: &Arc<Subscriber>) {
        subscriber.close();
        self.all().retain(|other| !Arc::ptr_eq(other, subscriber));
        // Here, rather than with the last reference to it, which may go under a lock.
        let waker = subscriber.state().waker.take();
        drop(waker);
    }

    /// Swaps and tells everybody who is there at the swap, and says who that was: they are to be
    /// [woken](Subscriber::wake).
    pub(crate) fn announce(&self, generation: u64, swap: impl FnOnce()) -> Vec<Arc<Subscriber>> {
        let all = self.all();
        swap();
        for subscriber in &*all {
            subscriber.announce(generation);
        }
        all.clone()
    }

    /// Ends all subscriptions, and says whose: they are to be [woken](Subscriber::wake).
    pub(crate) fn close(&self) -> Vec<Arc<Subscriber>> {
        let all = std::mem::take(&mut *self.all());
        for subscriber in &all {
            subscriber.close();
        }
        all
    }

    pub(crate) fn list(&self) -> Vec<Arc<Subscriber>> {
        self.all().clone()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Subscriber>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_is_through_with_a_generation_before_it_is_announced_is_not_behind() {
        let subscribers = Subscribers::default();
        let subscriber = subscribers.add("a".to_owned(), || 1);
        assert_eq!(subscriber.wait(|| (1, "one")), Some("one"));
        subscriber.finish();
        subscribers.announce(2, || ());
        // Told of 2, it finds 3 in place, as 3 is announced only after the swap.
        let told = subscribers.announce(3, || {
            assert_eq!(subscriber.wait(|| (3, "three")), Some("three"));
            subscriber.finish();
        });
        assert_eq!(told.len(), 1);
        assert_eq!(subscriber.behind(), None);
        // And it is told of the next.
        subscribers.announce(4, || ());
        assert_eq!(
            subscriber.behind().map(|(generation, _)| generation),
            Some(4)
        );
        assert_eq!(subscriber.wait(|| (4, "four")), Some("four"));
    }

    #[test]
    fn who_took_a_generation_before_it_was_announced_owes_an_answer_until_it_returns() {
        let subscribers = Subscribers::default();
        let subscriber = subscribers.add("a".to_owned(), || 1);
        subscribers.announce(2, || {
            assert!(subscriber.wait(|| (2, ())).is_some());
        });
        assert!(subscriber.behind().is_some());
        assert_eq!(subscriber.finish(), 2);
        assert_eq!(subscriber.behind(), None);
    }

    #[test]
    fn g2_what_came_while_it_worked_is_owed_since_it_came() {
        let subscriber = Subscriber::new("it".to_owned(), 1);
        assert_eq!(subscriber.wait(|| (1, ())), Some(()));
        subscriber.announce(2);
        let told = Instant::now();
        subscriber.announce(3);
        assert_eq!(subscriber.finish(), 1);
        let (generation, since) = subscriber.behind().unwrap();
        assert_eq!(generation, 3);
        assert!(since <= told, "not since it has time for it");
        assert_eq!(subscriber.wait(|| (3, ())), Some(()));
        assert!(subscriber.behind().is_some_and(|(_, since)| since <= told));
        assert_eq!(subscriber.finish(), 3);
        assert_eq!(subscriber.behind(), None);
    }
}
