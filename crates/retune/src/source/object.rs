//! An object of Kubernetes that no volume holds yet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use retune_mount::Content;

use super::about::About;
use super::keys::{Keys, value};
use super::{Context, Kind, Layer, Sealed};
use crate::format::{self, Format};
use crate::origin::{InManifest, Origin, Place};
use crate::schema::Way;

/// The keys of a ConfigMap or Secret, as a volume of it would give them.
#[derive(Debug)]
pub(crate) struct Object {
    /// Kind and name.
    pub(crate) title: String,
    pub(crate) keys: BTreeMap<PathBuf, (Content, Option<InManifest>)>,
    pub(crate) secret: bool,
    /// The key that is no configuration, but tells what belongs together.
    pub(crate) revision: Option<PathBuf>,
    /// The formats of documents that the program reads.
    pub(crate) formats: Vec<Format>,
}

impl Sealed for Object {
    fn name(&self) -> String {
        self.title.clone()
    }

    fn kind(&self) -> Kind {
        Kind::Mount
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::new(Origin::Default, Some(Way::Mount), context);
        layer.mounted = true;
        layer.secret = self.secret;
        let place = |key: &Path| Place::Object {
            object: self.title.clone(),
            key: key.to_owned(),
            manifest: self.keys.get(key).and_then(|(_, at)| at.clone()),
        };
        let about = About {
            revision: self.revision.clone(),
            ..About::default()
        };
        let keys = Keys {
            whole: Place::File(self.title.clone().into()),
            place: &place,
            secret: self.secret,
            about: &about,
        };
        let given = || self.keys.iter().map(|(key, (bytes, _))| (&**key, bytes));
        let unread = |key: &Path| {
            let format = Format::of(key)?;
            (!self.formats.contains(&format)).then_some(format)
        };
        let read = given().filter(|(key, _)| unread(key).is_none());
        keys.put(read, context, &mut layer);
        for (key, bytes) in given() {
            let Some(format) = unread(key) else { continue };
            layer.failed = true;
            let origin = value(place(key), bytes.clone()).origin;
            layer
                .notes
                .problems
                .extend(format::switched_off(format, &origin));
        }
        layer
    }
}
