//! Queries without a pause, from several sides.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::app::{App, get};
use super::eventually;

/// Asks a program all the time, until it is ended.
pub(crate) struct Load {
    asked: Arc<AtomicU64>,
    failed: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    askers: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn on(app: &App) -> Self {
        let asked = Arc::<AtomicU64>::default();
        let failed = Arc::<Mutex<Vec<String>>>::default();
        let stop = Arc::<AtomicBool>::default();
        let asker = |_| {
            let (asked, failed, stop) = (asked.clone(), failed.clone(), stop.clone());
            let address = app.address.clone();
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let (status, text) = get(&address, "/");
                    asked.fetch_add(1, Ordering::Relaxed);
                    if status != 200 {
                        failed.lock().unwrap().push(format!("{status}: {text}"));
                    }
                }
            })
        };
        let askers = (0..4).map(asker).collect();
        let load = Self {
            asked,
            failed,
            stop,
            askers,
        };
        load.more();
        load
    }

    /// Waits for some answers more.
    #[track_caller]
    pub(crate) fn more(&self) {
        let before = self.asked.load(Ordering::Relaxed);
        eventually("answers", || {
            self.asked.load(Ordering::Relaxed) > before + 20
        });
    }

    /// Ends it: how many were asked, and those that failed.
    pub(crate) fn end(mut self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.askers
            .drain(..)
            .for_each(|asker| asker.join().unwrap());
        let failed = std::mem::take(&mut *self.failed.lock().unwrap());
        (self.asked.load(Ordering::Relaxed), failed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
