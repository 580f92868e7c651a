//! Secrets on a command line: refused, and never quoted.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};

use super::variable::FILE;
use crate::flat::FlatValue;
use crate::schema::Way;

/// Refuses whatever a flag is given, and says why.
#[derive(Clone)]
pub(super) struct Refused(String);

// === impl Refused ===

impl Refused {
    /// `env` is the prefix of the variable that gives the value, where that is known.
    pub(super) fn new(value: &FlatValue, flag: &str, env: Option<&str>) -> Self {
        let variable = match env {
            Some(prefix) => value.variable(prefix),
            None => "an environment variable".to_owned(),
        };
        let mut ways = Vec::new();
        if value.takes(Way::Mount) {
            ways.push(format!("in a mounted Secret, as `{}`", value.kebab()));
        }
        if value.takes(Way::EnvFile) {
            ways.push(match env {
                Some(_) => format!("in a file that {variable}{FILE} names"),
                None => format!("in a file that a variable with {FILE} at its end names"),
            });
        }
        if value.takes(Way::Env) {
            ways.push(format!("as {variable}"));
        }
        if value.takes(Way::File) {
            ways.push("in a configuration file".to_owned());
        }
        let remedy = match &*ways {
            [] => String::new(),
            ways => format!("; give it {}", ways.join(", or ")),
        };
        Self(format!(
            "--{flag} is refused: it is a secret, and everybody on this machine can read the arguments of \
             a process (`ps`, /proc){remedy}"
        ))
    }
}

impl TypedValueParser for Refused {
    type Value = String;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, _: &OsStr) -> Result<String, Error> {
        Err(Error::raw(ErrorKind::InvalidValue, &self.0).with_cmd(command))
    }
}

/// clap quotes an argument that it does not know. Of `signing-key=…`, where only the dashes are missing,
/// that is the secret.
pub(super) fn cut_value(mut error: Error) -> Error {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.split_once('='),
        _ => None,
    };
    if let Some((name, _)) = argument {
        let name = ContextValue::String(name.to_owned());
        error.insert(ContextKind::InvalidArg, name);
    }
    error
}
