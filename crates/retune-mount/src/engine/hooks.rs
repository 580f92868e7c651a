//! Ways to break the watching thread, for tests.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::inotify::ReadFlags;

#[derive(Default)]
pub(crate) struct Hooks {
    /// The thread panics when it wakes up next.
    pub(crate) panic: AtomicBool,
    /// All events are thrown away, as if the kernel's queue had overflowed.
    pub(crate) overflow: AtomicBool,
}

impl Hooks {
    pub(super) fn or_overflow(&self, what: ReadFlags) -> ReadFlags {
        match self.overflow.load(Ordering::SeqCst) {
            true => ReadFlags::QUEUE_OVERFLOW,
            false => what,
        }
    }

    pub(super) fn maybe_panic(&self) {
        if self.panic.swap(false, Ordering::SeqCst) {
            std::panic::resume_unwind(Box::new("injected by a test"));
        }
    }
}
