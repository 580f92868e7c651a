use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Stat};

/// Which file this is, as long as somebody holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

/// What tells one state of a file from the next without reading it.
///
/// The change time is part of it: unlike the modification time, no program can set it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    pub(crate) id: FileId,
    pub(crate) size: u64,
    modified: (i64, u32),
    changed: (i64, u32),
}

/// What `stat` tells, in types that are the same on every platform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meta {
    pub(crate) stamp: Stamp,
    pub(crate) file_type: FileType,
    pub(crate) links: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

// === impl Meta ===

impl From<Stat> for Meta {
    // The fields' types differ between platforms.
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
    fn from(stat: Stat) -> Self {
        Self {
            stamp: Stamp {
                id: FileId {
                    device: stat.st_dev as u64,
                    inode: stat.st_ino as u64,
                },
                size: u64::try_from(stat.st_size).unwrap_or(0),
                modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
                changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u32),
            },
            file_type: FileType::from_raw_mode(stat.st_mode as _),
            links: stat.st_nlink as u64,
            mode: stat.st_mode as u32 & 0o7777,
            uid: stat.st_uid as u32,
            gid: stat.st_gid as u32,
        }
    }
}

// === impl Stamp ===

impl Stamp {
    /// The change time on the wall clock: for a link that was renamed, when.
    pub(crate) fn changed(&self) -> Option<SystemTime> {
        wall(self.changed)
    }

    /// When the file was last touched, on the wall clock.
    pub(crate) fn newest(&self) -> Option<SystemTime> {
        wall(self.modified).max(wall(self.changed))
    }
}

fn wall((seconds, nanos): (i64, u32)) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    base?.checked_add(Duration::from_nanos(u64::from(nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_are_as_the_kernel_counts_them() {
        let half = Duration::from_millis(500);
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(wall((0, 500_000_000)), Some(epoch + half));
        assert_eq!(wall((1, 500_000_000)), Some(epoch + half * 3));
        // Nanoseconds go forward also from seconds that go backward.
        assert_eq!(wall((-1, 500_000_000)), Some(epoch - half));
        assert_eq!(
            wall((i64::MIN, 0)),
            epoch.checked_sub(Duration::from_secs(1 << 63))
        );
    }
}
