//! Changes for a loop of one's own: blocking, or as a stream.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use tracing::error;

use super::shared::Shared;
use super::subscriber::Subscriber;
use crate::generation::{Change, Snapshot};

/// The changes of a configuration, blocking: what holds now, then each change as it comes.
///
/// Asking for the next one says that the last one has been dealt with. Slow loops get the latest
/// generation, never an older one after a newer.
///
/// ```
/// use retune::Live;
///
/// let (live, setter) = Live::settable(1);
/// let mut changes = live.changes();
/// assert_eq!(**changes.next().unwrap().new_value(), 1);
/// setter.set(2);
/// setter.set(3);
/// let change = changes.next().unwrap();
/// assert_eq!((**change.old().unwrap(), **change.new_value()), (1, 3));
/// live.stop().unwrap();
/// assert!(changes.next().is_none());
/// ```
pub struct Changes<T: Send + Sync + 'static>(Cursor<T>);

/// The changes of a configuration as a [`Stream`], for any async runtime.
///
/// Asking for the next one says that the last one has been dealt with.
pub struct ChangeStream<T: Send + Sync + 'static>(Cursor<T>);

/// How far somebody has come.
pub(super) struct Cursor<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    subscriber: Arc<Subscriber>,
    last: Option<Snapshot<T>>,
}

// === impl Cursor ===

impl<T: Send + Sync + 'static> Cursor<T> {
    pub(super) fn new(shared: &Arc<Shared<T>>, name: String) -> Self {
        let subscriber = shared.subscribers.add(name, || shared.current().0.number);
        if shared.is_stopping() {
            shared.subscribers.remove(&subscriber);
        }
        Self {
            shared: shared.clone(),
            subscriber,
            last: None,
        }
    }

    pub(super) fn subscriber(&self) -> &Arc<Subscriber> {
        &self.subscriber
    }

    /// Says that the last change has been dealt with.
    pub(super) fn finish(&self) {
        self.shared.finish(&self.subscriber);
    }

    /// Says that dealing with the last change panicked.
    pub(super) fn panicked(&self, panic: &str) {
        self.shared.record().counters.subscriber_panics += 1;
        let name = self.subscriber.name();
        error!("the subscriber at {name} panicked, and is kept: {panic}");
    }

    /// Waits for the next change; `None` at the end.
    pub(super) fn wait(&mut self) -> Option<Change<T>> {
        let new = self.subscriber.wait(|| Self::latest(&self.shared))?;
        Some(self.step(new))
    }

    fn poll(&mut self, context: &Context<'_>) -> Poll<Option<Change<T>>> {
        match self
            .subscriber
            .poll(context.waker(), || Self::latest(&self.shared))
        {
            Poll::Ready(Some(new)) => Poll::Ready(Some(self.step(new))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn latest(shared: &Shared<T>) -> (u64, Snapshot<T>) {
        let snapshot = shared.current();
        (Snapshot::generation(&snapshot), snapshot)
    }

    fn step(&mut self, new: Snapshot<T>) -> Change<T> {
        let old = self.last.replace(new.clone());
        Change::new(old, new)
    }
}

impl<T: Send + Sync + 'static> Drop for Cursor<T> {
    fn drop(&mut self) {
        self.shared.unsubscribe(&self.subscriber);
    }
}

// === impl Changes ===

impl<T: Send + Sync + 'static> Changes<T> {
    pub(super) fn new(shared: &Arc<Shared<T>>, location: &Location<'_>) -> Self {
        Self(Cursor::new(shared, location.to_string()))
    }
}

impl<T: Send + Sync + 'static> Iterator for Changes<T> {
    type Item = Change<T>;

    fn next(&mut self) -> Option<Change<T>> {
        self.0.finish();
        self.0.wait()
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Changes")
            .field(&self.0.subscriber.name())
            .finish()
    }
}

// === impl ChangeStream ===

impl<T: Send + Sync + 'static> ChangeStream<T> {
    pub(super) fn new(shared: &Arc<Shared<T>>, location: &Location<'_>) -> Self {
        Self(Cursor::new(shared, location.to_string()))
    }
}

impl<T: Send + Sync + 'static> Stream for ChangeStream<T> {
    type Item = Change<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change<T>>> {
        self.0.finish();
        self.0.poll(context)
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for ChangeStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChangeStream")
            .field(&self.0.subscriber.name())
            .finish()
    }
}
