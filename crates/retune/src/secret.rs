//! Values that are shown nowhere but where the program asks for them.

use std::fmt;

/// What stands in place of a secret wherever a value is shown.
pub(crate) const REDACTED: &str = "[redacted]";

/// A value whose content is reached only through [`expose`](Secret::expose).
///
/// `Debug`, `Display` and `Serialize` give `[redacted]`, and so do retune's own reports, status,
/// history and metrics; not even the length is told (though the column of another value behind it in
/// the same line may tell it: give each its own line). A secret map is one value: its keys are as
/// secret as its values, and the highest source that gives it wins whole.
///
/// ```
/// let key = retune::Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{key:?} {key}"), "[redacted] [redacted]");
/// assert_eq!(key.expose(), "hunter2");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

// === impl Secret ===

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The content.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The content, owned.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> serde::Serialize for Secret<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}
