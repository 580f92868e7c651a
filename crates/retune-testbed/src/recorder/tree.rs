//! What lies below a directory: links with their targets, modes and contents.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// How often a directory that changes while it is read is read anew.
const ATTEMPTS: usize = 20;

/// One thing below a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path below the directory, normalised.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Its permissions in octal, such as `0644`; `None` for links, which have none of their own.
    pub mode: Option<String>,
    /// Where a link leads, normalised.
    pub target: Option<String>,
    /// What a file holds; bytes that are no UTF-8 are escaped as in Rust's byte strings.
    pub content: Option<String>,
    /// Why a file or directory could not be read.
    pub unreadable: Option<String>,
}

/// What kind of thing an [`Entry`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A directory.
    Dir,
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// A socket, a FIFO or a device.
    Other,
}

/// Everything below `dir`, in the order of the normalised paths.
pub(super) fn read(
    dir: &Path,
    normalise: &mut dyn FnMut(&str) -> String,
) -> io::Result<Vec<Entry>> {
    for _ in 1..ATTEMPTS {
        match read_once(dir, normalise) {
            // What was listed is gone: it is being written.
            Err(error) if error.kind() == io::ErrorKind::NotFound && dir.exists() => {}
            result => return result,
        }
    }
    read_once(dir, normalise)
}

fn read_once(dir: &Path, normalise: &mut dyn FnMut(&str) -> String) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    list(dir, "", normalise, &mut entries)?;
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn list(
    dir: &Path,
    prefix: &str,
    normalise: &mut dyn FnMut(&str) -> String,
    entries: &mut Vec<Entry>,
) -> io::Result<()> {
    let mut names: Vec<_> = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<_>>()?;
    // The oldest data directory gets its number first.
    names.sort();
    for name in names {
        let path = dir.join(&name);
        let meta = fs::symlink_metadata(&path)?;
        let mut entry = Entry {
            path: format!("{prefix}{}", normalise(&name.to_string_lossy())),
            kind: Kind::Other,
            mode: Some(format!("{:04o}", meta.permissions().mode() & 0o7777)),
            target: None,
            content: None,
            unreadable: None,
        };
        let mut below = Vec::new();
        let looked = if meta.is_symlink() {
            entry.kind = Kind::Link;
            entry.mode = None;
            let target = fs::read_link(&path)?;
            let parts = target.iter().map(|part| normalise(&part.to_string_lossy()));
            entry.target = Some(parts.collect::<Vec<_>>().join("/"));
            Ok(())
        } else if meta.is_dir() {
            entry.kind = Kind::Dir;
            list(&path, &format!("{}/", entry.path), normalise, &mut below)
        } else if meta.is_file() {
            entry.kind = Kind::File;
            fs::read(&path).map(|bytes| entry.content = Some(text(bytes)))
        } else {
            Ok(())
        };
        match looked {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            Err(error) => entry.unreadable = Some(error.to_string()),
            Ok(()) => {}
        }
        entries.push(entry);
        entries.append(&mut below);
    }
    Ok(())
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| error.as_bytes().escape_ascii().to_string())
}

// === impl Entry ===

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.kind == Kind::Dir {
            f.write_str("/")?;
        }
        if let Some(target) = &self.target {
            write!(f, " -> {target}")?;
        }
        if let Some(mode) = &self.mode {
            write!(f, " {mode}")?;
        }
        if let Some(content) = &self.content {
            write!(f, " {content:?}")?;
        }
        match &self.unreadable {
            Some(why) => write!(f, " ({why})"),
            None => Ok(()),
        }
    }
}
