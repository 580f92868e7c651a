//! A mounted volume: one value a key, and documents merged in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use retune_mount::Snapshot;

use super::file::document;
use super::followed::{Followed, Found};
use super::{Context, Kind, Layer, Sealed};
use crate::bind;
use crate::format::Format;
use crate::node::{Node, NodeValue};
use crate::origin::{Origin, Place, Span, Text};
use crate::problem::Problem;

/// A mounted ConfigMap, Secret or projected volume (or any directory).
///
/// A key whose name is that of a document (`config.yaml`, `app.toml`, `x.json`) is parsed and
/// merged; any other key is one value, by its name. Where both give a value, the single key wins.
///
/// A volume that is lost or emptied while the program runs leaves the last good generation in
/// place, as it is far more often a mistake than a wish; see
/// [`defaults_when_lost`](Self::defaults_when_lost).
///
/// ```
/// use retune::source::Mount;
///
/// let mount = Mount::new("/etc/greeter").optional();
/// ```
#[derive(Debug)]
pub struct Mount {
    dir: Followed,
    optional: bool,
    defaults_when_lost: bool,
    secret: bool,
    /// The accepted content had keys, so that having none is a loss.
    had_keys: bool,
    has_keys: bool,
}

// === impl Mount ===

impl Mount {
    /// A volume that must be mounted.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: Followed::new(dir),
            optional: false,
            defaults_when_lost: false,
            secret: false,
            had_keys: false,
            has_keys: false,
        }
    }

    /// May be missing at the start; it is picked up when it appears.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Takes a volume that was lost or emptied for a wish to fall back to lower sources and
    /// defaults.
    #[must_use]
    pub fn defaults_when_lost(mut self) -> Self {
        self.defaults_when_lost = true;
        self
    }

    /// Refuses links that lead out of the volume, for content that others may write.
    #[must_use]
    pub fn confined(mut self) -> Self {
        self.dir.confined = true;
        self
    }

    /// Redacts all values from this volume wherever they would be shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// What a volume without keys means; `what` is the fault to report if it is one.
    fn without_keys(&self, layer: &mut Layer, what: &str) {
        if !self.had_keys || self.defaults_when_lost {
            return;
        }
        layer.failed = true;
        let place = self.dir.path().display();
        layer.notes.problems.push(
            Problem::new(
                "",
                format!("{place}: {what}; the last good values are kept"),
            )
            .with_help(
                "give the ConfigMap or Secret its keys back, or choose `defaults_when_lost()`",
            ),
        );
    }

    fn place(&self, snapshot: &Snapshot, context: &Context<'_>, layer: &mut Layer) {
        let dir: Arc<Path> = self.dir.path().into();
        let origin = Origin::Text(Span::whole(&Text::new(Place::File(dir.to_path_buf()), "")));
        let mut documents = vec![];
        let mut single = Vec::new();
        for (key, bytes) in snapshot.keys() {
            let place = Place::Key {
                mount: dir.to_path_buf(),
                key: key.to_owned(),
            };
            if Format::of(key).is_some() {
                match document(place, bytes, self.secret) {
                    Ok(node) => {
                        documents.push(bind::document(node, context.schema, &mut layer.notes));
                    }
                    Err(problems) => {
                        layer.failed = true;
                        layer.notes.problems.extend(problems);
                    }
                }
                continue;
            }
            let Some(name) = key.to_str() else { continue };
            let node = value(place, bytes);
            let node = if self.secret {
                node.into_secret()
            } else {
                node
            };
            // `items` can nest keys in folders: `db/host` names the same as `db.host`.
            single.push((name.replace('/', "."), node));
        }
        layer.lower = documents;
        layer.root = Node::map(Vec::new(), origin);
        let single = single.iter().map(|(name, node)| (&**name, node.clone()));
        context
            .flat
            .place(&mut layer.root, single, &mut layer.notes);
    }
}

impl<P: Into<PathBuf>> From<P> for Mount {
    fn from(dir: P) -> Self {
        Self::new(dir)
    }
}

impl Sealed for Mount {
    fn name(&self) -> String {
        format!("mount {}", self.dir.path().display())
    }

    fn kind(&self) -> Kind {
        Kind::Mount
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::empty(Origin::Default);
        layer.mounted = true;
        self.has_keys = false;
        match self.dir.read(context, &mut layer) {
            Found::Content(snapshot) if snapshot.file().is_some() => {
                layer.failed = true;
                let place = self.dir.path().display();
                layer.notes.problems.push(
                    Problem::new("", format!("{place}: is a single file, not a directory"))
                        .with_help("read it with `.file(…)`, or mount the whole volume"),
                );
            }
            Found::Content(snapshot) if snapshot.is_empty() => {
                self.without_keys(&mut layer, "has no keys any more");
            }
            Found::Content(snapshot) => {
                self.has_keys = true;
                self.place(&snapshot, context, &mut layer);
            }
            Found::Missing if self.had_keys => self.without_keys(&mut layer, "is gone"),
            Found::Missing if !self.optional => {
                layer.failed = true;
                let place = self.dir.path().display();
                layer.notes.problems.push(
                    Problem::new("", format!("{place}: no such directory"))
                        .with_help("mount the volume there, or mark the source `.optional()`"),
                );
            }
            Found::Unsettled => {
                layer.failed = true;
                let place = self.dir.path().display();
                layer.notes.problems.push(
                    Problem::new("", format!("{place}: is being written"))
                        .with_help("it is read as soon as it is at rest"),
                );
            }
            Found::Missing | Found::Failed => {}
        }
        layer
    }

    fn accepted(&mut self) {
        self.had_keys = self.has_keys;
    }
}

/// A file that is one value as a whole.
pub(super) fn value(place: Place, bytes: &[u8]) -> Node {
    // Bytes that are no text have no lines to show; the decoder says so where text is wanted.
    let text = Text::new(place, std::str::from_utf8(bytes).unwrap_or_default());
    Node::new(
        NodeValue::File(bytes.into()),
        Origin::Text(Span::whole(&text)),
    )
}
