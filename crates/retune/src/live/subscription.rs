//! Callbacks and gates, and the handles that end them.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use tracing::error;

use super::changes::Cursor;
use super::shared::{self, Shared};
use crate::generation::Change;
use crate::guard::guarded;
use crate::scrub::scrubbed;

/// A callback's life: dropping it ends the subscription.
///
/// The drop does not wait: a call that is on its way then runs to its end, and none comes after it.
/// [`Live::stop`](crate::Live::stop) waits.
#[must_use = "dropping the subscription ends it; `detach()` keeps it"]
pub struct Subscription {
    name: String,
    leave: Option<Box<dyn FnOnce() + Send + Sync>>,
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
    let name = location.to_string();
    let mut cursor = Cursor::new(shared, name.clone());
    let subscriber = cursor.subscriber().clone();
    let body = move || {
        while let Some(change) = cursor.wait() {
            let trees = change.trees();
            let called = guarded(|| f(&change));
            // The old value's `Drop` is the program's code as well.
            let dropped = guarded(|| drop(change));
            for panic in [called, dropped].into_iter().filter_map(Result::err) {
                let panic = trees
                    .iter()
                    .fold(panic, |panic, tree| scrubbed(panic, &tree.root));
                cursor.panicked(&panic);
            }
            cursor.finish();
        }
    };
    if let Err(error) = shared.spawn("retune-subscriber", body) {
        // The body, and the cursor with it, is gone: the subscription has ended.
        error!("no thread for the subscriber at {location}, it will not be called: {error}");
    }
    let shared = Arc::downgrade(shared);
    // At once, not when its thread returns from a call: who has left is not waited for.
    let leave = move || {
        if let Some(shared) = shared.upgrade() {
            shared.unsubscribe(&subscriber);
        }
    };
    Subscription {
        name,
        leave: Some(Box::new(leave)),
    }
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
        self.leave = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take() {
            leave();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&self.name).finish()
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
