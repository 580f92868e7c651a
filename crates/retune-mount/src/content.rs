//! The bytes of a file, wiped when nobody needs them any more.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use zeroize::Zeroizing;

/// The bytes of a file, or a part of them: cheap to clone, as all clones share one buffer, which is
/// overwritten with zeros when the last of them is dropped.
///
/// `Debug` shows neither the bytes nor how many there are.
///
/// ```
/// use retune_mount::Content;
///
/// let file = Content::new(b"user=bob\n".to_vec());
/// let value = file.slice(5..8);
/// drop(file);
/// assert_eq!(value.as_str(), Some("bob"));
/// assert_eq!(format!("{value:?}"), "Content { .. }");
/// ```
#[derive(Clone)]
pub struct Content {
    buffer: Arc<Buffer>,
    range: Range<usize>,
}

/// Told apart once, when it is made: most files are text, and are asked for as text.
enum Buffer {
    Text(Zeroizing<String>),
    Bytes(Zeroizing<Vec<u8>>),
}

// === impl Content ===

impl Content {
    /// Takes a buffer over, without a copy. Its spare capacity is wiped with it.
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => {
                let bytes = Zeroizing::new(error.into_bytes());
                Self {
                    range: 0..bytes.len(),
                    buffer: Arc::new(Buffer::Bytes(bytes)),
                }
            }
        }
    }

    /// The same as text; `None` where it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match &*self.buffer {
            Buffer::Text(text) => text.get(self.range.clone()),
            Buffer::Bytes(_) => std::str::from_utf8(self).ok(),
        }
    }

    /// A part of it, sharing the buffer. What lies outside of it is left out.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let within = |at: usize| self.range.start.saturating_add(at).min(self.range.end);
        let start = within(range.start);
        Self {
            buffer: Arc::clone(&self.buffer),
            range: start..within(range.end).max(start),
        }
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let bytes = match &*self.buffer {
            Buffer::Text(text) => text.as_bytes(),
            Buffer::Bytes(bytes) => bytes,
        };
        bytes.get(self.range.clone()).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Takes the text's buffer over, without a copy.
impl From<String> for Content {
    fn from(text: String) -> Self {
        Self {
            range: 0..text.len(),
            buffer: Arc::new(Buffer::Text(Zeroizing::new(text))),
        }
    }
}

/// Takes the buffer over, without a copy.
impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

/// Copies.
impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_text_where_it_is_text_whatever_lies_beside_it() {
        let text = Content::new("aµb".into());
        assert_eq!(text.as_str(), Some("aµb"));
        assert_eq!(text.slice(1..3).as_str(), Some("µ"));
        assert_eq!(text.slice(1..2).as_str(), None, "half a character");
        assert_eq!(&*text.slice(1..2), "µ".as_bytes().get(..1).unwrap());
        let bytes = Content::new(b"ab\xff".to_vec());
        assert_eq!(bytes.as_str(), None);
        assert_eq!(bytes.slice(0..2).as_str(), Some("ab"));
    }

    #[test]
    fn a_part_of_a_part_stays_within_it() {
        let all = Content::new(b"0123456789".to_vec());
        let part = all.slice(2..6);
        assert_eq!(&*part, b"2345");
        assert_eq!(AsRef::<[u8]>::as_ref(&part), b"2345");
        assert_eq!(&*part.slice(1..3), b"34");
        assert_eq!(&*part.slice(3..100), b"5");
        assert_eq!(&*part.slice(100..200), b"");
        let (start, end) = (3, 1);
        assert_eq!(&*part.slice(start..end), b"");
        assert_eq!(&*part.slice(0..usize::MAX), b"2345");
    }

    #[test]
    fn h1_neither_bytes_nor_length_are_in_debug() {
        for bytes in [&b"hunter2"[..], b"", b"\xff"] {
            assert_eq!(format!("{:?}", Content::from(bytes)), "Content { .. }");
        }
    }
}
