//! A configuration file: one document.

use std::path::PathBuf;

use retune_mount::Kind as PathKind;

use super::followed::{Followed, Found};
use super::{Context, Kind, Layer, Sealed};
use crate::bind::{self, Notes};
use crate::flat::Flat;
use crate::format::{self, Format};
use crate::name;
use crate::node::Node;
use crate::origin::{Origin, Place, Text};
use crate::problem::Problem;

/// A configuration file: YAML, JSON, TOML or `.env`, by its ending.
///
/// A `.env` file has a line `NAME=value` for each value; the names are those of variables without a
/// prefix, such as `FLAGS_NEW_UI`. `export` before a name, blank lines, and comments, in a line of
/// their own or behind a blank and `#`, say nothing. A value without quotes is the rest of its line as
/// it stands, blanks around it left out; one in quotes may span lines: in single quotes everything is
/// itself, in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are escapes. `$X` is not expanded, so that a
/// file means the same for every reader and a password may hold a `$`. A name given twice is refused.
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
    secret: bool,
}

// === impl File ===

impl File {
    /// A file that must be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            file: Followed::new(path),
            optional: false,
            secret: false,
        }
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

    /// Redacts all values from this file wherever they would be shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
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
        let mut layer = Layer::empty(Origin::Default);
        let path = self.file.path().to_owned();
        let snapshot = match self.file.read(context, &mut layer) {
            Found::Content(snapshot) => snapshot,
            Found::Missing if self.optional => return layer,
            Found::Missing => {
                layer.failed = true;
                layer.notes.problems.push(
                    Problem::new("", format!("{}: no such file", path.display()))
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
        if let Some(root) = document(Place::File(path), bytes, self.secret, context, &mut layer) {
            layer.root = root;
        }
        layer
    }
}

/// Reads a document whose place tells its format, and binds it; what is wrong is noted in the layer.
pub(super) fn document(
    place: Place,
    bytes: &[u8],
    secret: bool,
    context: &Context<'_>,
    layer: &mut Layer,
) -> Option<Node> {
    match parse(place, bytes, secret) {
        Ok((Format::Env, node)) => Some(bind_flat(node, context.flat, &mut layer.notes)),
        Ok((_, node)) => Some(bind::document(node, context.schema, &mut layer.notes)),
        Err(problems) => {
            layer.failed = true;
            layer.notes.problems.extend(problems);
            None
        }
    }
}

/// Binds the names of a `.env` file, which nest nowhere, as variables without a prefix are bound.
fn bind_flat(node: Node, flat: &Flat, notes: &mut Notes) -> Node {
    let mut root = Node::map(Vec::new(), node.origin.clone());
    let mut known = Vec::new();
    for entry in node.entries() {
        let value = entry.node.clone();
        if let Some(found) = flat.by_variable(&entry.key) {
            found.place(&mut root, value, notes);
        } else if flat.takes(&entry.key) {
            known.push((flat.of_variable(&entry.key), value));
        } else {
            let mut note = bind::unknown(entry.key.to_string(), None);
            let nearest = flat.nearest(&entry.key);
            note.help = nearest.map(|name| format!("did you mean `{}`?", name::screaming(&name)));
            notes.warnings.push(note.at(entry.key_origin.clone()));
        }
    }
    let known = known.iter().map(|(name, node)| (&**name, node.clone()));
    flat.place(&mut root, known, notes);
    root
}

fn parse(place: Place, bytes: &[u8], secret: bool) -> Result<(Format, Node), Vec<Problem>> {
    let name = place.to_string();
    let fail = |message: String, help: &str| {
        vec![Problem::new("", format!("{name}: {message}")).with_help(help)]
    };
    let Some(format) = Format::of(match &place {
        Place::File(path) | Place::EnvFile { file: path, .. } => path,
        Place::Key { key, .. } => key,
    }) else {
        return Err(fail(
            "the ending says no format that is known".to_owned(),
            "call it `.yaml`, `.json`, `.toml` or `.env`",
        ));
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        fail(
            format!("not UTF-8 at byte {}", error.valid_up_to()),
            "save it as UTF-8",
        )
    })?;
    match format::parse(format, &Text::new(place, text)) {
        Ok(node) if secret => Ok((format, node.into_secret())),
        Ok(node) => Ok((format, node)),
        Err(mut problems) => {
            for problem in &mut problems {
                problem.secret |= secret;
            }
            Err(problems)
        }
    }
}
