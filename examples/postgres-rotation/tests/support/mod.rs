//! A PostgreSQL server of a test's own, and the program with a Secret's volume as a kubelet writes it.
#![allow(dead_code, clippy::print_stderr)]

mod app;
mod load;
mod server;

use std::thread;
use std::time::{Duration, Instant};

pub(crate) use app::App;
pub(crate) use load::Load;
pub(crate) use server::Server;

/// Long enough for a loaded machine; only a failing test waits as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a condition, and fails with what was waited for.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "still not so: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
