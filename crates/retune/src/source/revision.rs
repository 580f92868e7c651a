//! A key that volumes carry which belong together: they are taken when all of them have the same.

use std::fmt;

use retune_mount::Content;

use crate::decode::quoted;
use crate::problem::Problem;
use crate::secret::REDACTED;

/// What a volume has as its revision. A secret volume's is compared, and never shown.
pub(crate) struct Revision {
    content: Content,
    secret: bool,
}

/// What keeps volumes from being taken together: what each has, by its source's name; `None` if all have the same.
pub(crate) fn apart<'r>(
    volumes: impl IntoIterator<Item = (String, &'r Revision)>,
) -> Option<Problem> {
    let volumes: Vec<_> = volumes.into_iter().collect();
    let (_, first) = volumes.first()?;
    if volumes
        .iter()
        .all(|(_, other)| other.content == first.content)
    {
        return None;
    }
    let volumes: Vec<_> = volumes
        .iter()
        .map(|(source, revision)| format!("{source} has {revision}"))
        .collect();
    let message = format!(
        "volumes that belong together have different revisions: {}",
        volumes.join(", ")
    );
    Some(Problem::new("", message).with_help("write the others with the same revision, too"))
}

// === impl Revision ===

impl Revision {
    /// Reads a key's content, without the newline that a file ends with; `None` if that is empty.
    pub(super) fn read(content: &Content, secret: bool) -> Option<Self> {
        let line = content.strip_suffix(b"\n").unwrap_or(content);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let content = content.slice(0..line.len());
        (!content.is_empty()).then_some(Self { content, secret })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.secret {
            true => write!(f, "one that is secret ({REDACTED})"),
            false => f.write_str(&quoted(&String::from_utf8_lossy(&self.content))),
        }
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revision({self})")
    }
}
