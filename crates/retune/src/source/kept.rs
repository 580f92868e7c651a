//! The last good configuration of an earlier process.

use std::path::Path;

use super::followed::{Followed, Found};
use super::{Context, Kind, Layer, Sealed};
use crate::bind;
use crate::format;
use crate::node::Node;
use crate::origin::{Origin, Place, Text};
use crate::problem::Problem;
use crate::shared_text::SharedText;

/// What an earlier process kept of its last good configuration, and the secrets of this one.
#[derive(Debug)]
pub(crate) struct Kept {
    file: Followed,
    secrets: Option<Node>,
}

// === impl Kept ===

impl Kept {
    pub(crate) fn new(path: &Path, secrets: Option<Node>) -> Self {
        Self {
            file: Followed::new(path),
            secrets,
        }
    }

    fn document(&mut self, context: &mut Context<'_>, layer: &mut Layer) -> Option<Node> {
        let path = self.file.path().to_owned();
        let problem = |what: &str| Problem::new("", format!("{}: {what}", path.display()));
        let problems = match self.file.read(context, layer) {
            Found::Failed => return None,
            Found::Missing | Found::Unsettled => vec![problem("no such file")],
            Found::Content(snapshot) => match snapshot.file().map(SharedText::new) {
                None => vec![problem("is a directory, not a file")],
                Some(None) => vec![problem("not UTF-8")],
                Some(Some(text)) => {
                    let text = Text::new(Place::File(path), text);
                    match format::own_json(&text) {
                        Ok(node) => {
                            let notes = &mut layer.notes;
                            return Some(bind::document(node, context.schema, notes));
                        }
                        Err(problems) => problems,
                    }
                }
            },
        };
        layer.notes.problems.extend(problems);
        None
    }
}

impl Sealed for Kept {
    fn name(&self) -> String {
        format!("last good configuration {}", self.file.path().display())
    }

    fn kind(&self) -> Kind {
        Kind::File
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        // Where each value came from has been looked at before it was good.
        let mut layer = Layer::new(Origin::Default, None, context);
        match self.document(context, &mut layer) {
            Some(root) => layer.root = root,
            None => layer.failed = true,
        }
        layer.lower = self.secrets.iter().cloned().collect();
        layer
    }
}
