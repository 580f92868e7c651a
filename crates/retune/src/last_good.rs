//! The last good configuration, in a file: for a start at which the sources are bad.
//!
//! It holds no secret. Who starts from it takes the secrets from the sources, as they are then.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use retune_mount::wall_clock;

use crate::explain::Tree;
use crate::format;
use crate::json::Json;
use crate::merge::{merges, shape_of};
use crate::node::{Entry, Node, NodeValue};
use crate::problem::Problem;
use crate::schema::Shape;
use crate::source::Kept;
use crate::status;

/// Where the last good configuration is kept, and how that goes.
#[derive(Debug)]
pub(crate) struct LastGood {
    path: PathBuf,
    /// What this process wrote, and when.
    written: Option<(String, SystemTime)>,
    problem: Option<Problem>,
}

/// Which half of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Secret,
    NotSecret,
}

// === impl LastGood ===

impl LastGood {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            written: None,
            problem: None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// When the file was written, where it is there.
    pub(crate) fn kept(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).ok()?.modified().ok()
    }

    /// Writes what a process that starts now would run, unless the file says that already, as far as is
    /// known: after a failure it may be gone. What is new about a failure is given.
    pub(crate) fn keep(&mut self, tree: &Tree) -> Option<&Problem> {
        let (root, schema) = tree.for_a_start()?;
        let shape = Shape::Struct(schema);
        let half = half(root, &shape, Half::NotSecret);
        let document = half.as_ref().map(|half| json(half, &shape));
        let text = document.unwrap_or_else(Json::map).pretty();
        let says_that = self.written.as_ref().is_some_and(|(last, _)| *last == text);
        if says_that && !self.has_failed() {
            return None;
        }
        match write(&self.path, &text) {
            Ok(()) => {
                self.written = Some((text, wall_clock()));
                self.problem = None;
                None
            }
            Err(error) => {
                let path = self.path.display();
                let message = format!("{path}: the last good configuration is not kept: {error}");
                let problem = Problem::new("", message).with_help(
                    "name a file in a directory that is there and that the process may write to",
                );
                let is_new = self.problem.as_ref().map(Problem::message) != Some(problem.message());
                let problem = self.problem.insert(problem);
                is_new.then_some(problem)
            }
        }
    }

    /// Whether an unchanged configuration, which was read anew, is to be kept again.
    pub(crate) fn is_due(&self, before: &Tree, now: &Tree) -> bool {
        let alike = match (before.for_a_start(), now.for_a_start()) {
            (Some((before, _)), Some((now, _))) => before.alike(now),
            _ => false,
        };
        self.written.is_none() || self.has_failed() || !alike
    }

    /// Whether what is good is still to be written.
    pub(crate) fn has_failed(&self) -> bool {
        self.problem.is_some()
    }

    /// What was kept, as a source, beside the secrets that the sources give now.
    pub(crate) fn source(&self, now: &Tree) -> Kept {
        let secrets = now
            .for_a_start()
            .and_then(|(root, schema)| half(root, &Shape::Struct(schema), Half::Secret));
        Kept::new(&self.path, secrets)
    }

    pub(crate) fn status(&self, runs: Option<SystemTime>) -> status::LastGood {
        status::LastGood {
            path: self.path.display().to_string(),
            kept: self.written.as_ref().map(|(_, at)| *at).or(runs),
            runs: runs.is_some(),
            problem: self.problem.clone(),
        }
    }
}

/// Either what is secret or what is not, cut where layers are merged. What rotates with a secret goes
/// with it: a login is a user and a password.
fn half(node: &Node, shape: &Shape, which: Half) -> Option<Node> {
    let entries = match &node.value {
        NodeValue::Map(entries) if merges(shape) && shape.rotating().is_none() => entries,
        _ => {
            let is_secret = node.holds_secret();
            return (is_secret == (which == Half::Secret)).then(|| node.clone());
        }
    };
    let of_entry = |entry: &Entry| {
        // The keys of a secret map are as secret as its values.
        if entry.hidden && which == Half::NotSecret {
            return None;
        }
        let node = half(&entry.node, shape_of(shape, &entry.key), which)?;
        Some(Entry {
            node,
            ..entry.clone()
        })
    };
    let entries: Vec<_> = entries.iter().filter_map(of_entry).collect();
    // Of a struct that is there by its secrets alone, the other half says that it is there.
    let is_there = !entries.is_empty() || which == Half::NotSecret && !node.secret;
    is_there.then(|| Node {
        value: NodeValue::Map(entries),
        origin: node.origin.clone(),
        secret: node.secret,
    })
}

/// A document's way of saying a value, by the names that documents have for it.
fn json(node: &Node, shape: &Shape) -> Json {
    match &node.value {
        NodeValue::Null => Json::Null,
        NodeValue::Text {
            text,
            quoted: false,
        } if is_literal(text) => Json::Number((**text).to_owned()),
        NodeValue::Text { text, .. } => Json::from(&**text),
        NodeValue::File(content) => match content.as_str() {
            Some(text) => Json::from(text),
            None => Json::List(content.iter().map(Json::number).collect()),
        },
        NodeValue::List(items) => {
            let shape = match shape.inner() {
                Shape::List(item) => item,
                shape => shape,
            };
            Json::List(items.iter().map(|item| json(item, shape)).collect())
        }
        NodeValue::Map(entries) => {
            let entries = entries.iter();
            let entry = |entry: &Entry| {
                let (key, shape) = outside(&entry.key, shape);
                (key.to_owned(), json(&entry.node, shape))
            };
            Json::Map(entries.map(entry).collect())
        }
    }
}

/// What a document calls an entry, and what it takes.
fn outside<'k>(key: &'k str, shape: &'k Shape) -> (&'k str, &'k Shape) {
    match shape.inner() {
        Shape::Struct(schema) => {
            let field = schema.fields.iter().find(|field| field.name == key);
            (
                field.map_or(key, |field| field.outside),
                shape_of(shape, key),
            )
        }
        Shape::Choice(variants) => {
            let variant = variants.iter().find(|variant| variant.name == key);
            let content = variant.and_then(|variant| variant.content.as_ref());
            (key, content.unwrap_or(shape))
        }
        _ => (key, shape_of(shape, key)),
    }
}

/// Whether JSON takes it without quotes, for what a number or a truth value is.
fn is_literal(text: &str) -> bool {
    let plain = |node: &Node| matches!(&node.value, NodeValue::Text { text: read, quoted: false } if **read == *text);
    format::json_of(text).as_ref().is_some_and(plain)
}

/// Whole or not at all, and for nobody else to read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    // Whatever others put there meanwhile is not written to, links above all.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    let written = file
        .write_all(text.as_bytes())
        // Or a node that dies would leave the name without the content.
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;

    use super::*;
    use crate::Retune;
    use crate::pipeline::{Options, Pipeline};
    use crate::source::File;

    #[derive(Debug, Retune)]
    #[allow(dead_code)]
    struct Config {
        names: Vec<String>,
        limit: Option<u32>,
    }

    /// A document in the only file, which is a secret or not.
    fn tree(dir: &Path, document: &str, secret: bool) -> Tree {
        let path = dir.join("config.yaml");
        fs::write(&path, document).unwrap();
        let file = match secret {
            true => File::new(path).secret(),
            false => File::new(path).not_secret(),
        };
        let options = Options::default();
        let mut pipeline = Pipeline::new(Config::SCHEMA, vec![Box::new(file)], options);
        let seen = pipeline.observe(None, |_| {});
        assert!(seen.problems.is_empty(), "{:?}", seen.problems);
        seen.tree
    }

    #[test]
    fn what_is_unchanged_is_not_written_out_to_see_that() {
        let dir = tempfile::tempdir().unwrap();
        let before = tree(dir.path(), "names: [a, b]\nlimit: 1\n", false);
        let mut kept = LastGood::new(&dir.path().join("last-good.json"));
        assert!(kept.is_due(&before, &before), "nothing is there yet");
        assert!(kept.keep(&before).is_none());

        let now = tree(dir.path(), "# why\nnames: [a, b]\nlimit: 1\n", false);
        let mut due = true;
        let counted = measure(|| due = kept.is_due(&before, &now));
        assert_eq!((due, counted.count_total), (false, 0));

        for (document, secret) in [
            ("names: [a, c]\nlimit: 1\n", false),
            ("names: [a]\nlimit: 1\n", false),
            ("names: [a, b]\n", false),
            ("names: [a, b]\nlimit: 1\n", true),
        ] {
            let now = tree(dir.path(), document, secret);
            assert!(kept.is_due(&before, &now), "{document} {secret}");
        }
    }

    #[test]
    fn what_could_not_be_written_is_tried_again_though_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let before = tree(dir.path(), "names: [a]\n", false);
        let now = tree(dir.path(), "names: [b]\n", false);
        let path = dir.path().join("state/last-good.json");
        fs::create_dir(dir.path().join("state")).unwrap();
        let mut kept = LastGood::new(&path);
        assert!(kept.keep(&before).is_none());
        fs::remove_dir_all(dir.path().join("state")).unwrap();
        assert!(kept.keep(&now).is_some());
        assert!(kept.is_due(&now, &now));
        fs::create_dir(dir.path().join("state")).unwrap();
        assert!(kept.keep(&now).is_none());
        assert!(!kept.is_due(&now, &now));
    }

    #[test]
    fn what_was_written_before_another_failed_is_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = tree(dir.path(), "names: [a]\n", false);
        let other = tree(dir.path(), "names: [b]\n", false);
        let path = dir.path().join("state/last-good.json");
        let state = dir.path().join("state");
        fs::create_dir(&state).unwrap();
        let mut kept = LastGood::new(&path);
        assert!(kept.keep(&first).is_none());
        fs::remove_dir_all(&state).unwrap();
        assert!(kept.keep(&other).is_some());
        fs::create_dir(&state).unwrap();
        assert!(kept.keep(&first).is_none());
        assert!(path.exists() && !kept.has_failed());
    }
}
