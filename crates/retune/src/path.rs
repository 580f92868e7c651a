//! Paths of values, as reports name them: `feature_flags.new_ui`, `endpoints[2].port`.

use crate::secret::REDACTED;

/// Adds a field's name, an index (`[2]`) or a path below to a path.
pub(crate) fn push_segment(path: &mut String, segment: &str) {
    if !path.is_empty() && !segment.is_empty() && !segment.starts_with('[') {
        path.push('.');
    }
    path.push_str(segment);
}

/// A map's key as a segment of a path: what is secret is not only the values of such a map.
pub(crate) fn key_segment(key: &str, secret: bool) -> &str {
    if secret { REDACTED } else { key }
}
