//! The programs as real processes, each with a volume of its own that a kubelet of its own writes, now and then.

mod kubelet;
mod process;

use std::time::{Duration, Instant};

pub(crate) use kubelet::{Cluster, Random};
pub(crate) use process::{Process, show};

/// Long enough for a loaded machine; only a failing test waits as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
