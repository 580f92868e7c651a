//! What the tests of this crate share: real volumes, and waiting for conditions.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use retune_mount::{LinkOrder, Publisher};

/// Long enough for a loaded machine; only a failing test waits as long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for a condition, and fails with what was waited for.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A volume as a kubelet writes it.
pub struct Volume {
    dir: PathBuf,
    publisher: Publisher,
}

impl Volume {
    pub fn new(dir: impl Into<PathBuf>, keys: &[(&str, &str)]) -> Self {
        Self::with_order(dir, LinkOrder::AfterRename, keys)
    }

    pub fn with_order(dir: impl Into<PathBuf>, order: LinkOrder, keys: &[(&str, &str)]) -> Self {
        let dir = dir.into();
        let publisher = Publisher::create(&dir).unwrap().link_order(order);
        let mut volume = Self { dir, publisher };
        volume.publish(keys);
        volume
    }

    pub fn publish(&mut self, keys: &[(&str, &str)]) {
        let keys = keys
            .iter()
            .map(|(key, value)| (PathBuf::from(key), value.as_bytes().to_vec()))
            .collect::<BTreeMap<_, _>>();
        self.publisher.publish(&keys).unwrap();
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
}
