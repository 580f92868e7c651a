//! A time without descriptors.

use std::fs::{self, File};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// While it is there, no descriptor is to be had.
pub(super) struct Famine {
    before: Rlimit,
    /// What fills the gaps below the limit.
    _taken: Vec<File>,
}

// === impl Famine ===

impl Famine {
    pub(super) fn begin() -> Result<Self, String> {
        let before = getrlimit(Resource::Nofile);
        let failed = |error: std::io::Error| format!("/proc/self/fd: {error}");
        let mut highest = 0;
        for entry in fs::read_dir("/proc/self/fd").map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let number = name.to_str().and_then(|name| name.parse().ok());
            highest = highest.max(number.unwrap_or(0));
        }
        let limit = Rlimit {
            current: Some(highest + 1),
            maximum: before.maximum,
        };
        setrlimit(Resource::Nofile, limit).map_err(|error| format!("setrlimit: {error}"))?;
        let taken = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        Ok(Self {
            before,
            _taken: taken,
        })
    }
}

impl Drop for Famine {
    fn drop(&mut self) {
        _ = setrlimit(Resource::Nofile, self.before);
    }
}
