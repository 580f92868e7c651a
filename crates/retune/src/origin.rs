//! Where a value was written.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::shared_text::SharedText;

/// Where a value was written, exactly enough to go there and change it.
///
/// [`Display`](fmt::Display) gives the usual short form: `greeter.yaml:3:12`,
/// `/etc/greeter/log-level:1:1`, `GREETER_TIMEOUT`, `--timeout`, `default`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// The default that the type declares.
    Default,
    /// Code of the program, by the line that set the value.
    Code(&'static Location<'static>),
    /// An environment variable.
    Env(Arc<str>),
    /// A command-line flag, with its dashes.
    Flag(Arc<str>),
    /// A place in a text: a file, a key of a mount.
    Text(Span),
    /// Where a value was written that has been replaced there, and is kept for some time.
    Replaced(Arc<Self>),
}

/// A range of bytes in a text that was read from somewhere.
#[derive(Clone)]
pub struct Span {
    text: Arc<Text>,
    range: Range<usize>,
    /// It stands in brackets, which a parser has read.
    parsed: bool,
}

/// A text that was read, kept so that reports can show the line in question.
pub(crate) struct Text {
    place: Place,
    content: SharedText,
    /// One value as a whole, so that nothing in it is a key of a document.
    is_value: bool,
    /// Where lines begin, found once: a report of many problems asks for many lines.
    lines: OnceLock<Vec<usize>>,
}

/// What holds a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// A file that the program named.
    File(PathBuf),
    /// One key of a mounted volume.
    Key {
        /// The directory of the mount.
        mount: PathBuf,
        /// The key, a path below it.
        key: PathBuf,
    },
    /// One key of an object of Kubernetes that no volume holds yet.
    Object {
        /// Kind and name: `ConfigMap/greeter`.
        object: String,
        /// The key.
        key: PathBuf,
        /// Where its content stands in a manifest, if it stands there line by line.
        manifest: Option<InManifest>,
    },
    /// A file that an environment variable names (`X_FILE`).
    EnvFile {
        /// The variable.
        variable: String,
        /// The file that it names.
        file: PathBuf,
    },
    /// One key that a closure gave.
    Source {
        /// The name of the source.
        name: String,
        /// The key.
        key: PathBuf,
    },
}

/// Where a key's content begins in the manifest that gives it. Lines and columns of a [`Span`] are
/// counted from the manifest's start then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct InManifest {
    /// The manifest.
    pub file: PathBuf,
    /// How many lines of it stand before the content.
    pub lines: usize,
    /// How many columns stand before each line of the content.
    pub columns: usize,
}

// === impl Origin ===

impl Origin {
    /// The place in a text, for origins that are one.
    #[must_use]
    pub fn span(&self) -> Option<&Span> {
        match self {
            Self::Text(span) => Some(span),
            _ => None,
        }
    }

    /// The short form, for a secret without line and column: the column would tell how long what
    /// stands before it is.
    pub(crate) fn told(&self, secret: bool) -> String {
        match self {
            Self::Text(span) if secret => span.place().to_string(),
            Self::Replaced(origin) => format!("kept from {}", origin.told(secret)),
            _ => self.to_string(),
        }
    }

    /// The same, without the text of a value: who tells where a secret came from must not keep it.
    pub(crate) fn without_value(self) -> Self {
        match self {
            Self::Text(span) if span.text.is_value && !span.text.content.is_empty() => {
                let text = Text::value(span.text.place.clone(), SharedText::empty());
                Self::Text(Span {
                    text,
                    range: 0..0,
                    parsed: span.parsed,
                })
            }
            other => other,
        }
    }

    /// The same, of what stands in brackets.
    pub(crate) fn in_brackets(&self) -> Self {
        match self {
            Self::Text(span) => Self::Text(Span {
                parsed: true,
                ..span.clone()
            }),
            other => other.clone(),
        }
    }

    /// A text that a parser of `content`, which begins here, found in it or made of it: shared with the
    /// document where it is a part of it, instead of copied.
    pub(crate) fn share(&self, content: &str, text: Cow<'_, str>) -> SharedText {
        let Cow::Borrowed(part) = text else {
            return text.into();
        };
        let shared = || {
            let Span { text, range, .. } = self.span()?;
            let at = part.as_ptr().addr().checked_sub(content.as_ptr().addr())?;
            let start = range.start.checked_add(at)?;
            let range = start..start.checked_add(part.len())?;
            let found = text.content.get(range.clone())?;
            (found == part).then(|| text.content.slice(range))
        };
        shared().unwrap_or_else(|| part.into())
    }

    /// Whether it is a file that holds one value and nothing else, so that no parser has a copy of it.
    pub(crate) fn is_own_file(&self) -> bool {
        if let Self::Replaced(origin) = self {
            return origin.is_own_file();
        }
        self.span().is_some_and(|span| {
            let file = matches!(span.place(), Place::Key { .. } | Place::EnvFile { .. });
            file && span.text.is_value && !span.parsed
        })
    }

    /// Narrows a text's origin to a part of it, given in bytes from its own start.
    pub(crate) fn part(&self, part: Range<usize>) -> Self {
        match self {
            Self::Text(span) => {
                let start = span.range.start;
                let end = (start + part.end).min(span.range.end);
                Self::Text(Span {
                    text: span.text.clone(),
                    range: (start + part.start).min(end)..end,
                    parsed: span.parsed,
                })
            }
            other => other.clone(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Code(location) => write!(f, "code at {location}"),
            Self::Env(variable) => f.write_str(variable),
            Self::Flag(flag) => f.write_str(flag),
            Self::Text(span) => span.fmt(f),
            Self::Replaced(origin) => write!(f, "kept from {origin}"),
        }
    }
}

// === impl InManifest ===

impl InManifest {
    /// A content that begins below `lines` lines of a manifest, behind `columns` columns of each of its own.
    pub fn new(file: impl Into<PathBuf>, lines: usize, columns: usize) -> Self {
        Self {
            file: file.into(),
            lines,
            columns,
        }
    }
}

// === impl Span ===

impl Span {
    pub(crate) fn new(text: &Arc<Text>, range: Range<usize>) -> Self {
        Self {
            text: text.clone(),
            range,
            parsed: false,
        }
    }

    /// The whole of a text, without a final newline.
    pub(crate) fn whole(text: &Arc<Text>) -> Self {
        Self {
            text: text.clone(),
            range: 0..text.content.trim_end_matches(['\n', '\r']).len(),
            parsed: false,
        }
    }

    /// What holds the text.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.text.place
    }

    /// Line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        let above = self.place().manifest().map_or(0, |at| at.lines);
        above + self.own_line()
    }

    /// The line within the text.
    fn own_line(&self) -> usize {
        self.text
            .lines()
            .partition_point(|start| *start <= self.range.start)
    }

    /// What the lines are counted in.
    pub(crate) fn file(&self) -> String {
        match self.place().manifest() {
            Some(at) => at.file.display().to_string(),
            None => self.place().to_string(),
        }
    }

    /// How many columns stand before each line of the text.
    pub(crate) fn indentation(&self) -> usize {
        self.place().manifest().map_or(0, |at| at.columns)
    }

    /// Column, in characters, counted from 1; a byte order mark is none.
    #[must_use]
    pub fn column(&self) -> usize {
        let (line, range) = self.first_line();
        let before = line.get(..range.start).unwrap_or_default();
        self.indentation() + before.chars().count() + 1
    }

    /// The line that the range begins in, without its break or a byte order mark, and the part of
    /// the range that lies in it. It may hold secrets.
    pub(crate) fn first_line(&self) -> (&str, Range<usize>) {
        let lines = self.text.lines();
        let start = lines
            .get(self.own_line().saturating_sub(1))
            .copied()
            .unwrap_or_default();
        let end = lines
            .get(self.own_line())
            .copied()
            .unwrap_or(self.text.content.len());
        let line = self.text.content.get(start..end).unwrap_or_default();
        let text = line.trim_start_matches('\u{feff}');
        let skipped = start + line.len() - text.len();
        let text = text.trim_end_matches(['\n', '\r']);
        let within = |at: usize| at.saturating_sub(skipped).min(text.len());
        (text, within(self.range.start)..within(self.range.end))
    }

    /// Whether the text is one value as a whole, and no document.
    pub(crate) fn is_in_value(&self) -> bool {
        self.text.is_value
    }

    /// The whole text and the range in it, to mark in a report. It may hold secrets.
    pub(crate) fn source(&self) -> (&str, Range<usize>) {
        (&self.text.content, self.range.clone())
    }

    /// The same, for the fuzz targets.
    #[cfg(fuzzing)]
    #[doc(hidden)]
    #[must_use]
    pub fn in_text(&self) -> (&str, Range<usize>) {
        self.source()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file(), self.line(), self.column())
    }
}

/// Shows the place and never the text, which may be a secret.
impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({self})")
    }
}

// === impl Text ===

impl Text {
    pub(crate) fn new(place: Place, content: impl Into<SharedText>) -> Arc<Self> {
        Arc::new(Self {
            place,
            content: content.into(),
            is_value: false,
            lines: OnceLock::new(),
        })
    }

    /// A text that is one value as a whole.
    pub(crate) fn value(place: Place, content: impl Into<SharedText>) -> Arc<Self> {
        Arc::new(Self {
            place,
            content: content.into(),
            is_value: true,
            lines: OnceLock::new(),
        })
    }

    pub(crate) fn content(&self) -> &str {
        &self.content
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let after_breaks = self.content.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(after_breaks).collect()
        })
    }
}

// === impl Place ===

impl Place {
    const fn manifest(&self) -> Option<&InManifest> {
        match self {
            Self::Object { manifest, .. } => manifest.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Key { mount, key } => mount.join(key).display().fmt(f),
            Self::Source { name, key } => write!(f, "{name}/{}", key.display()),
            Self::Object { object, key, .. } => write!(f, "{object} {}", key.display()),
            Self::EnvFile { variable, file } => write!(f, "{variable}={}", file.display()),
        }
    }
}
