//! What a source is given to read, and the layer that it gives.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use retune_mount::{PathState, Pins, Signal, Snapshot};

use super::heartbeat::Heartbeat;
use super::revision::Revision;
use crate::bind::{Notes, Rules};
use crate::flat::Flat;
use crate::node::Node;
use crate::origin::{Origin, Place};
use crate::problem::Problem;
use crate::schema::{Schema, Way};

/// What a source needs to read.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) schema: &'static Schema,
    pub(crate) flat: &'a Flat,
    pub(crate) pins: &'a mut Pins,
    /// Set when changes are to be followed.
    pub(crate) signal: Option<&'a Signal>,
    /// What stands between the items of a text.
    pub(crate) separator: char,
    /// How often to look without being told: where events come, and where none do.
    pub(crate) poll: (Duration, Duration),
    /// Which files everybody on the machine may read.
    pub(crate) asks_modes: bool,
    pub(crate) wanted: Wanted,
}

/// What is wanted of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All that it gives.
    All,
    /// The same, unless that is what it gave last: then to say so is enough.
    News,
    /// What it has just said to be the same, as it was read then.
    Rest,
}

/// What a source gave.
#[derive(Debug)]
pub struct Layer {
    /// Bound to the schema.
    pub(crate) root: Node,
    /// What it gives below that, the lowest first: documents of a volume, which its single keys
    /// override.
    pub(crate) lower: Vec<Node>,
    pub(crate) notes: Notes,
    /// The source could not be read (its notes say why).
    pub(crate) failed: bool,
    /// Another volume took the place of a pinned one: all is to be read again.
    pub(crate) moved: bool,
    /// A volume that is not there just now, which may last but a moment: what it gave is of another time than
    /// what the others give.
    pub(crate) away: Option<PathBuf>,
    /// It is, or lies in, a mount that is rewritten from outside.
    pub(crate) mounted: bool,
    /// All that it gives is redacted.
    pub(crate) secret: bool,
    /// Files that everybody on the machine may read, with their modes; none unless that is asked.
    pub(crate) open: Vec<(Place, u32)>,
    /// When the youngest of what was read was published, where that is known.
    pub(crate) published: Option<SystemTime>,
    /// Something was being written: read again at this time.
    pub(crate) settling: Option<Instant>,
    /// How changes are noticed, by path.
    pub(crate) paths: Vec<(String, PathState)>,
    /// Read again at this time, whatever happens until then.
    pub(crate) due: Option<Instant>,
    /// What tells that it is still written, where there is such.
    pub(crate) heartbeat: Option<Heartbeat>,
    /// What has to be the same in all layers that have one.
    pub(crate) revision: Option<Revision>,
    /// The source gives what it gave when it was read before.
    pub(crate) same: bool,
    /// It has only said so.
    pub(crate) left_out: bool,
}

// === impl Layer ===

impl Layer {
    /// Of a source that gives values in this way (`None` is the program's own).
    pub(crate) fn new(origin: Origin, way: Option<Way>, context: &Context<'_>) -> Self {
        let separator = context.separator;
        Self {
            root: Node::map(Vec::new(), origin),
            lower: Vec::new(),
            notes: Notes {
                rules: Rules { way, separator },
                ..Notes::default()
            },
            failed: false,
            moved: false,
            away: None,
            mounted: false,
            secret: false,
            open: Vec::new(),
            published: None,
            settling: None,
            paths: Vec::new(),
            due: None,
            heartbeat: None,
            revision: None,
            same: true,
            left_out: false,
        }
    }

    /// When to read again, whatever happens until then.
    pub(crate) fn look_again(&self) -> Option<Instant> {
        let beat = self.heartbeat.and_then(|beat| beat.due);
        self.due.into_iter().chain(beat).min()
    }

    /// Leaves out what is the same, if that is enough; whether it is left out.
    pub(super) fn leave_out(&mut self, context: &Context<'_>) -> bool {
        self.left_out = self.same && context.wanted == Wanted::News;
        self.left_out
    }

    /// Whether it is of no one moment.
    pub(crate) fn is_torn(&self) -> bool {
        self.moved || self.away.is_some()
    }

    /// What is away for so long is no moment's absence.
    pub(crate) fn refuse_away(&mut self) {
        let Some(path) = self.away.take() else { return };
        self.failed = true;
        let message = format!("{}: comes and goes", path.display());
        let problem =
            Problem::new("", message).with_help("the last good values are kept meanwhile");
        self.notes.problems.push(problem);
    }

    /// Notes what everybody on the machine may read of it, if that is asked.
    pub(super) fn note_open(
        &mut self,
        snapshot: &Snapshot,
        context: &Context<'_>,
        place: impl Fn(&Path) -> Place,
    ) {
        if context.asks_modes {
            let open = snapshot.world_readable();
            self.open.extend(open.map(|(key, mode)| (place(key), mode)));
        }
    }
}
