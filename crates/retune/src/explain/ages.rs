//! Since when values are what they are.

use std::collections::HashMap;
use std::time::SystemTime;

use retune_mount::wall_clock;

use super::Tree;
use crate::change::Changed;
use crate::merge;
use crate::path::ValuePath;
use crate::schema::Schema;

/// Since when each value is what it is. It is no part of the generation, whose readers do not wait for it.
#[derive(Clone, Debug)]
pub(crate) struct Ages {
    /// The others are as old as the first generation.
    since: HashMap<String, Since>,
    first: Since,
}

/// Since when a value is what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    pub(super) generation: u64,
    pub(super) at: SystemTime,
}

// === impl Ages ===

impl Ages {
    /// For values that the program gives whole.
    pub(crate) fn none() -> Self {
        let first = Since {
            generation: 1,
            at: wall_clock(),
        };
        Self {
            since: HashMap::new(),
            first,
        }
    }

    /// Of the first generation: its secrets are as old as what was published.
    pub(crate) fn first(tree: &Tree, published: impl Fn(&ValuePath) -> Option<SystemTime>) -> Self {
        let mut ages = Self::none();
        let first = ages.first;
        let secrets = tree
            .given()
            .into_iter()
            .filter(|leaf| leaf.node.is_marked());
        for merge::Leaf { path, .. } in secrets {
            let published = published(&path).filter(|at| *at < first.at);
            let since = published.map(|at| Since { at, ..first });
            let since = since.map(|since| (path.own().to_owned(), since));
            ages.since.extend(since);
        }
        ages
    }

    /// Notes what changed with a generation, which holds since this moment.
    pub(crate) fn follow(
        &mut self,
        tree: &Tree,
        changes: &[Changed],
        (generation, at): (u64, SystemTime),
    ) {
        for Changed { path, change } in changes {
            // Of an entry of a map that is gone nothing stays: there may be new ones for ever.
            let stays = |schema: &Schema| change.new.is_some() || schema.has(path.own());
            if tree.schema.is_some_and(stays) {
                let since = Since { generation, at };
                self.since.insert(path.own().to_owned(), since);
            } else {
                self.since.remove(path.own());
            }
        }
    }

    pub(super) fn of(&self, path: &ValuePath) -> Since {
        self.since.get(path.own()).copied().unwrap_or(self.first)
    }
}
