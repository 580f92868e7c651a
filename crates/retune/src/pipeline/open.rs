//! Files with secrets that everybody on the machine may read.

use crate::merge::Leaf;
use crate::origin::{Place, Span};
use crate::problem::Problem;
use crate::source::Layer;

/// Names each such file, with its mode and the remedy. `given` is what each layer gives.
pub(super) fn warnings(layers: &[Layer], given: &[Vec<Leaf>]) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for (layer, leaves) in layers.iter().zip(given) {
        for (place, mode) in &layer.open {
            let is_here = |leaf: &&Leaf| {
                let span = leaf.node.origin.span();
                span.map(Span::place) == Some(place) && leaf.node.holds_secret()
            };
            if leaves.iter().any(|leaf| is_here(&leaf)) {
                warnings.push(warning(place, *mode));
            }
        }
    }
    warnings
}

fn warning(place: &Place, mode: u32) -> Problem {
    let message = format!(
        "{place}: holds a secret, and its mode {mode:04o} lets everybody on the machine read it"
    );
    Problem::new("", message).with_help(
        "of a volume, set `defaultMode: 0440`, and `fsGroup` in the pod's `securityContext`; of another \
         file, take the right to read from others (`chmod o-r`)",
    )
}
