//! Carries edits out: as a kubelet, as people with editors, and as an accident.

use std::fs;
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use retune_mount::{LinkOrder, Publisher};
use rustix::fs::OFlags;

use crate::content::{self, Flaw, Serial};
use crate::edits::Stranger;
use crate::shape::Place;

/// How many events the kernel keeps for an instance before it drops them all.
const QUEUE: usize = 16_384;

/// Makes the place hold what belongs to the serial, whatever is there.
pub(crate) fn publish(
    place: &Place,
    serial: Serial,
    flaw: Option<Flaw>,
    order: LinkOrder,
) -> Result<(), String> {
    let keys = content::keys(place, serial, flaw);
    if place.is_file() {
        let text = keys.into_iter().map(|(_, text)| text).collect::<String>();
        return write(&place.path, &text, serial).map_err(|error| told(&place.path, &error));
    }
    let publisher = Publisher::create(&place.path).map_err(|error| error.to_string())?;
    let published = publisher.link_order(order).publish(keys);
    published.map(drop).map_err(|error| error.to_string())
}

/// The same, broken off after so many steps.
pub(crate) fn abandon(
    place: &Place,
    serial: Serial,
    steps: u64,
    order: LinkOrder,
) -> Result<(), String> {
    let keys = content::keys(place, serial, None);
    if place.is_file() {
        // Cut before the text, so that what is there is a refusal and no other value.
        let text = keys.into_iter().map(|(_, text)| text).collect::<String>();
        let cut = text.find("text").or_else(|| text.find("TEXT")).unwrap_or(0);
        let begun = text.get(..cut).unwrap_or_default();
        return overwrite(&place.path, begun).map_err(|error| told(&place.path, &error));
    }
    let publisher = Publisher::create(&place.path).map_err(|error| error.to_string())?;
    let mut left = steps;
    let mut hook = |_| {
        left = left.saturating_sub(1);
        match left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    let published = publisher
        .link_order(order)
        .publish_stepwise(keys, &mut hook);
    published.map(drop).map_err(|error| error.to_string())
}

/// The volume has no keys any more, the file no content.
pub(crate) fn empty(place: &Place) -> Result<(), String> {
    if place.is_file() {
        return overwrite(&place.path, "").map_err(|error| told(&place.path, &error));
    }
    let publisher = Publisher::open(&place.path).map_err(|error| error.to_string())?;
    let nothing: [(&str, &str); 0] = [];
    publisher
        .publish(nothing)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Nothing is there any more.
pub(crate) fn remove(place: &Place) -> Result<(), String> {
    clear(&place.path).map_err(|error| told(&place.path, &error))
}

/// Something else is there: in place of the whole, or of what leads to its data.
pub(crate) fn replace(place: &Place, by: Stranger, whole: bool) -> Result<(), String> {
    let path = match whole || place.is_file() {
        true => place.path.clone(),
        false => place.path.join("..data"),
    };
    clear(&path)
        .and_then(|()| match by {
            Stranger::Fifo => make_fifo(&path),
            Stranger::LinkLoop => symlink(path.file_name().unwrap_or_default(), &path),
            Stranger::Directory => fs::create_dir(&path),
            Stranger::File => fs::write(&path, "a file\n"),
        })
        .map_err(|error| told(&path, &error))
}

/// What belongs there is there again.
pub(crate) fn heal(place: &Place, serial: Serial) -> Result<(), String> {
    let order = LinkOrder::default();
    let again = || remove(place).and_then(|()| publish(place, serial, None, order));
    let data = place.path.join("..data");
    match fs::symlink_metadata(if place.is_file() { &place.path } else { &data }) {
        // Only a new volume has no trace of what was there in its place.
        Ok(found) if found.is_dir() || found.file_type().is_fifo() => again(),
        Ok(_) => publish(place, serial, None, order).or_else(|_| again()),
        Err(_) => again(),
    }
}

/// More events than the kernel keeps, for whoever does not take them.
pub(crate) fn flood(dir: &Path) -> Result<(), String> {
    let names = ["flood-a", "flood-b"].map(|name| dir.join(name));
    let result = (0..QUEUE).try_for_each(|at| {
        // No event is like the one before, which the kernel would make one of.
        let path = names.get(at % 2).map_or(dir, PathBuf::as_path);
        symlink("nowhere", path)?;
        fs::remove_file(path)
    });
    result.map_err(|error| told(dir, &error))
}

/// As different programs write a file.
fn write(path: &Path, text: &str, serial: Serial) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match serial % 3 {
        0 => {
            let temporary = path.with_extension("tmp~");
            fs::write(&temporary, text)?;
            fs::rename(&temporary, path)
        }
        1 => overwrite(path, text),
        _ => {
            // An editor that keeps what was there.
            match fs::rename(path, path.with_extension("bak~")) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = fs::File::create_new(path)?;
            file.write_all(text.as_bytes())
        }
    }
}

#[cfg(target_os = "linux")]
fn make_fifo(path: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, Mode, mkfifoat};
    Ok(mkfifoat(CWD, path, Mode::RWXU)?)
}

/// It compiles elsewhere, but what it looks at is Linux's.
#[cfg(not(target_os = "linux"))]
fn make_fifo(_: &Path) -> std::io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// In place. A FIFO that is there has no reader to wait for.
fn overwrite(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    options
        .custom_flags(flags)
        .open(path)?
        .write_all(text.as_bytes())
}

/// Removes whatever is there, but nothing behind a link.
fn clear(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
