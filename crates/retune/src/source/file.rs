//! A configuration file: one document.

use std::path::{Path, PathBuf};

use retune_mount::{Content, Kind as PathKind};

use super::followed::{Followed, Found, shown};
use super::secrecy::Secrecy;
use super::{Context, Kind, Layer, Sealed, variable};
use crate::bind::{self, Notes};
use crate::flat::Flat;
use crate::format::{self, Format};
use crate::node::Node;
use crate::origin::{Origin, Place, Text};
use crate::path::key_segment;
use crate::problem::Problem;
use crate::schema::Way;
use crate::shared_text::SharedText;

/// A configuration file: YAML, JSON, TOML or `.env`, by its ending.
///
/// A `.env` file has a line `NAME=value` for each value; the names are those of variables without a
/// prefix, such as `FLAGS_NEW_UI`. `export` before a name, blank lines, and comments, in a line of
/// their own or behind a blank and `#`, say nothing. A value without quotes is the rest of its line as
/// it stands, blanks around it left out; one in quotes may span lines: in single quotes everything is
/// itself, in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are escapes. `$X` is not expanded, so that a
/// file means the same for every reader and a password may hold a `$`. A name given twice is refused. A name
/// that ends in `_FILE` names no file here: whoever writes such a document, a ConfigMap's author above
/// all, shall not choose what else the program reads. Files that begin with `.env.` (`.env.local`) are
/// such files as well.
///
/// It must be there at the start, unless it is [`optional`](Self::optional). A required file that
/// is lost later leaves the last good generation in place.
///
/// ```
/// use retune::source::File;
///
/// let file = File::new("/etc/greeter/local.yaml").optional();
/// ```
#[derive(Debug)]
pub struct File {
    file: Followed,
    optional: bool,
    secrecy: Secrecy,
    /// Of the names in a `.env` file.
    prefix: Option<String>,
}

// === impl File ===

impl File {
    /// A file that must be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            file: Followed::new(path),
            optional: false,
            secrecy: Secrecy::default(),
            prefix: None,
        }
    }

    /// Takes the names of a `.env` file as those of variables with this prefix, so that one file serves
    /// a shell and this program: `GREETER_PORT=9090`. Names without it are somebody else's there.
    ///
    /// ```
    /// use retune::{Retune, source::File};
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     port: u16,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let file = dir.path().join(".env");
    /// std::fs::write(&file, "GREETER_PORT=9090\nRUST_LOG=debug\n")?;
    /// let config = Config::loader().file(File::new(&file).prefix("GREETER")).once()?;
    /// assert_eq!(config.port, 9090);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.prefix = Some(prefix.trim_end_matches('_').to_owned());
        self
    }

    /// May be missing, at the start and later: then it gives nothing.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Refuses links that lead out of the file's directory, for content that others may write.
    #[must_use]
    pub fn confined(mut self) -> Self {
        self.file.confined = true;
        self
    }

    /// Redacts all values from this file wherever they would be shown. A file in a volume that the kubelet
    /// keeps in memory is [secret by itself](super::Mount#what-is-secret-by-itself).
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secrecy = Secrecy::SECRET;
        self
    }

    /// Redacts nothing but what its type or its form says is secret, although the volume that the file is of lies in memory (a
    /// tmpfs): a `projected` volume of ConfigMaps, or a test's directory below a `/tmp` that is one.
    #[must_use]
    pub fn not_secret(mut self) -> Self {
        self.secrecy = Secrecy::NOT_SECRET;
        self
    }
}

impl<P: Into<PathBuf>> From<P> for File {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}

impl Sealed for File {
    fn name(&self) -> String {
        format!("file {}", self.file.path().display())
    }

    fn kind(&self) -> Kind {
        Kind::File
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::new(Origin::Default, Some(Way::File), context);
        let path = self.file.path().to_owned();
        let snapshot = match self.file.read(context, &mut layer) {
            Found::Content(snapshot) => snapshot,
            Found::Missing if self.optional => return layer,
            Found::Missing => {
                layer.failed = true;
                layer.notes.problems.push(
                    Problem::new("", format!("{}: no such file", shown(&path)))
                        .with_help("create it, or mark the source `.optional()`"),
                );
                return layer;
            }
            Found::Unsettled => {
                layer.failed = true;
                layer.notes.problems.push(
                    Problem::new("", format!("{}: is being written", path.display()))
                        .with_help("it is read as soon as it is at rest"),
                );
                return layer;
            }
            Found::Failed => return layer,
        };
        layer.mounted = snapshot.data_dir().is_some();
        if layer.leave_out(context) {
            return layer;
        }
        let Some(bytes) = snapshot.file() else {
            let what = match snapshot.kind() {
                PathKind::Volume => "is a volume, not a file",
                _ => "is a directory, not a file",
            };
            layer.failed = true;
            layer.notes.problems.push(
                Problem::new("", format!("{}: {what}", path.display()))
                    .with_help("name one file of it, or read it whole with `.mount(…)`"),
            );
            return layer;
        };
        if self.prefix.is_some() && Format::of(&path) != Some(Format::Env) {
            layer.failed = true;
            let problem = format!(
                "{}: a prefix is for the names of a `.env` file",
                path.display()
            );
            let problem = Problem::new("", problem).with_help("leave the prefix out");
            layer.notes.problems.push(problem);
            return layer;
        }
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let place = Place::File(path);
        let secret = self.secrecy.of(&snapshot);
        layer.secret = secret;
        layer.note_open(&snapshot, context, |_| place.clone());
        if let Some(root) = document(place, bytes, secret, prefix, context, &mut layer) {
            layer.root = root;
        }
        layer
    }

    fn rebase(&mut self, root: &Path) {
        self.file.rebase(root);
    }
}

/// Reads a document whose place tells its format, and binds it; what is wrong is noted in the layer.
pub(super) fn document(
    place: Place,
    bytes: &Content,
    secret: bool,
    prefix: &str,
    context: &Context<'_>,
    layer: &mut Layer,
) -> Option<Node> {
    match parse(place, bytes, secret) {
        Ok((Format::Env, node)) => Some(bind_flat(node, prefix, context.flat, &mut layer.notes)),
        Ok((_, node)) => Some(bind::document(node, context.schema, &mut layer.notes)),
        Err(problems) => {
            layer.failed = true;
            layer.notes.problems.extend(problems);
            None
        }
    }
}

/// Binds the names of a `.env` file, which nest nowhere, as variables with this prefix are bound.
fn bind_flat(node: Node, prefix: &str, flat: &Flat, notes: &mut Notes) -> Node {
    let mut root = Node::map(Vec::new(), node.origin.clone());
    root.secret = node.secret;
    let mut known = Vec::new();
    for entry in node.entries() {
        let value = entry.node.clone();
        let stem = variable::stem(prefix, &entry.key);
        if let Some(found) = flat.by_variable(&entry.key) {
            found.place(&mut root, value, notes);
        } else if let Some(stem) = stem.filter(|stem| flat.takes(stem)) {
            known.push((flat.of_variable(stem), value));
        } else if let Some(stem) = stem {
            let mut note = variable::unknown_in_document(flat, prefix, &entry.key, stem);
            note.path = key_segment(&entry.key, node.secret).to_owned();
            note.secret = node.secret;
            notes.warnings.push(note.at(entry.key_origin.clone()));
        }
    }
    let known = known.iter().map(|(name, node)| (&**name, node.clone()));
    flat.place(&mut root, known, notes);
    root
}

fn parse(place: Place, bytes: &Content, secret: bool) -> Result<(Format, Node), Vec<Problem>> {
    let name = place.to_string();
    let fail = |message: String, help: &str| {
        vec![Problem::new("", format!("{name}: {message}")).with_help(help)]
    };
    let Some(format) = Format::of(match &place {
        Place::File(path) | Place::EnvFile { file: path, .. } => path,
        Place::Key { key, .. } | Place::Object { key, .. } => key,
        Place::Source { key, .. } => key,
    }) else {
        return Err(fail(
            "the ending says no format that is known".to_owned(),
            "call it `.yaml`, `.json`, `.toml` or `.env`",
        ));
    };
    let Some(text) = SharedText::new(bytes) else {
        // By the line: a byte's number would tell how long a secret before it is.
        let at = match std::str::from_utf8(bytes) {
            Err(error) if !secret => {
                let before = bytes.iter().take(error.valid_up_to());
                let breaks = before.filter(|byte| **byte == b'\n').count();
                format!(" in line {}", breaks + 1)
            }
            _ => String::new(),
        };
        return Err(fail(format!("not UTF-8{at}"), "save it as UTF-8"));
    };
    let text = Text::new(place, text);
    let parsed = match secret {
        true => format::parse_secret(format, &text),
        false => format::parse(format, &text),
    };
    parsed.map(|node| (format, node))
}
