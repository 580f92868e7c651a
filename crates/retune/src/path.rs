//! Paths of values, as reports name them: `feature_flags.new_ui`, `endpoints[2].port`.

/// Adds a field's name, an index (`[2]`) or a path below to a path.
pub(crate) fn push_segment(path: &mut String, segment: &str) {
    if !path.is_empty() && !segment.is_empty() && !segment.starts_with('[') {
        path.push('.');
    }
    path.push_str(segment);
}
