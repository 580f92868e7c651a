//! What to tell people of how values are given to this program.

use super::Pipeline;
use crate::flat::FlatValue;
use crate::ignored::{Ignored, PassedOver};
use crate::problem::{IGNORED, Problem};
use crate::schema::Way;
use crate::source::Kind;

// === impl Pipeline ===

impl Pipeline {
    /// The ways in which a value can be given to this program.
    pub(super) fn ways(&self, value: &FlatValue) -> String {
        let has = |kind| self.sources.iter().any(|source| source.kind() == kind);
        let mut ways = Vec::new();
        let gives = |kind, way| has(kind) && value.takes(way);
        if gives(Kind::File, Way::File) || gives(Kind::Mount, Way::Mount) {
            ways.push(format!("as `{}` in a file or mount", value.kebab()));
        }
        if gives(Kind::Closure, Way::Closure) {
            ways.push(format!("as the key `{}` of a closure", value.kebab()));
        }
        ways.extend(self.options.variables.iter().filter_map(|v| v.way(value)));
        let prefix = self.sources.iter().find_map(|source| source.flag_prefix());
        if let Some(prefix) = prefix.filter(|_| value.can_be_flag()) {
            ways.push(format!("as the flag --{}", value.flag(prefix)));
        }
        match ways.is_empty() {
            true => "add a source that gives it".to_owned(),
            false => format!("give it {}", ways.join(", or ")),
        }
    }

    /// The warning about a value that was given in a way in which it is not taken.
    pub(super) fn withheld(&self, value: &PassedOver) -> Option<Problem> {
        let Ignored::NotFrom(_) = value.why else {
            return None;
        };
        let message = format!("{}: {IGNORED}", value.why);
        let mut problem = Problem::new(&value.path, message).at(value.origin.clone());
        problem.secret = value.secret;
        problem.help = self.flat.at(&value.path).map(|value| self.ways(value));
        Some(problem)
    }

    /// Sources that were added in another order than the usual one.
    pub(super) fn order_warnings(&self) -> Option<Problem> {
        let file = self
            .sources
            .iter()
            .rposition(|source| source.kind() == Kind::File)?;
        let above = self
            .sources
            .iter()
            .position(|source| matches!(source.kind(), Kind::Env | Kind::Flags))?;
        let (file, above) = (
            self.sources.get(file)?,
            (above < file).then(|| self.sources.get(above))??,
        );
        let message = format!(
            "{} overrides {}, as it was added later",
            file.name(),
            above.name()
        );
        Some(Problem::new("", message).with_help("add files before the environment and flags"))
    }
}
