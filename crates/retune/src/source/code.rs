//! Values that the program itself sets.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use super::{Context, Kind, Layer, Sealed};
use crate::node::Node;
use crate::origin::Origin;

/// Values set by code, by the fields' names.
#[derive(Debug, Default)]
pub(crate) struct Code {
    values: BTreeMap<String, (Arc<str>, &'static Location<'static>)>,
}

// === impl Code ===

impl Code {
    pub(crate) fn set(&mut self, name: &str, text: &str, location: &'static Location<'static>) {
        self.values.insert(name.to_owned(), (text.into(), location));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.values.remove(name);
    }

    pub(crate) fn get(&self, name: &str) -> Option<(Arc<str>, &'static Location<'static>)> {
        self.values.get(name).cloned()
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
        let mut layer = Layer::empty(Origin::Default);
        for (name, (text, location)) in &self.values {
            let node = Node::text(text.clone(), Origin::Code(location));
            context
                .flat
                .place(&mut layer.root, name, node, &mut layer.notes);
        }
        layer
    }
}
