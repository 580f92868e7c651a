//! `retune mount watch`.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use retune_mount::{
    Limits, Noticed, NoticedBy, PathState, Pins, Reading, Signal, Snapshot, Utc, Watch, lag,
};
use serde_json::{Value, json};

use super::show::printable;
use crate::failure::{self, Result};
use crate::time;

/// How many keys of one sort a line of text names.
const SHOWN: usize = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The volume, directory or file. It may appear later.
    dir: PathBuf,
    /// Print JSON, one object a line.
    #[arg(long)]
    json: bool,
}

/// Names of keys, by what happened to them.
#[derive(Debug, Default)]
struct Changes {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

/// One content of the path.
struct Generation<'a> {
    number: u64,
    snapshot: &'a Snapshot,
    changes: Changes,
    /// When it was noticed; the content of the start was found, not noticed.
    noticed: Option<Noticed>,
}

/// Prints a line for each content that is new, until it is interrupted.
///
/// What hinders it goes to the standard error, so that the lines stay one a generation.
pub(crate) fn run(args: &Args) -> Result {
    let signal = Signal::new();
    let mut watch = Watch::new(&args.dir, &signal);
    let mut last: Option<Arc<Snapshot>> = None;
    let mut number = 0;
    let mut noticed = None;
    let mut state = told(&args.dir, &PathState::Events);
    loop {
        let now = match watch.read(&mut Pins::new(Limits::default())) {
            Err(error) if error.is_moved() => continue,
            Err(error) => {
                // What it announced was no content.
                noticed = None;
                error.to_string()
            }
            Ok(Reading::Ready(now)) => {
                if last.as_ref().is_none_or(|last| !last.same_content(&now)) {
                    number += 1;
                    let changes = Changes::between(last.as_deref(), &now);
                    let generation = Generation {
                        number,
                        snapshot: &now,
                        changes,
                        noticed,
                    };
                    generation.print(args.json)?;
                    last = Some(now);
                }
                noticed = None;
                told(&args.dir, watch.state())
            }
            Ok(_) => state.clone(),
        };
        if now != state {
            failure::tell(&now);
            state = now;
        }
        // Of one change the first hint counts: a file that settles is looked at more than once.
        let wake = signal.wait(None);
        noticed = noticed.or(wake.noticed);
    }
}

/// A key for people and programs alike.
fn name(key: &Path) -> String {
    printable(&key.to_string_lossy())
}

fn told(path: &Path, state: &PathState) -> String {
    format!("{}: {state}", path.display())
}

// === impl Changes ===

impl Changes {
    fn between(old: Option<&Snapshot>, new: &Snapshot) -> Self {
        let mut changes = Self::default();
        for (key, content) in new.iter() {
            match old.map(|old| old.get(key)) {
                Some(Some(old)) if old == content => {}
                Some(Some(_)) => changes.changed.push(name(key)),
                _ => changes.added.push(name(key)),
            }
        }
        if let Some(old) = old {
            let gone = old.iter().filter(|(key, _)| new.get(key).is_none());
            changes.removed = gone.map(|(key, _)| name(key)).collect();
        }
        changes
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            added,
            changed,
            removed,
        } = self;
        let mut parts = Vec::new();
        for (what, keys) in [("changed", changed), ("added", added), ("removed", removed)] {
            match keys.get(..SHOWN) {
                _ if keys.is_empty() => {}
                Some(first) if keys.len() > SHOWN => {
                    let more = keys.len() - SHOWN;
                    parts.push(format!("{what} {} and {more} more", first.join(" ")));
                }
                _ => parts.push(format!("{what} {}", keys.join(" "))),
            }
        }
        match parts.is_empty() {
            true => f.write_str("no keys"),
            false => f.write_str(&parts.join(", ")),
        }
    }
}

// === impl Generation ===

impl Generation<'_> {
    fn print(&self, json: bool) -> Result {
        let mut out = io::stdout().lock();
        match json {
            true => writeln!(out, "{}", self.as_json())?,
            false => writeln!(out, "{}", self.as_text())?,
        }
        // A pipe would else hold lines back.
        out.flush()?;
        Ok(())
    }

    fn as_text(&self) -> String {
        let at = self
            .noticed
            .map_or_else(SystemTime::now, |noticed| noticed.at);
        let Self {
            number, changes, ..
        } = self;
        let mut line = format!("{} generation {number}: {changes}", Utc::from(at).rfc3339());
        if let Some(lag) = self.lag() {
            line += &format!(" (lag {})", time::span(lag));
        }
        line
    }

    fn as_json(&self) -> Value {
        let Changes {
            added,
            changed,
            removed,
        } = &self.changes;
        json!({
            "generation": self.number,
            "published": self.snapshot.published().map(|time| Utc::from(time).rfc3339()),
            "noticed": self.noticed.map(|noticed| Utc::from(noticed.at).rfc3339()),
            "noticedBy": self.noticed.map(|noticed| match noticed.by {
                NoticedBy::Event => "event",
                NoticedBy::Poll => "poll",
                _ => "other",
            }),
            "lagMs": self.lag().map(|lag| lag.as_secs_f64() * 1e3),
            "added": added,
            "changed": changed,
            "removed": removed,
        })
    }

    /// Published to noticed.
    fn lag(&self) -> Option<Duration> {
        lag(self.snapshot.published()?, self.noticed?.at)
    }
}
