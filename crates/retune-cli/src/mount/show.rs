//! `retune mount show`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use retune_mount::{Kind, Limits, Snapshot, Utc};
use serde_json::{Value, json};

use super::secrecy::Masked;
use crate::failure::Result;
use crate::time;

/// How many characters of a value a line shows.
const SHOWN: usize = 60;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The volume, directory or file.
    dir: PathBuf,
    /// Print JSON, with each value whole.
    #[arg(long)]
    json: bool,
    /// Mask the values whatever they are.
    #[arg(long)]
    secret: bool,
    /// Show the values of a Secret too.
    #[arg(long, conflicts_with = "secret")]
    reveal: bool,
}

/// Reads the path once and prints what it holds.
pub(crate) fn run(args: &Args) -> Result {
    let snapshot = retune_mount::read_once(&args.dir, Limits::default())?;
    let masked = match (args.reveal, args.secret) {
        (true, _) => None,
        (_, true) => Some(Masked::Asked),
        _ => Masked::of(&args.dir, &snapshot),
    };
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{:#}", as_json(&args.dir, &snapshot, masked))?;
    } else {
        write!(out, "{}", as_text(&args.dir, &snapshot, masked))?;
    }
    Ok(())
}

fn as_text(path: &Path, snapshot: &Snapshot, masked: Option<Masked>) -> String {
    let kind = match snapshot.kind() {
        Kind::Volume => "volume",
        Kind::File => "file",
        _ => "directory",
    };
    let mut text = format!("{kind} {}", path.display());
    if let Some(published) = snapshot.published() {
        text += &format!(", published {}", Utc::from(published).rfc3339());
        if let Some(age) = retune_mount::lag(published, SystemTime::now()) {
            text += &format!(" ({} ago)", time::span(age));
        }
    }
    if let Some(name) = snapshot.data_dir() {
        text += &format!(", in {}", name.display());
    }
    text.push('\n');
    if snapshot.is_empty() {
        text += "  no keys\n";
    }
    let keys: Vec<_> = snapshot
        .iter()
        .map(|(key, bytes)| (printable(&key.to_string_lossy()), bytes))
        .collect();
    let width = keys
        .iter()
        .map(|(key, _)| key.chars().count())
        .max()
        .unwrap_or(0);
    for (key, bytes) in keys {
        text += &match masked {
            // Not even how long it is.
            Some(_) => format!("  {key:width$}  ***\n"),
            None => {
                let (size, value) = (size(bytes.len()), one_line(bytes));
                format!("  {key:width$}  {size:>9}  {value}\n")
            }
        };
    }
    if let Some(masked) = masked.filter(|_| !snapshot.is_empty()) {
        text += &format!(
            "values are masked: {}; --reveal shows them\n",
            masked.reason()
        );
    }
    text
}

fn as_json(path: &Path, snapshot: &Snapshot, masked: Option<Masked>) -> Value {
    let keys: Vec<Value> = snapshot
        .iter()
        .map(|(key, bytes)| {
            let mut entry = json!({ "key": key.to_string_lossy() });
            if masked.is_none() {
                entry["bytes"] = bytes.len().into();
                match bytes.as_str() {
                    Some(text) => entry["value"] = text.into(),
                    None => entry["base64"] = BASE64_STANDARD.encode(bytes).into(),
                }
            }
            entry
        })
        .collect();
    json!({
        "path": path.to_string_lossy(),
        "published": snapshot.published().map(|time| Utc::from(time).rfc3339()),
        "dataDir": snapshot.data_dir().map(|name| name.to_string_lossy()),
        "masked": masked.map(Masked::reason),
        "keys": keys,
    })
}

/// A value's first line, cut, with nothing in it that a terminal would obey.
fn one_line(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return "(not text)".to_owned();
    };
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let mut shown = printable(&first.chars().take(SHOWN).collect::<String>());
    if first.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    match lines.count() {
        0 => shown,
        more => format!("{shown} (+{more} lines)"),
    }
}

/// A name or text without control characters.
pub(super) fn printable(text: &str) -> String {
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        _ => format!("{:.1} KiB", bytes as f64 / 1024.0),
    }
}
