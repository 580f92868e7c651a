//! Why a configuration could not be loaded.

use std::fmt;

use crate::problem::Problem;
use crate::report;

/// Why a configuration could not be loaded or changed: every problem at once.
///
/// [`Display`](fmt::Display) gives the report for people, with the lines in question marked.
pub struct Error(Box<Inner>);

struct Inner {
    title: String,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    note: Option<String>,
    #[cfg(feature = "clap")]
    usage: Option<clap::Error>,
}

// === impl Error ===

impl Error {
    pub(crate) fn new(title: impl Into<String>, problems: Vec<Problem>) -> Self {
        Self(Box::new(Inner {
            title: title.into(),
            problems,
            warnings: Vec::new(),
            note: None,
            #[cfg(feature = "clap")]
            usage: None,
        }))
    }

    /// Adds what is merely odd, as it may be the cause.
    pub(crate) fn beside(mut self, warnings: Vec<Problem>) -> Self {
        self.0.warnings = warnings;
        self
    }

    /// Adds what stands at the end of the report.
    pub(crate) fn noting(mut self, note: String) -> Self {
        self.0.note = Some(note);
        self
    }

    pub(crate) fn message(title: impl Into<String>) -> Self {
        Self::new(title, Vec::new())
    }

    #[cfg(feature = "clap")]
    pub(crate) fn usage(error: clap::Error) -> Self {
        let mut this = Self::message(error.to_string());
        this.0.usage = Some(error);
        this
    }

    /// What is wrong, in the order of the sources and fields. Empty where the trouble is not with
    /// any value (wrong usage of the command line, a stopped configuration).
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// The report for people: what is wrong, where, what was expected, what to do; and what is
    /// merely odd, as a misspelt name may be the one that is missing.
    #[must_use]
    pub fn report(&self, color: bool) -> String {
        if self.0.problems.is_empty() {
            return self.0.title.clone();
        }
        let Inner {
            title,
            problems,
            warnings,
            note,
            ..
        } = &*self.0;
        let report = report::render(title, problems, warnings, color);
        match note {
            Some(note) => format!("{report}\n\n{note}"),
            None => report,
        }
    }

    /// Prints the report to standard error and ends the process: with exit code 2, or as clap does
    /// for `--help` and `--version`.
    pub fn exit(&self) -> ! {
        #[cfg(feature = "clap")]
        if let Some(usage) = &self.0.usage {
            usage.exit();
        }
        use std::io::{IsTerminal, Write};
        let mut stderr = std::io::stderr();
        let color = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        // Nothing is left to be done when the report cannot be written.
        _ = writeln!(stderr, "{}", self.report(color));
        std::process::exit(2)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report(false))
    }
}

/// The same report, as `main` prints it that way.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// Ends the process with a report for people when there is no configuration to run with.
pub trait OrExit<T> {
    /// The value, or the end of the process with exit code 2 and the report on standard error.
    fn or_exit(self) -> T;
}

impl<T> OrExit<T> for Result<T, Error> {
    fn or_exit(self) -> T {
        self.unwrap_or_else(|error| error.exit())
    }
}
