//! What threads meet at: the standard library's, or loom's, which tries the orders in which they can.
//!
//! `Arc` is the standard one in either case: loom's cannot hold a `dyn Any`.

#[cfg(loom)]
pub(crate) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
