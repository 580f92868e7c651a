//! What waits for a restart, in tests of it.

use retune::status::ValueChange;
use retune::{Live, Loader, Retune};
use tempfile::{TempDir, tempdir};

use super::Volume;

pub fn start<T: Retune>(keys: &[(&str, &str)]) -> (TempDir, Volume, Live<T>) {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), keys);
    let live = loader(&volume).watch().unwrap();
    (dir, volume, live)
}

pub fn loader<T: Retune>(volume: &Volume) -> Loader<T> {
    T::loader().mount(volume.not_secret())
}

pub type Line = (String, Option<String>, Option<String>);

pub fn line(change: &ValueChange) -> Line {
    let ValueChange { path, old, new, .. } = change.clone();
    (path, old, new)
}

pub fn pending<T: Send + Sync + 'static>(live: &Live<T>) -> Vec<Line> {
    live.status().pending_restart.iter().map(line).collect()
}

pub fn waits(path: &str, old: &str, new: &str) -> Line {
    (path.to_owned(), Some(old.to_owned()), Some(new.to_owned()))
}
