//! Files with secrets that everybody on the machine may read.

use std::collections::HashSet;

use crate::merge::Leaf;
use crate::origin::{Place, Span};
use crate::problem::Problem;
use crate::source::Layer;

/// Names each such file, with its mode and the remedy. `given` is what each layer gives.
pub(super) fn warnings(layers: &[Layer], given: &[Vec<Leaf<'_>>]) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for (layer, leaves) in layers.iter().zip(given) {
        if layer.open.is_empty() {
            continue;
        }
        let secrets = leaves.iter().filter(|leaf| leaf.node.holds_secret());
        let places = secrets.filter_map(|leaf| leaf.node.origin.span().map(Span::place));
        let places: HashSet<&Place> = places.collect();
        let open = layer.open.iter();
        let open = open.filter(|(place, _)| places.contains(place));
        warnings.extend(open.map(|(place, mode)| warning(place, *mode)));
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
