//! The program's own code, run where its panic must do no harm.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code; its panic becomes a message.
pub(crate) fn guarded<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        // Dropping the payload runs the program's code, too; what that panics with is leaked.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(again);
        }
        text.unwrap_or_else(|| "a panic without a message".to_owned())
    })
}
