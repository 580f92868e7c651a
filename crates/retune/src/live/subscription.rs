//! Callbacks and gates, and the handles that end them.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, Weak};

use tracing::error;

use super::changes::Cursor;
use super::shared::{self, Shared, guarded};
use super::subscriber::Subscriber;
use crate::generation::Change;

/// A callback's life: dropping it ends the subscription.
///
/// No call begins after the drop; one that is running then runs to its end.
#[must_use = "dropping the subscription ends it; `detach()` keeps it"]
pub struct Subscription {
    subscriber: Arc<Subscriber>,
    detached: bool,
}

/// A gate's life: dropping it removes the gate.
#[must_use = "dropping the gate removes it; `detach()` keeps it"]
pub struct Gate {
    remove: Option<Box<dyn FnOnce() + Send + Sync>>,
}

static NEXT_GATE: AtomicU64 = AtomicU64::new(0);

pub(super) fn spawn<T: Send + Sync + 'static>(
    shared: &Arc<Shared<T>>,
    location: &Location<'_>,
    mut f: impl FnMut(&Change<T>) + Send + 'static,
) -> Subscription {
    let mut cursor = Cursor::new(shared, location.to_string());
    let subscriber = cursor.subscriber().clone();
    let counted = Arc::downgrade(shared);
    let body = move || {
        while let Some(change) = cursor.wait() {
            if let Err(panic) = guarded(|| f(&change)) {
                told_panic(&counted, cursor.subscriber(), &panic);
            }
            drop(change);
            cursor.finish();
        }
    };
    if let Err(error) = shared.spawn("retune-subscriber", body) {
        // The body, and the cursor with it, is gone: the subscription has ended.
        error!("no thread for the subscriber at {location}, it will not be called: {error}");
    }
    Subscription {
        subscriber,
        detached: false,
    }
}

fn told_panic<T: Send + Sync + 'static>(
    shared: &Weak<Shared<T>>,
    subscriber: &Subscriber,
    panic: &str,
) {
    if let Some(shared) = shared.upgrade() {
        shared.record().counters.subscriber_panics += 1;
    }
    error!(
        "the subscriber at {} panicked, and is kept: {panic}",
        subscriber.name()
    );
}

pub(super) fn gate<T: Send + Sync + 'static, E: fmt::Display>(
    shared: &Arc<Shared<T>>,
    location: &Location<'_>,
    check: impl Fn(&T) -> Result<(), E> + Send + Sync + 'static,
) -> Gate {
    let id = NEXT_GATE.fetch_add(1, Ordering::Relaxed);
    let check = move |value: &T| check(value).map_err(|refusal| refusal.to_string());
    let gate = shared::Gate {
        id,
        name: location.to_string(),
        check: Arc::new(check),
    };
    shared
        .gates
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(gate);
    let shared = Arc::downgrade(shared);
    let remove = move || {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let mut gates = shared.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let removed = gates
            .iter()
            .position(|gate| gate.id == id)
            .map(|at| gates.remove(at));
        drop(gates);
        drop(removed);
    };
    Gate {
        remove: Some(Box::new(remove)),
    }
}

// === impl Subscription ===

impl Subscription {
    /// Keeps the subscription for as long as the configuration lives.
    pub fn detach(mut self) {
        self.detached = true;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if !self.detached {
            self.subscriber.close();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription")
            .field(&self.subscriber.name())
            .finish()
    }
}

// === impl Gate ===

impl Gate {
    /// Keeps the gate for as long as the configuration lives.
    pub fn detach(mut self) {
        self.remove = None;
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(remove) = self.remove.take() {
            remove();
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}
