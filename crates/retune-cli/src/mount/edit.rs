//! `retune mount set` and `retune mount rm`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::target::{Keys, Target, TargetArgs};
use crate::failure::{Failure, Result};
use crate::manifest::check_key;

#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Key and value. `key=@FILE` takes the value from a file, `key=@-` from the standard input,
    /// `key=@@text` stands for `@text`. Arguments can be seen by other users of the machine: give a
    /// secret as a file. A key with slashes lies in directories, as with `items`.
    // Parsed by us: clap's errors would quote the value.
    #[arg(required = true, value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Make the files readable by their owner only, as `apply` does for a Secret. A volume that is
    /// so already stays so.
    #[arg(long)]
    secret: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RmArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Keys to remove.
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<PathBuf>,
}

/// Where a value comes from.
enum Value<'a> {
    Text(&'a str),
    File(&'a Path),
    Stdin,
}

/// Sets keys and keeps the others.
pub(crate) fn set(args: &SetArgs) -> Result {
    let settings = args
        .settings
        .iter()
        .enumerate()
        .map(|(i, text)| setting(i + 1, text));
    let settings: Vec<_> = settings.collect::<Result<_>>()?;
    if settings
        .iter()
        .filter(|(_, value)| matches!(value, Value::Stdin))
        .count()
        > 1
    {
        return Err(Failure::Usage(
            "only one key can take the standard input".into(),
        ));
    }
    // Read before the volume is locked: a pipe may take its time.
    let new = settings
        .into_iter()
        .map(|(key, value)| Ok((PathBuf::from(key), value.read()?)));
    let new: Vec<_> = new.collect::<Result<_>>()?;
    let mut target = Target::make(&args.target)?;
    let mut keys = std::mem::take(&mut target.keys);
    keys.extend(new);
    if args.secret {
        target.secret(true);
    }
    target.publish(&keys)
}

/// Removes keys, all or none.
pub(crate) fn rm(args: &RmArgs) -> Result {
    let mut target = Target::open(&args.target)?;
    let mut keys = std::mem::take(&mut target.keys);
    if let Some(unknown) = args.keys.iter().find(|key| !keys.contains_key(*key)) {
        let known = list(&keys);
        return Err(Failure::new(format!(
            "no key {}; there is {known}",
            unknown.display()
        )));
    }
    for key in &args.keys {
        keys.remove(key);
    }
    target.publish(&keys)
}

/// Some of the keys, for a message.
fn list(keys: &Keys) -> String {
    const SHOWN: usize = 10;
    let names: Vec<_> = keys
        .keys()
        .take(SHOWN)
        .map(|key| key.display().to_string())
        .collect();
    match keys.len() {
        0 => "none".to_owned(),
        1..=SHOWN => names.join(", "),
        more => format!("{} and {} more", names.join(", "), more - SHOWN),
    }
}

/// Takes `key=value` apart; `number` names the argument where its text may be a secret.
fn setting(number: usize, text: &str) -> Result<(&str, Value<'_>)> {
    let Some((key, value)) = text.split_once('=') else {
        let message = format!("setting {number} is not of the form key=value");
        return Err(Failure::Usage(message));
    };
    for name in key.split('/') {
        check_key(name).map_err(|why| Failure::Usage(format!("`{key}`: {why}")))?;
    }
    let value = match value.strip_prefix('@') {
        None => Value::Text(value),
        Some("-") => Value::Stdin,
        Some(text) if text.starts_with('@') => Value::Text(text),
        Some("") => return Err(Failure::Usage(format!("`{key}=@`: no file after the `@`"))),
        Some(file) => Value::File(Path::new(file)),
    };
    Ok((key, value))
}

// === impl Value ===

impl Value<'_> {
    fn read(self) -> Result<Vec<u8>> {
        match self {
            Self::Text(text) => Ok(text.into()),
            Self::File(path) => fs::read(path).map_err(Failure::at(path.display())),
            Self::Stdin => {
                let mut bytes = Vec::new();
                io::stdin()
                    .read_to_end(&mut bytes)
                    .map_err(Failure::at("standard input"))?;
                Ok(bytes)
            }
        }
    }
}
