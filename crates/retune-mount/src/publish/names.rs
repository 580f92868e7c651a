//! Which names a volume can hold, and the name of a data directory.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::time::SystemTime;

use crate::error::{Error, ErrorKind};
use crate::utc::Utc;
use crate::walk::is_internal;

/// The component of a key that gets a link in the volume's directory.
pub(super) fn first(key: &Path) -> Option<&OsStr> {
    key.iter().next()
}

/// Refuses keys that the kubelet would refuse, and those that no directory can hold together.
pub(super) fn check_keys<'a>(
    dir: &Path,
    keys: impl Iterator<Item = &'a Path>,
) -> Result<(), Error> {
    let mut previous: Option<&Path> = None;
    for key in keys {
        let refuse = |why: &str| {
            let message = format!("the key {:?} {why}", key.display().to_string());
            Err(Error::new(ErrorKind::InvalidKey, dir, message))
        };
        let bytes = key.as_os_str().as_bytes();
        if bytes.is_empty() {
            return refuse("is empty");
        }
        if key.is_absolute() {
            return refuse("is an absolute path; a key lies below the volume");
        }
        if bytes.contains(&0) {
            return refuse("has a NUL byte");
        }
        for component in bytes.split(|byte| *byte == b'/') {
            match component {
                b"" => return refuse("has an empty component"),
                b"." => return refuse("has the component `.`"),
                name if is_internal(OsStr::from_bytes(name)) => {
                    return refuse("has a component that starts with `..`, which is reserved");
                }
                name if name.len() > 255 => return refuse("has a component of over 255 bytes"),
                _ => {}
            }
        }
        // Sorted by components, so a file comes right before what would lie below it.
        if previous.is_some_and(|previous| key.starts_with(previous)) {
            return refuse("would lie below another key, which is a file");
        }
        debug_assert!(
            key.components()
                .all(|part| matches!(part, Component::Normal(_)))
        );
        previous = Some(key);
    }
    Ok(())
}

/// Whether this is the name of a data directory.
pub(super) fn is_timestamp(name: &OsStr) -> bool {
    let shape = b"..dddd_dd_dd_dd_dd_dd.";
    let bytes = name.as_bytes();
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        other => byte == other,
    };
    bytes.len() > shape.len() && bytes.iter().zip(shape).all(fits)
}

/// A new name for a data directory: `..2006_01_02_15_04_05.1234567890`, in UTC.
pub(super) fn timestamp() -> OsString {
    let now = SystemTime::now();
    let random = RandomState::new().hash_one(now) as u32;
    let Utc {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = now.into();
    format!("..{year:04}_{month:02}_{day:02}_{hour:02}_{minute:02}_{second:02}.{random}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_data_directories_are_known_again() {
        assert!(is_timestamp(&timestamp()));
        for other in [
            "..data",
            "..2026",
            "..2026_11_21_02_07_56.",
            ".2026_11_21_02_07_56.1",
        ] {
            assert!(!is_timestamp(OsStr::new(other)), "{other}");
        }
    }

    #[test]
    fn keys_that_no_volume_holds_are_refused() {
        let check = |keys: &[&str]| check_keys(Path::new("/v"), keys.iter().map(Path::new));
        for bad in [
            "", "/a", "..", "..a", "a/../b", "a//b", "a/", "./a", "a/..b",
        ] {
            let error = check(&[bad]).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidKey, "{bad}");
        }
        let longest = "a".repeat(255);
        check(&[&longest, &format!("b/{longest}")]).expect("as long as a file's name may be");
        check(&[&format!("{longest}a")]).expect_err("one byte more");
        check(&["a\0b"]).expect_err("no file's name");
        check(&["a", "a/b"]).expect_err("a is a file and a directory");
        check(&["a", "a-b", "b/c", "b/d", ".dockerconfigjson"]).expect("all fine");
    }
}
