//! A path that a source reads, once or again and again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use retune_mount::{Error, ErrorKind, PathState, Reading, Snapshot, Watch};

use super::{Context, Layer, Wanted};
use crate::problem::Problem;

/// A path that a source reads, watched when changes are to be followed.
#[derive(Debug)]
pub(crate) struct Followed {
    /// As the program or a variable names it.
    named: PathBuf,
    /// Absolute, so that a later change of the working directory does no harm.
    path: PathBuf,
    /// Refuses links that lead out.
    pub(super) confined: bool,
    watch: Option<Watch>,
    /// Nothing was there last time.
    absent: bool,
    /// What was found last, where that can be found again.
    last: Option<Last>,
}

/// What was found at a path, and how its changes are noticed.
#[derive(Clone, Debug)]
struct Last {
    /// `None` if nothing was there.
    content: Option<Arc<Snapshot>>,
    state: PathState,
}

/// What is at a path now.
pub(crate) enum Found {
    Content(Arc<Snapshot>),
    /// It is being written, and was never read before.
    Unsettled,
    Missing,
    Failed,
}

// === impl Followed ===

impl Followed {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        let named = path.into();
        Self {
            path: std::path::absolute(&named).unwrap_or_else(|_| named.clone()),
            named,
            confined: false,
            watch: None,
            absent: false,
            last: None,
        }
    }

    /// Takes an absolute path from this directory instead of `/`.
    pub(super) fn rebase(&mut self, root: &Path) {
        if let Ok(named) = self.named.strip_prefix("/") {
            self.path = root.join(named);
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the path, noting in the layer how that went.
    pub(crate) fn read(&mut self, context: &mut Context<'_>, layer: &mut Layer) -> Found {
        if context.wanted == Wanted::Rest
            && let (Some(last), Some(watch)) = (&self.last, &self.watch)
        {
            let path = watch.path().display().to_string();
            layer.paths.push((path, last.state.clone()));
            let Some(snapshot) = &last.content else {
                return Found::Missing;
            };
            layer.published = layer.published.max(snapshot.published());
            return Found::Content(snapshot.clone());
        }
        let last = self.last.take();
        let found = self.look(context, layer);
        let content = match &found {
            _ if layer.settling.is_some() => None,
            Found::Content(snapshot) => Some(Some(snapshot.clone())),
            Found::Missing => Some(None),
            Found::Unsettled | Found::Failed => None,
        };
        self.last = content.zip(self.watch.as_ref()).map(|(content, watch)| {
            let state = watch.state().clone();
            Last { content, state }
        });
        layer.same &= match (&self.last, &last) {
            (Some(now), Some(before)) => now.is_same(before),
            // Nothing can be there.
            (None, None) => self.path.as_os_str().is_empty(),
            _ => false,
        };
        found
    }

    fn look(&mut self, context: &mut Context<'_>, layer: &mut Layer) -> Found {
        // Nothing can be there, and there is nothing to watch.
        if self.path.as_os_str().is_empty() {
            return Found::Missing;
        }
        let result = match context.signal {
            Some(signal) => {
                let watch = self.watch.get_or_insert_with(|| {
                    let (with_events, without) = context.poll;
                    Watch::new(&self.path, signal)
                        .confined(self.confined)
                        .poll_every(with_events, without)
                });
                let result = watch.read(context.pins);
                layer
                    .paths
                    .push((watch.path().display().to_string(), watch.state().clone()));
                result
            }
            None => {
                let result = match self.confined {
                    true => context.pins.read_confined(&self.path),
                    false => context.pins.read(&self.path),
                };
                let result = result.map(|snapshot| Reading::Ready(Arc::new(snapshot)));
                let state = if result.is_ok() {
                    PathState::Unread
                } else {
                    PathState::Missing
                };
                layer.paths.push((self.path.display().to_string(), state));
                result
            }
        };
        match result {
            Ok(Reading::Ready(snapshot)) => {
                self.absent = false;
                layer.published = layer.published.max(snapshot.published());
                Found::Content(snapshot)
            }
            Ok(Reading::Settling { until, last }) => {
                settle(layer, until);
                // What appears is not there before it is at rest; what was there before it was
                // missing is long outdated.
                if self.absent {
                    return Found::Missing;
                }
                let Some(last) = last else {
                    return Found::Unsettled;
                };
                if last.data_dir().is_some() {
                    layer.away = Some(self.path.clone());
                }
                Found::Content(last)
            }
            Ok(_) => Found::Unsettled,
            Err(error) => {
                layer.moved |= error.is_moved();
                if error.is_missing() {
                    self.absent = true;
                    return Found::Missing;
                }
                layer.failed = true;
                layer.notes.problems.push(unreadable(&error));
                Found::Failed
            }
        }
    }
}

// === impl Last ===

impl Last {
    /// Whether a source makes the same of both.
    fn is_same(&self, other: &Self) -> bool {
        let content = match (&self.content, &other.content) {
            (None, None) => true,
            (Some(now), Some(before)) => {
                now.same_content(before)
                    && now.is_in_memory() == before.is_in_memory()
                    && now.data_dir().is_some() == before.data_dir().is_some()
                    && now.world_readable().eq(before.world_readable())
            }
            _ => false,
        };
        content && self.state == other.state
    }
}

/// A path that is not there, for people: nobody sees an empty one.
pub(super) fn shown(path: &Path) -> String {
    match path.as_os_str().is_empty() {
        true => "an empty path".to_owned(),
        false => path.display().to_string(),
    }
}

fn settle(layer: &mut Layer, until: Instant) {
    layer.settling = Some(layer.settling.map_or(until, |other| other.min(until)));
}

fn unreadable(error: &Error) -> Problem {
    let problem = Problem::new("", error.to_string());
    match error.kind() {
        ErrorKind::Permission => problem.with_help(
            "let the process read it: check the file's mode and owner, for a volume \
             `defaultMode` and `fsGroup`",
        ),
        ErrorKind::TooLarge => problem.with_help("raise the limit with `Loader::limits`"),
        ErrorKind::LostData => {
            problem.with_help("if it does not come back within a minute, restart the container")
        }
        ErrorKind::Orphaned => {
            problem.with_help("restart the container: only that mounts the volume again")
        }
        _ => problem,
    }
}
