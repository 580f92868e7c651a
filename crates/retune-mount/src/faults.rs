//! System calls that fail, a watching thread that breaks and a clock that is set: for tests. No part
//! of the API.

#[cfg(target_os = "linux")]
use std::sync::atomic::Ordering;

pub use crate::call::Call;
pub use crate::injected::{Failing, inject, set_clock_ahead};

/// Throws all events away from now on, or no more, as if the kernel's queue overflowed.
#[cfg(target_os = "linux")]
pub fn overflow(on: bool) {
    crate::engine::with_hooks(|hooks| hooks.overflow.store(on, Ordering::SeqCst));
}

/// Makes the watching thread panic when it wakes up next.
#[cfg(target_os = "linux")]
pub fn panic_once() {
    crate::engine::with_hooks(|hooks| hooks.panic.store(true, Ordering::SeqCst));
}
