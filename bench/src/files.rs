//! The least that reading a volume can be.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags};

/// Reads each key of a volume, below the directory that `..data` leads to now: one listing, then open,
/// fstat and read of each.
///
/// # Errors
///
/// Whatever the kernel says.
pub fn read_files(volume: &Path) -> io::Result<HashMap<PathBuf, Vec<u8>>> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let data = rustix::fs::open(volume.join("..data"), flags, Mode::empty())?;
    let mut found = HashMap::new();
    for entry in Dir::read_from(&data)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_bytes().starts_with(b".") {
            continue;
        }
        let file = rustix::fs::openat(&data, name, OFlags::CLOEXEC, Mode::empty())?;
        found.insert(PathBuf::from(name.to_string_lossy().as_ref()), read(file)?);
    }
    Ok(found)
}

fn read(file: OwnedFd) -> io::Result<Vec<u8>> {
    let size = rustix::fs::fstat(&file)?.st_size;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    File::from(file).read_exact(&mut bytes)?;
    Ok(bytes)
}
