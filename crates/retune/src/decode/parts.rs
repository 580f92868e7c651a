//! Lists and maps, part by part.

use super::{Decoder, Value};
use crate::node::{Node, NodeValue};
use crate::path::key_segment;

// === impl Decoder ===

impl Decoder {
    /// Decodes each item of a list.
    pub fn items<T>(
        &mut self,
        node: &Node,
        decode: impl FnMut(&Node, &mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.each_item(node, decode)?.into_iter().collect()
    }

    /// Decodes each entry of a map, in its order.
    pub fn entries<T>(
        &mut self,
        node: &Node,
        decode: impl FnMut(&Node, &mut Self) -> Option<T>,
    ) -> Option<Vec<(String, T)>> {
        let values = self.each_entry(node, decode)?.into_iter();
        let keys = node.entries().iter().map(|entry| entry.key.to_string());
        keys.zip(values)
            .map(|(key, value)| Some((key, value?)))
            .collect()
    }

    /// The same as [`items`](Self::items). Of a secret, what was decoded in vain is wiped.
    pub(crate) fn values<T: Value>(&mut self, node: &Node) -> Option<Vec<T>> {
        let mut values = self.each_item(node, T::decode)?;
        wipe_in_vain(node, &mut values);
        values.into_iter().collect()
    }

    /// The same of [`entries`](Self::entries).
    pub(crate) fn values_by_key<T: Value>(&mut self, node: &Node) -> Option<Vec<(String, T)>> {
        let mut values = self.each_entry(node, T::decode)?;
        wipe_in_vain(node, &mut values);
        let values: Vec<T> = values.into_iter().collect::<Option<_>>()?;
        let keys = node.entries().iter().map(|entry| entry.key.to_string());
        Some(keys.zip(values).collect())
    }

    /// All parts are decoded before any failure counts, so that every problem is told.
    fn each_item<T>(
        &mut self,
        node: &Node,
        mut decode: impl FnMut(&Node, &mut Self) -> Option<T>,
    ) -> Option<Vec<Option<T>>> {
        let NodeValue::List(items) = &node.value else {
            self.mismatch(node, "a list", None);
            return None;
        };
        let items = items.iter().enumerate();
        let decoded =
            items.map(|(i, item)| self.within(&format!("[{i}]"), |decoder| decode(item, decoder)));
        Some(decoded.collect())
    }

    fn each_entry<T>(
        &mut self,
        node: &Node,
        mut decode: impl FnMut(&Node, &mut Self) -> Option<T>,
    ) -> Option<Vec<Option<T>>> {
        let NodeValue::Map(entries) = &node.value else {
            self.mismatch(node, "a map", None);
            return None;
        };
        let decoded = entries.iter().map(|entry| {
            let segment = key_segment(&entry.key, node.secret);
            self.within(segment, |decoder| decode(&entry.node, decoder))
        });
        Some(decoded.collect())
    }
}

/// Wipes the parts of a secret of which another part cannot be decoded.
fn wipe_in_vain<T: Value>(node: &Node, parts: &mut [Option<T>]) {
    if node.secret && parts.iter().any(Option::is_none) {
        parts.iter_mut().flatten().for_each(T::wipe);
    }
}
