//! The keys of a volume, or of what is like one, as a layer: documents are merged in, any other key is one value.

use std::borrow::Cow;
use std::path::Path;

use retune_mount::Content;

use super::about::About;
use super::file::document;
use super::{Context, Layer};
use crate::flat::{Flat, name_of_key};
use crate::format::Format;
use crate::node::{Node, NodeValue};
use crate::origin::{Origin, Place, Span, Text};
use crate::shared_text::SharedText;
use crate::text;

/// How the keys of one volume become a layer.
pub(super) struct Keys<'a> {
    /// What holds them all.
    pub(super) whole: Place,
    /// What holds one.
    pub(super) place: &'a dyn Fn(&Path) -> Place,
    /// Their values are secrets.
    pub(super) secret: bool,
    /// Those that are no configuration.
    pub(super) about: &'a About,
}

// === impl Keys ===

impl Keys<'_> {
    pub(super) fn put<'k>(
        self,
        keys: impl Iterator<Item = (&'k Path, &'k Content)>,
        context: &Context<'_>,
        layer: &mut Layer,
    ) {
        let whole_files = context.schema.takes_whole_files();
        let mut documents = vec![];
        let (mut names, mut nodes) = (Vec::new(), Vec::new());
        for (key, bytes) in keys {
            let is_about = self.about.names(key);
            if is_about && !is_wanted(key, context.flat) {
                continue;
            }
            let place = (self.place)(key);
            let is_document = !whole_files && Format::of(key).is_some();
            if is_document && !is_about {
                documents.extend(document(place, bytes, self.secret, "", context, layer));
                continue;
            }
            let (name, bytes) = match whole_files {
                true => {
                    let name = key.to_str().map(Cow::Borrowed);
                    let text = text::bytes_without_final_newline(bytes);
                    (name, bytes.slice(0..text.len()))
                }
                false => (name_of_key(key), bytes.clone()),
            };
            let Some(name) = name else { continue };
            names.push(name);
            nodes.push(match self.secret || self.about.is_heartbeat(key) {
                true => secret(place, bytes),
                false => value(place, bytes),
            });
        }
        layer.lower = documents;
        let origin = Origin::Text(Span::whole(&Text::new(self.whole, "")));
        layer.root = Node::map(Vec::new(), origin);
        let single = names.iter().map(|name| &**name).zip(nodes);
        let Layer { root, notes, .. } = layer;
        context.flat.place(root, single, notes);
    }
}

/// Whether a field has a key's very name.
fn is_wanted(key: &Path, flat: &Flat) -> bool {
    name_of_key(key).is_some_and(|name| flat.find(&name).is_some())
}

/// A file that is one value as a whole.
pub(super) fn value(place: Place, bytes: Content) -> Node {
    // Bytes that are no text have no lines to show; the decoder says so where text is wanted.
    let text = SharedText::new(&bytes).unwrap_or_else(SharedText::empty);
    let origin = Origin::Text(Span::whole(&Text::value(place, text)));
    Node::new(NodeValue::File(bytes), origin)
}

/// The same of a secret, whose origin is told without it.
pub(super) fn secret(place: Place, bytes: Content) -> Node {
    let origin = Origin::Text(Span::whole(&Text::value(place, SharedText::empty())));
    let mut node = Node::new(NodeValue::File(bytes), origin);
    node.secret = true;
    node
}
