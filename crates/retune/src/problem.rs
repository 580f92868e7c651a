//! What is wrong with a value: where, what was expected, what to do.

use std::fmt;

use crate::node::Node;
use crate::origin::Origin;

/// One thing that is wrong, or (as a warning) merely odd, with a configuration.
///
/// [`Display`](fmt::Display) gives it in one line. It never holds a secret's value.
#[derive(Clone)]
pub struct Problem {
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) origin: Option<Origin>,
    /// The line in question must not be shown.
    pub(crate) secret: bool,
    /// Nothing gave the value.
    pub(crate) missing: bool,
}

/// How the note on something ends that has no effect.
pub(crate) const IGNORED: &str = "it is ignored";

// === impl Problem ===

impl Problem {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            help: None,
            origin: None,
            secret: false,
            missing: false,
        }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    pub(crate) fn on(mut self, node: &Node) -> Self {
        self.origin = Some(node.origin.clone());
        self.secret = node.holds_secret();
        self
    }

    /// What a warning is where the program is strict.
    pub(crate) fn refused(mut self) -> Self {
        if let Some(said) = self.message.strip_suffix(IGNORED) {
            self.message = format!("{said}`strict` refuses it");
        }
        self
    }

    /// The value concerned, as a path through the fields (`feature_flags.new_ui`); empty when a
    /// source as a whole is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what was expected.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Where the value was written, if it was.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Whether a secret is concerned, so that its line is not to be shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

/// Of a secret, without the column, which would tell how long what stands before it is.
impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin.as_ref();
        f.debug_struct("Problem")
            .field("path", &self.path)
            .field("message", &self.message)
            .field("help", &self.help)
            .field("origin", &origin.map(|origin| origin.told(self.secret)))
            .field("secret", &self.secret)
            .field("missing", &self.missing)
            .finish()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{}: ", origin.told(self.secret))?;
        }
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}
