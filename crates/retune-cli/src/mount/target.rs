//! The volume that a command writes.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use retune_mount::{Limits, LinkOrder, Publisher};

use super::secrecy::{SECRET_MODE, is_private};
use crate::failure::{Failure, Result};

/// How a volume is written.
#[derive(Debug, clap::Args)]
pub(super) struct TargetArgs {
    /// The volume's directory.
    dir: PathBuf,
    /// Publish into a directory that holds other files too.
    #[arg(long)]
    force: bool,
    /// Make new keys' links before the swap, as kubelets older than 1.23 do.
    #[arg(long)]
    old_order: bool,
}

/// Keys of a volume with their bytes. A nested key is a path.
pub(super) type Keys = BTreeMap<PathBuf, Vec<u8>>;

/// A volume that this process alone writes.
pub(super) struct Target {
    publisher: Publisher,
    /// What it holds now.
    pub(super) keys: Keys,
    secret: bool,
    /// Held so that of two commands at once neither undoes the other's change.
    _lock: File,
}

// === impl Target ===

impl Target {
    /// The volume in a directory, which is made if need be.
    pub(super) fn make(args: &TargetArgs) -> Result<Self> {
        Self::with(args, Publisher::create(&args.dir)?)
    }

    /// The volume in a directory that exists.
    pub(super) fn open(args: &TargetArgs) -> Result<Self> {
        Self::with(args, Publisher::open(&args.dir)?)
    }

    fn with(args: &TargetArgs, publisher: Publisher) -> Result<Self> {
        let dir = &args.dir;
        let lock = File::open(dir).map_err(Failure::at(dir.display()))?;
        lock.lock().map_err(Failure::at(dir.display()))?;
        let is_volume = fs::symlink_metadata(dir.join("..data")).is_ok();
        if !is_volume && !args.force && holds_files(dir)? {
            return Err(Failure::new(format!(
                "{}: holds files but is no volume (there is no ..data in it); \
                 name another directory, or publish beside them with --force",
                dir.display(),
            )));
        }
        // What is too large for a program to read can be taken out again.
        let limits = Limits::default()
            .key_bytes(u64::MAX)
            .volume_bytes(u64::MAX)
            .keys(usize::MAX);
        let found = is_volume.then(|| retune_mount::read_once(dir, limits));
        let found = found.transpose()?;
        let order = if args.old_order {
            LinkOrder::BeforeRename
        } else {
            LinkOrder::AfterRename
        };
        let own = found.iter().flat_map(|found| found.iter());
        Ok(Self {
            publisher: publisher.link_order(order),
            keys: own
                .map(|(key, bytes)| (key.to_owned(), bytes.to_vec()))
                .collect(),
            secret: found.is_some_and(|found| is_private(dir, &found)),
            _lock: lock,
        })
    }

    /// Says whether the volume is a Secret; if nothing says so, it is what it was.
    pub(super) fn secret(&mut self, secret: bool) {
        self.secret = secret;
    }

    /// Publishes these keys and no others.
    pub(super) fn publish(self, keys: &Keys) -> Result {
        check_sizes(keys).map_err(|failure| failure.within(self.publisher.dir().display()))?;
        let mode = if self.secret { SECRET_MODE } else { 0o644 };
        let published = self.publisher.clone().file_mode(mode).publish(keys)?;
        let mut out = io::stdout().lock();
        if published.changed {
            let count = match keys.len() {
                1 => "1 key".to_owned(),
                n => format!("{n} keys"),
            };
            writeln!(out, "published {count} in {}", published.data_dir.display())?;
        } else {
            // Equal content is not written again, not even with another mode.
            for key in keys.keys() {
                let file = self.publisher.dir().join(&published.data_dir).join(key);
                let set = fs::set_permissions(&file, Permissions::from_mode(mode));
                set.map_err(Failure::at(file.display()))?;
            }
            writeln!(out, "nothing changed")?;
        }
        Ok(())
    }
}

/// Refuses what no command, and no program with the usual limits, could read again.
fn check_sizes(keys: &Keys) -> Result {
    let limits = Limits::default();
    for (key, bytes) in keys {
        if bytes.len() as u64 > limits.key_bytes {
            return Err(Failure::new(format!(
                "{}: too large: the limit for one key is {} bytes",
                key.display(),
                limits.key_bytes
            )));
        }
    }
    let all: u64 = keys.values().map(|bytes| bytes.len() as u64).sum();
    match all > limits.volume_bytes {
        true => Err(Failure::new(format!(
            "too large: the limit for one volume is {} bytes",
            limits.volume_bytes
        ))),
        false => Ok(()),
    }
}

/// Whether there is anything but what a publish that was cut short leaves behind.
fn holds_files(dir: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(dir).map_err(Failure::at(dir.display()))?;
    Ok(entries.any(|entry| {
        entry.is_ok_and(|entry| {
            let own = entry.file_name().as_encoded_bytes().starts_with(b"..");
            !own && entry.path().exists()
        })
    }))
}
