//! Whether the values of a path may be shown. In doubt they are masked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use retune_mount::{Kind, Snapshot};

/// Permissions of the files that are published for a Secret: what marks it as one.
pub(super) const SECRET_MODE: u32 = 0o600;

/// Why the values of a path are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Masked {
    Asked,
    InMemory,
    Private,
}

// === impl Masked ===

impl Masked {
    /// Whether and why the values of what was read at `path` are to be masked.
    pub(super) fn of(path: &Path, snapshot: &Snapshot) -> Option<Self> {
        if in_memory(path) {
            Some(Self::InMemory)
        } else if is_private(path, snapshot) {
            Some(Self::Private)
        } else {
            None
        }
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Asked => "as --secret asks",
            Self::InMemory => "a file system in memory is where Secrets are mounted",
            Self::Private => "the files are not readable by all, so they count as a Secret",
        }
    }
}

/// Whether any key's file is closed to others than its owner and group.
pub(super) fn is_private(path: &Path, snapshot: &Snapshot) -> bool {
    // What cannot be looked at counts as private.
    let closed = |file: &Path| {
        fs::metadata(file).map_or(true, |found| found.permissions().mode() & 0o004 == 0)
    };
    match snapshot.kind() {
        Kind::File => closed(path),
        Kind::Volume => snapshot
            .iter()
            .any(|(key, _)| closed(&path.join("..data").join(key))),
        _ => snapshot.iter().any(|(key, _)| closed(&path.join(key))),
    }
}

#[cfg(target_os = "linux")]
fn in_memory(path: &Path) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    rustix::fs::statfs(path).map_or(true, |found| {
        [TMPFS, RAMFS].contains(&(found.f_type as u64))
    })
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &Path) -> bool {
    false
}
