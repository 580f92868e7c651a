//! What tests inject: system calls that fail, and a clock that is set.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use crate::call::Call;

/// Asked before each call; an error number makes it fail. May block, as a file system does that hangs.
type Decide = dyn Fn(Call) -> Option<i32> + Send + Sync;

static ON: AtomicBool = AtomicBool::new(false);
static DECIDE: RwLock<Option<Arc<Decide>>> = RwLock::new(None);
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// Calls fail until it is dropped.
pub struct Failing(Arc<Decide>);

/// Makes calls of this whole process fail, whatever thread makes them, and none by what was injected
/// before.
#[must_use]
pub fn inject(decide: impl Fn(Call) -> Option<i32> + Send + Sync + 'static) -> Failing {
    let decide: Arc<Decide> = Arc::new(decide);
    let mut current = DECIDE.write().unwrap_or_else(PoisonError::into_inner);
    *current = Some(Arc::clone(&decide));
    ON.store(true, Ordering::SeqCst);
    Failing(decide)
}

/// Sets the wall clock this far ahead of the true one (in milliseconds), or behind it.
pub fn set_clock_ahead(millis: i64) {
    AHEAD.store(millis, Ordering::SeqCst);
}

pub(crate) fn check(call: Call) -> Result<(), Errno> {
    if !ON.load(Ordering::Relaxed) {
        return Ok(());
    }
    // Asked under no lock, as it may block.
    let decide = DECIDE
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    match decide.and_then(|decide| decide(call)) {
        Some(errno) => Err(Errno::from_raw_os_error(errno)),
        None => Ok(()),
    }
}

pub(crate) fn clock(true_time: SystemTime) -> SystemTime {
    let ahead = AHEAD.load(Ordering::SeqCst);
    let by = Duration::from_millis(ahead.unsigned_abs());
    let set = match ahead < 0 {
        true => true_time.checked_sub(by),
        false => true_time.checked_add(by),
    };
    set.unwrap_or(true_time)
}

// === impl Failing ===

impl Drop for Failing {
    fn drop(&mut self) {
        let mut current = DECIDE.write().unwrap_or_else(PoisonError::into_inner);
        if current
            .as_ref()
            .is_some_and(|decide| Arc::ptr_eq(decide, &self.0))
        {
            ON.store(false, Ordering::SeqCst);
            *current = None;
        }
    }
}
