//! The keys of a snapshot, sorted once.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::content::Content;

/// Keys in the order of their paths, each once.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Keys(Vec<(PathBuf, Key)>);

/// One key of a snapshot.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) content: Content,
    /// The mode of its file, if everybody may read it.
    pub(crate) open: Option<u32>,
}

// === impl Keys ===

impl Keys {
    /// Takes keys as they were listed. Of two of one name, which was removed and made anew between, the later
    /// one is there.
    pub(crate) fn new(mut keys: Vec<(PathBuf, Key)>) -> Self {
        keys.sort_by(|(a, _), (b, _)| compare(a, b));
        keys.dedup_by(|later, kept| {
            let same = compare(&later.0, &kept.0).is_eq();
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        keys.shrink_to_fit();
        Self(keys)
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Key> {
        let at = self.0.binary_search_by(|(key, _)| compare(key, path));
        self.0.get(at.ok()?).map(|(_, key)| key)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&Path, &Key)> {
        self.0.iter().map(|(path, key)| (path.as_path(), key))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The order of paths. A name alone, as most keys are, is one component, which needs no search for others.
fn compare(a: &Path, b: &Path) -> Ordering {
    let name = |path: &Path| {
        let bytes = path.as_os_str().as_bytes();
        !bytes.is_empty() && !bytes.starts_with(b".") && !bytes.contains(&b'/')
    };
    match name(a) && name(b) {
        true => a.as_os_str().cmp(b.as_os_str()),
        false => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_paths() {
        let mut paths = ["a.b", "a/c", "a", "b", ".b", ""].map(Path::new);
        paths.sort_by(|a, b| compare(a, b));
        assert_eq!(
            paths.map(|path| path.to_str().unwrap()),
            ["", ".b", "a", "a/c", "a.b", "b"]
        );
    }

    #[test]
    fn of_a_name_that_is_listed_twice_the_later_one_counts() {
        let key = |content: &str| Key {
            content: Content::from(content.as_bytes()),
            open: None,
        };
        let listed = [("b", "1"), ("a", "2"), ("b", "3"), ("c", "4"), ("b", "5")];
        let listed = listed.map(|(name, content)| (PathBuf::from(name), key(content)));
        let keys = Keys::new(listed.into());
        let contents: Vec<_> = keys.iter().map(|(_, key)| &*key.content).collect();
        assert_eq!(contents, [b"2", b"5", b"4"]);
    }

    #[test]
    fn keys_are_in_the_order_of_paths_however_they_are_written() {
        let key = |path: &str| {
            let content = Content::from(path.as_bytes());
            (
                PathBuf::from(path),
                Key {
                    content,
                    open: None,
                },
            )
        };
        let written = ["b", "a/b", "a-b", "a", "a/b/c", "ab", "a.b", "ä", ".a", "B"];
        let keys = Keys::new(written.map(key).into());
        let mut paths = written.map(Path::new);
        paths.sort_unstable();
        assert!(keys.iter().map(|(path, _)| path).eq(paths));
        for path in written {
            let found = keys.get(Path::new(path)).map(|key| &*key.content);
            assert_eq!(found, Some(path.as_bytes()));
        }
        // What is the same path, and what is none of them.
        for (other, there) in [
            ("a/./b", true),
            ("a/", true),
            ("./a", false),
            ("", false),
            ("c", false),
        ] {
            assert_eq!(keys.get(Path::new(other)).is_some(), there, "{other}");
        }
        // All pairs, as sorting does not look at each.
        for (a, b) in written.iter().flat_map(|a| written.map(|b| (a, b))) {
            assert_eq!(
                compare(Path::new(a), Path::new(b)),
                Path::new(a).cmp(Path::new(b))
            );
        }
    }
}
