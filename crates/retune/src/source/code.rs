//! Values that the program itself sets.

use std::collections::BTreeMap;
use std::panic::Location;

use super::{Context, Kind, Layer, Sealed};
use crate::flat::Flat;
use crate::node::Node;
use crate::origin::Origin;
use crate::shared_text::SharedText;

/// Values set by code, by the fields' names.
#[derive(Debug, Default)]
pub(crate) struct Code {
    /// By the one name that all writings of a name have in common.
    values: BTreeMap<String, Set>,
    /// Since it was read last.
    changed: bool,
}

/// A value that was set.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    /// As the program wrote it.
    name: String,
    text: SharedText,
    location: &'static Location<'static>,
}

// === impl Code ===

impl Code {
    /// Sets a value; what it was before.
    pub(crate) fn set(
        &mut self,
        flat: &Flat,
        name: &str,
        text: impl Into<SharedText>,
        location: &'static Location<'static>,
    ) -> Option<Set> {
        let value = Set {
            name: name.to_owned(),
            text: text.into(),
            location,
        };
        self.changed = true;
        self.values.insert(flat.canonical(name), value)
    }

    /// Takes a value back; what it was.
    pub(crate) fn unset(&mut self, flat: &Flat, name: &str) -> Option<Set> {
        self.changed = true;
        self.values.remove(&flat.canonical(name))
    }

    /// Makes a value what it was before.
    pub(crate) fn restore(&mut self, flat: &Flat, name: &str, before: Option<Set>) {
        self.changed = true;
        let name = flat.canonical(name);
        match before {
            Some(before) => _ = self.values.insert(name, before),
            None => _ = self.values.remove(&name),
        }
    }
}

impl Sealed for Code {
    fn name(&self) -> String {
        "code".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Code
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::new(Origin::Default, None, context);
        layer.same = !std::mem::take(&mut self.changed);
        let values = self.values.values().map(|set| {
            let node = Node::text(set.text.clone(), Origin::Code(set.location));
            (&*set.name, node)
        });
        context
            .flat
            .place(&mut layer.root, values, &mut layer.notes);
        layer
    }
}
