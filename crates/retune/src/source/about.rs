//! Keys of a volume that say something of the volume itself, and are no configuration.

use std::path::{Path, PathBuf};

use retune_mount::Snapshot;

use super::{Heartbeat, Layer, Revision};
use crate::flat::{Flat, name_of_key};
use crate::problem::Problem;

/// The keys that a program looks for.
#[derive(Debug, Default)]
pub(super) struct About {
    /// Tells that the volume is still written.
    pub(super) heartbeat: Option<PathBuf>,
    /// Tells what it belongs together with.
    pub(super) revision: Option<PathBuf>,
}

// === impl About ===

impl About {
    /// Whether a key is one of them.
    pub(super) fn names(&self, key: &Path) -> bool {
        self.is_heartbeat(key) || self.revision.as_deref() == Some(key)
    }

    pub(super) fn is_heartbeat(&self, key: &Path) -> bool {
        self.heartbeat.as_deref() == Some(key)
    }

    /// Looks for the heartbeat, if there is to be one.
    pub(super) fn listen(&self, dir: &Path, snapshot: &Snapshot, layer: &mut Layer) {
        let Some(key) = &self.heartbeat else { return };
        let token = snapshot.get(key);
        layer.heartbeat = token.and_then(|token| Heartbeat::read(token));
        if layer.heartbeat.is_some() {
            return;
        }
        let what = match token {
            None => "heartbeat is not there",
            Some(_) => "heartbeat is no JSON Web Token with an expiry (`exp`)",
        };
        let help = format!(
            "make it a `projected` volume, with `- serviceAccountToken: {{path: {}, audience: nobody, \
             expirationSeconds: 600}}` among its `sources`",
            key.display()
        );
        refuse(layer, &dir.join(key), what, help);
    }

    /// Looks for the revision, if there is to be one.
    pub(super) fn compare(
        &self,
        dir: &Path,
        snapshot: &Snapshot,
        flat: &Flat,
        secret: bool,
        layer: &mut Layer,
    ) {
        let Some(key) = &self.revision else { return };
        let content = snapshot.get(key);
        let field = name_of_key(key).and_then(|name| flat.find(&name));
        let secret = secret || field.is_some_and(|value| value.secret);
        layer.revision = content.and_then(|content| Revision::read(content, secret));
        if layer.revision.is_some() {
            return;
        }
        let what = match content {
            None => "revision is not there",
            Some(_) => "revision is empty",
        };
        let help = format!(
            "give the ConfigMap or Secret the key `{}`, with the same text in all that belong together",
            key.display()
        );
        refuse(layer, &dir.join(key), what, help);
    }
}

/// Refuses the volume for such a key.
fn refuse(layer: &mut Layer, place: &Path, what: &str, help: String) {
    layer.failed = true;
    let problem = Problem::new("", format!("{}: the volume's {what}", place.display()));
    layer.notes.problems.push(problem.with_help(help));
}
