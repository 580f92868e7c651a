//! What ran before, kept beside what the sources give.

use std::sync::OnceLock;
use std::time::Instant;

use retune_mount::wall_clock;

use super::Tree;
use crate::error::Error;
use crate::flat::{Flat, FlatValue};
use crate::node::Node;
use crate::overlap::{self, Kept};
use crate::problem::Problem;

// === impl Tree ===

impl Tree {
    /// Keeps what ran before where it is to be taken as well.
    pub(crate) fn keep_previous(&mut self, running: Option<&Self>) {
        let schema = self.schema.filter(|schema| overlap::any_rotating(schema));
        let Some(schema) = schema else { return };
        let given = self.root.clone();
        let before = running.map_or(&[][..], |running| &running.kept);
        let running = running.map(|running| &running.root);
        self.kept = overlap::keep(&mut self.root, running, before, schema);
        let is_more = self.kept.iter().any(Kept::is_ours);
        self.without_kept = is_more.then_some(given);
    }

    /// What runs, as the sources gave it.
    pub(super) fn without_kept(&self) -> &Node {
        self.without_kept.as_ref().unwrap_or(&self.root)
    }

    /// What runs without some of what is kept; `None` if nothing of that is.
    pub(crate) fn without(&self, is_over: impl Fn(&Kept) -> bool) -> Option<Self> {
        let is_over = |kept: &Kept| kept.is_ours() && is_over(kept);
        if !self.kept.iter().any(is_over) {
            return None;
        }
        let mut running = self.clone();
        running.kept.retain(|kept| !is_over(kept));
        let mut next = running.clone();
        next.root = self.without_kept.clone()?;
        next.hash = OnceLock::new();
        next.keep_previous(Some(&running));
        Some(next)
    }

    /// What begins to be kept with this generation is kept from now on.
    pub(crate) fn begun(mut self) -> Self {
        let now = (Instant::now(), wall_clock());
        self.kept.iter_mut().for_each(|kept| kept.begin(now));
        self
    }

    pub(crate) fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// The path of the field that has an overlap and answers to a name.
    pub(crate) fn path_of_overlap(&self, name: &str) -> Result<String, Error> {
        const NOTHING: &str = "no overlap was ended";
        self.check_name(name, NOTHING)?;
        let flat = self.schema.map(Flat::new);
        let value = flat.as_ref().and_then(|flat| flat.find(name));
        value.and_then(FlatValue::pair).ok_or_else(|| {
            let problem = Problem::new(name, "has no overlap: it is no `Rotating`");
            Error::new(NOTHING, vec![problem])
        })
    }
}
