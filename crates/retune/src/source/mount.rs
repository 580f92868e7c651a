//! A mounted volume: one value a key, and documents merged in.

use std::path::{Path, PathBuf};

use retune_mount::Snapshot;

use super::about::About;
use super::followed::{Followed, Found, shown};
use super::keys::Keys;
use super::secrecy::Secrecy;
use super::{Context, Kind, Layer, Sealed};
use crate::origin::{Origin, Place};
use crate::problem::Problem;
use crate::schema::Way;

/// A mounted ConfigMap, Secret or projected volume (or any directory).
///
/// A key whose name is that of a document (`config.yaml`, `app.toml`, `x.json`, `.env`) is parsed and
/// merged; any other key is one value, by its name. Where both give a value, the single key wins.
///
/// A volume that is lost or emptied while the program runs leaves the last good generation in
/// place, as it is far more often a mistake than a wish; see
/// [`defaults_when_lost`](Self::defaults_when_lost).
///
/// ```
/// use retune::source::Mount;
///
/// let mount = Mount::new("/etc/greeter").optional();
/// ```
///
/// # A volume that was torn down under the process
///
/// When writing a volume fails half-way, the kubelet tears it down and builds it anew. A container
/// that runs keeps the old one, which never changes again: it is orphaned, and only a restart of the
/// container reconnects it. Of a ConfigMap's volume, a directory on the node's disk, that can be
/// seen, and the status says so. A Secret's or projected volume is a tmpfs: it keeps its last
/// content for ever, and from inside it cannot be told from one that nobody edits. For that there
/// is [`heartbeat`](Self::heartbeat).
///
/// # What is secret by itself
///
/// The kubelet keeps the volumes of Secrets in memory (a tmpfs), and so it does `projected` ones and those
/// of the downward API; a ConfigMap's lie on the node's disk. A volume with `..data` on a tmpfs is therefore
/// [`secret`](Self::secret) unless the program says [`not_secret`](Self::not_secret): what it gives is
/// redacted, whatever its type, and is no part of the [hash](crate::status::Status::hash). The same holds
/// of a single [file](super::File) in such a volume, or mounted from it, and of one that `X_FILE` names.
/// [`SourceStatus::secret`](crate::status::SourceStatus::secret) tells what was taken for secret.
///
/// # Volumes that belong together
///
/// A change of two objects, such as a ConfigMap and a Secret, is two swaps: as a rule within one pass of
/// the kubelet, up to one and a half minutes apart where it learns of one of them a pass later. In
/// between, the program runs with the new one and the old other. Where that must not be:
///
/// - [`gather`](crate::Loader::gather) waits a moment after a change for more. It costs nothing in the
///   manifests, and promises nothing: what comes later than the window is a generation of its own.
/// - [`revision`](Self::revision) names a key that all of them carry. A reading is taken only when it
///   is the same in all, however long that takes.
///
/// Or they are one volume: a `projected` one takes a ConfigMap and a Secret among its `sources`, and
/// swaps both at once. It may still be written between the edits of the two objects.
#[derive(Debug)]
pub struct Mount {
    dir: Followed,
    optional: bool,
    defaults_when_lost: bool,
    secrecy: Secrecy,
    about: About,
    /// The accepted content had keys, so that having none is a loss.
    had_keys: bool,
    has_keys: bool,
    /// It was there in accepted content, so that it is lost where it is not.
    was_there: bool,
    is_there: bool,
    /// The heartbeat had stopped at the last look.
    had_stopped: bool,
}

// === impl Mount ===

impl Mount {
    /// A volume that must be mounted.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: Followed::new(dir),
            optional: false,
            defaults_when_lost: false,
            secrecy: Secrecy::default(),
            about: About::default(),
            had_keys: false,
            has_keys: false,
            was_there: false,
            is_there: false,
            had_stopped: false,
        }
    }

    /// May be missing at the start; it is picked up when it appears. From then on its loss is a fault like
    /// that of any other; see [`defaults_when_lost`](Self::defaults_when_lost).
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Takes a volume that was lost or emptied for a wish to fall back to lower sources and
    /// defaults.
    #[must_use]
    pub fn defaults_when_lost(mut self) -> Self {
        self.defaults_when_lost = true;
        self
    }

    /// Refuses links that lead out of the volume, for content that others may write.
    #[must_use]
    pub fn confined(mut self) -> Self {
        self.dir.confined = true;
        self
    }

    /// Redacts all values from this volume wherever they would be shown. It says nothing of precedence:
    /// of a ConfigMap and a Secret with the same key the one that was added last wins, and the Secret's
    /// value is redacted in either case.
    ///
    /// A volume that the kubelet keeps in memory is [secret by itself](Self#what-is-secret-by-itself).
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secrecy = Secrecy::SECRET;
        self
    }

    /// Redacts nothing but what its type or its form says is secret, although the volume lies in memory (a
    /// tmpfs): a `projected` volume of ConfigMaps, or a test's directory below a `/tmp` that is one.
    #[must_use]
    pub fn not_secret(mut self) -> Self {
        self.secrecy = Secrecy::NOT_SECRET;
        self
    }

    /// Names a key that holds a short-lived token, which the kubelet replaces again and again: when it
    /// has expired, nobody writes this volume any more.
    ///
    /// Such a token comes with a projected volume. Its audience is nobody, so that it opens nothing:
    ///
    /// ```yaml
    /// volumes:
    ///   - name: creds
    ///     projected:
    ///       sources:
    ///         - secret:
    ///             name: greeter
    ///         - serviceAccountToken:
    ///             path: heartbeat
    ///             audience: nobody
    ///             expirationSeconds: 600
    /// ```
    ///
    /// ```
    /// use retune::source::Mount;
    ///
    /// let mount = Mount::new("/etc/creds").heartbeat("heartbeat");
    /// ```
    ///
    /// The kubelet replaces it after 80 % of its life, so that one that has expired is late already;
    /// 30 s are added for clocks that differ. From then on the source is `orphaned` in the status,
    /// which is degraded and names the reason, and a warning is logged. The last good values stay,
    /// and whatever else changes is still taken. It is over when a fresh token is seen.
    ///
    /// The volume need not be lost: a kubelet that is down, or gets no new token from the API server,
    /// does not write either. The shorter the token's life, the sooner a loss is known, and the
    /// shorter an outage that looks like one: with 600 s, the least that Kubernetes allows, a minute
    /// may do; with 3600 s, which it takes by itself, eleven.
    ///
    /// The key is no configuration: no generation is made of a new token, and its content is shown
    /// nowhere. Only where a field has this very name it is that field's value as well, and a new
    /// token a change. The token's signature is not checked.
    ///
    /// A volume without the key, or with one that holds no such token, is refused, as nothing else
    /// would ever tell that it was forgotten in the manifest; an empty one is not with
    /// [`defaults_when_lost`](Self::defaults_when_lost). A program that runs outside of a cluster too
    /// asks for it only where there is one, such as when `KUBERNETES_SERVICE_HOST` is set.
    #[must_use]
    pub fn heartbeat(mut self, key: impl Into<PathBuf>) -> Self {
        self.about.heartbeat = Some(key.into());
        self
    }

    /// Names a key whose content tells what this volume belongs to: all mounts of a loader that name
    /// one must have the same under it. While they have not, the reading is not taken.
    ///
    /// ```
    /// use retune::source::Mount;
    ///
    /// let config = Mount::new("/etc/greeter").revision("revision");
    /// let secret = Mount::new("/etc/creds").secret().revision("revision");
    /// ```
    ///
    /// The objects carry it among their keys, and whoever changes both writes a new one into both: the
    /// number of a release, a hash. One final newline does not count.
    ///
    /// ```yaml
    /// kind: ConfigMap
    /// data:
    ///   revision: "42"
    ///   message: Hello
    /// ---
    /// kind: Secret
    /// stringData:
    ///   revision: "42"
    ///   signing-key: …
    /// ```
    ///
    /// From the first swap to the last, what ran before goes on whole, and
    /// [`Status::waiting`](crate::status::Status::waiting) tells which mount has which revision. That is
    /// as it should be while a change is on its way, and becomes a refusal, with a degraded status, after
    /// [`revision_patience`](crate::Loader::revision_patience). When the last one has come, or the
    /// first was taken back, it is over; the change is one generation. A value [set](crate::Live::set)
    /// meanwhile is refused, as it would be of no whole generation.
    ///
    /// At the start, there is nothing to go on with: different revisions are an error, with exit code 2 by
    /// [`or_exit`](crate::OrExit::or_exit), and Kubernetes starts the container again. A volume without
    /// the key, or with nothing in it, is refused at any time. Only an [`optional`](Self::optional) mount
    /// that is not there, and one that is lost and [may be](Self::defaults_when_lost), has no revision and
    /// needs none.
    ///
    /// The key is no configuration: a new revision alone is no generation. Only where a field has this
    /// very name it is that field's value as well. Of a [`secret`](Self::secret) mount it is shown nowhere.
    #[must_use]
    pub fn revision(mut self, key: impl Into<PathBuf>) -> Self {
        self.about.revision = Some(key.into());
        self
    }

    /// What a volume without keys means; `what` is the fault to report if it is one.
    fn without_keys(&self, layer: &mut Layer, what: &str) {
        if !self.had_keys || self.defaults_when_lost {
            return;
        }
        layer.failed = true;
        let place = self.dir.path().display();
        layer.notes.problems.push(
            Problem::new(
                "",
                format!("{place}: {what}; the last good values are kept"),
            )
            .with_help(
                "give the ConfigMap or Secret its keys back, or choose `defaults_when_lost()`",
            ),
        );
    }

    fn place(&self, snapshot: &Snapshot, context: &Context<'_>, layer: &mut Layer) {
        let secret = self.secrecy.of(snapshot);
        layer.secret |= secret;
        let dir = self.dir.path();
        let place = |key: &Path| Place::Key {
            mount: dir.to_owned(),
            key: key.to_owned(),
        };
        layer.note_open(snapshot, context, place);
        let keys = Keys {
            whole: Place::File(dir.to_owned()),
            place: &place,
            secret,
            about: &self.about,
        };
        keys.put(snapshot.iter(), context, layer);
    }
}

impl<P: Into<PathBuf>> From<P> for Mount {
    fn from(dir: P) -> Self {
        Self::new(dir)
    }
}

impl Sealed for Mount {
    fn name(&self) -> String {
        format!("mount {}", self.dir.path().display())
    }

    fn kind(&self) -> Kind {
        Kind::Mount
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::new(Origin::Default, Some(Way::Mount), context);
        layer.mounted = true;
        let had_keys = std::mem::take(&mut self.has_keys);
        let found = self.dir.read(context, &mut layer);
        self.is_there = matches!(found, Found::Content(_));
        match found {
            Found::Content(snapshot) if snapshot.file().is_some() => {
                layer.failed = true;
                let place = self.dir.path().display();
                layer.notes.problems.push(
                    Problem::new("", format!("{place}: is a single file, not a directory"))
                        .with_help("read it with `.file(…)`, or mount the whole volume"),
                );
            }
            // The heartbeat is read anew, as it may have stopped.
            Found::Content(_) if self.about.heartbeat.is_none() && layer.leave_out(context) => {
                self.has_keys = had_keys;
            }
            Found::Content(snapshot) => {
                self.has_keys = snapshot.iter().any(|(key, _)| !self.about.names(key));
                if !self.has_keys {
                    self.without_keys(&mut layer, "has no keys any more");
                }
                // Where everything is lost so are these: that is told already, or wished for.
                let lost = snapshot.is_empty() && (self.had_keys || self.defaults_when_lost);
                // What is optional and empty was made of an object that is not there.
                let absent = lost || snapshot.is_empty() && self.optional;
                let dir = self.dir.path();
                if !lost {
                    self.about.listen(dir, &snapshot, &mut layer);
                }
                if !absent {
                    let (flat, secret) = (context.flat, self.secrecy.of(&snapshot));
                    self.about.compare(dir, &snapshot, flat, secret, &mut layer);
                }
                self.place(&snapshot, context, &mut layer);
            }
            Found::Missing if self.had_keys => self.without_keys(&mut layer, "is gone"),
            Found::Missing if self.was_there && self.defaults_when_lost => {}
            Found::Missing if !self.optional => {
                layer.failed = true;
                let place = shown(self.dir.path());
                layer.notes.problems.push(
                    Problem::new("", format!("{place}: no such directory"))
                        .with_help("mount the volume there, or mark the source `.optional()`"),
                );
            }
            Found::Unsettled => {
                layer.failed = true;
                let place = self.dir.path().display();
                layer.notes.problems.push(
                    Problem::new("", format!("{place}: is being written"))
                        .with_help("it is read as soon as it is at rest"),
                );
            }
            Found::Missing | Found::Failed => {}
        }
        // Both that it has stopped and that it has not any more is for the status.
        let stopped = layer.heartbeat.is_some_and(|beat| beat.stopped);
        let had_stopped = std::mem::replace(&mut self.had_stopped, stopped);
        layer.same &= !stopped && !had_stopped;
        layer
    }

    fn rebase(&mut self, root: &Path) {
        self.dir.rebase(root);
    }

    fn accepted(&mut self) {
        self.had_keys = self.has_keys;
        self.was_there |= self.is_there;
    }
}
