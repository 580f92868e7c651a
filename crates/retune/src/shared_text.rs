//! The text of a value, shared by all who hold it and wiped when the last lets go.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::{Arc, LazyLock};

use retune_mount::Content;

/// A text, or a part of one. A value that is a file of its own shares the file's buffer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SharedText(Content);

// === impl SharedText ===

impl SharedText {
    /// The content as text; `None` where it is not UTF-8.
    pub(crate) fn new(content: &Content) -> Option<Self> {
        content.as_str().map(|_| Self(content.clone()))
    }

    /// No text at all, of which there is one for everybody.
    pub(crate) fn empty() -> Self {
        static EMPTY: LazyLock<SharedText> = LazyLock::new(|| SharedText::from(""));
        EMPTY.clone()
    }

    /// A part of it, which must begin and end between characters.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        Self(self.0.slice(range))
    }

    pub(crate) fn bytes(&self) -> &Content {
        &self.0
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_str().unwrap_or_default()
    }
}

/// Takes the buffer over.
impl From<String> for SharedText {
    fn from(text: String) -> Self {
        Self(Content::from(text))
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&Arc<str>> for SharedText {
    fn from(text: &Arc<str>) -> Self {
        Self::from(&**text)
    }
}

impl From<Cow<'_, str>> for SharedText {
    fn from(text: Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}

/// Any text may be a secret.
impl fmt::Debug for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedText").finish_non_exhaustive()
    }
}
