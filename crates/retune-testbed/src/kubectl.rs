//! kubectl, for what people are told to type.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::error::{Error, Result};

/// A kubectl command that is about to run.
#[derive(Debug)]
#[must_use = "it runs by `run` or `output`"]
pub struct Kubectl {
    command: Command,
    input: String,
}

// === impl Kubectl ===

impl Kubectl {
    pub(crate) fn new(mut command: Command, args: &[&str]) -> Self {
        command.args(args);
        Self {
            command,
            input: String::new(),
        }
    }

    /// What it reads from its standard input.
    pub fn input(mut self, text: &str) -> Self {
        self.input = text.to_owned();
        self
    }

    /// A variable of its environment, such as `KUBE_EDITOR`.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it and gives what it wrote to its standard output.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not end with 0: the command and what it wrote to its
    /// standard error.
    pub fn run(self) -> Result<String> {
        let shown = self.shown();
        let output = self.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::from(format!(
            "`{shown}` ended with {}: {}\n{}",
            output.status,
            text(&output.stderr),
            text(&output.stdout),
        )))
    }

    /// Runs it and gives all that came of it, whatever its end.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn output(mut self) -> Result<Output> {
        let shown = self.shown();
        let failed = |error| Error::from(format!("cannot run `{shown}`: {error}"));
        let command = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut input) = child.stdin.take() {
            // It may end without reading all, which is no failure of its own.
            _ = input.write_all(self.input.as_bytes());
        }
        child.wait_with_output().map_err(failed)
    }

    fn shown(&self) -> String {
        let args = self.command.get_args().map(OsStr::to_string_lossy);
        let args = args.filter(|arg| arg != "kubectl").collect::<Vec<_>>();
        format!("kubectl {}", args.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_command_and_what_it_said() {
        let failing =
            || Kubectl::new(Command::new("sh"), &["-c", "cat >&2; exit 3"]).input("no such pod");
        let error = failing().run().unwrap_err().to_string();
        assert!(error.contains("kubectl -c cat >&2; exit 3"), "{error}");
        assert!(error.contains("no such pod"), "{error}");
        assert_eq!(failing().output().unwrap().status.code(), Some(3));
    }

    #[test]
    fn what_it_wrote_is_given() {
        let text = Kubectl::new(Command::new("sh"), &["-c", "cat; echo $EDITOR_OF_TEST"])
            .input("in\n")
            .env("EDITOR_OF_TEST", "sed")
            .run();
        assert_eq!(text.unwrap(), "in\nsed\n");
    }
}
