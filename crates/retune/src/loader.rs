//! Names the sources, in order, and loads them.

mod first;

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use retune_mount::{Limits, Signal, wall_clock};

use self::first::{First, Instead, first, keep};
use crate::Retune;
use crate::decode::Variables;
use crate::error::Error;
use crate::flat::Flat;
use crate::jitter::Jitter;
use crate::last_good::LastGood;
use crate::live::{Live, PATIENCE, Shared};
use crate::pipeline::{Observation, Options, Pipeline};
use crate::problem::Problem;
use crate::reload::Reloader;
use crate::source::{Code, Env, File, Mount, Sealed, Source};
#[cfg(feature = "clap")]
use crate::source::{Flags, VariableNames};
use crate::status::Times;

/// How long volumes that belong together may be apart.
const REVISION_PATIENCE: Duration = Duration::from_secs(120);

/// What the report of a program says that cannot start.
const NOTHING_KEPT: &str = "No last good configuration is kept that the program could start with: \
                            `Loader::keep_last_good` does that.";

/// Names the sources of a configuration, from the lowest to the highest, and loads them.
///
/// The usual order is files, mounts, environment, flags. Whatever the sources do not give is the
/// type's default.
///
/// ```
/// use retune::{Retune, source::Env};
///
/// #[derive(Debug, Retune)]
/// struct Config {
///     /// Text that `GET /` answers with.
///     #[retune(default = "Hello World")]
///     message: String,
///     #[retune(default = 8080)]
///     port: u16,
/// }
///
/// # fn main() -> Result<(), retune::Error> {
/// let config = Config::loader()
///     .env(Env::from_iter("GREETER", [("GREETER_PORT", "9090")]))
///     .once()?;
/// assert_eq!((config.message.as_str(), config.port), ("Hello World", 9090));
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read before `once` or `watch`"]
pub struct Loader<T> {
    sources: Vec<Box<dyn Sealed + Send>>,
    set: Option<Code>,
    options: Options,
    gather: Duration,
    revision_patience: Duration,
    jitter: Option<Jitter>,
    last_good: Option<LastGood>,
    patience: Duration,
    #[cfg(feature = "clap")]
    usage: Option<clap::Error>,
    of: PhantomData<fn() -> T>,
}

// === impl Loader ===

impl<T: Retune> Loader<T> {
    pub(crate) fn new() -> Self {
        Self {
            sources: Vec::new(),
            set: None,
            options: Options::default(),
            gather: Duration::ZERO,
            revision_patience: REVISION_PATIENCE,
            jitter: None,
            last_good: None,
            patience: PATIENCE,
            #[cfg(feature = "clap")]
            usage: None,
            of: PhantomData,
        }
    }

    pub(crate) fn inheriting(mut self, variables: Variables) -> Self {
        self.options.inherited = Arc::new(variables);
        self
    }

    /// Adds a configuration file: YAML, JSON, TOML or `.env`, by its ending. See [`File`].
    pub fn file(self, file: impl Into<File>) -> Self {
        self.source(file.into())
    }

    /// Adds a mounted ConfigMap, Secret or projected volume: one value a key, documents merged in.
    /// See [`Mount`].
    pub fn mount(self, mount: impl Into<Mount>) -> Self {
        self.source(mount.into())
    }

    /// Adds environment variables with a prefix, and the files that `…_FILE` name. See [`Env`].
    pub fn env(mut self, env: impl Into<Env>) -> Self {
        let env = env.into();
        self.options
            .variables
            .get_or_insert_with(|| env.names().clone());
        self.source(env)
    }

    /// Adds the flags of a command line that is the configuration's alone. `--help` and `--version`
    /// end the process by [`OrExit`](crate::OrExit), as does a line that cannot be parsed. For a
    /// program with arguments of its own see [`flags`](Self::flags).
    #[cfg(feature = "clap")]
    pub fn args(self, args: impl IntoIterator<Item = impl Into<std::ffi::OsString>>) -> Self {
        self.flags(Flags::parse(args))
    }

    /// Adds command-line flags, such as those that the program's own clap command has parsed; see
    /// [`Retune::augment`] and [`Flags`].
    #[cfg(feature = "clap")]
    pub fn flags(mut self, flags: impl Into<Flags>) -> Self {
        let env = self.options.variables.as_ref();
        match flags.into().given::<T>(env.and_then(VariableNames::prefix)) {
            Ok(given) => self.source(given),
            Err(error) => {
                self.usage = Some(error);
                self
            }
        }
    }

    /// Adds a value by code, by any writing of its path.
    #[track_caller]
    pub fn set(mut self, name: &str, text: &str) -> Self {
        // Values in a row are one source.
        self.set
            .get_or_insert_default()
            .set(&Flat::new(T::SCHEMA), name, text, Location::caller());
        self
    }

    /// Adds any source, such as a closure of the program: see [`source::from_fn`](crate::source::from_fn).
    pub fn source(mut self, source: impl Source) -> Self {
        self.close_set();
        self.sources.push(Box::new(source));
        self
    }

    fn close_set(&mut self) {
        if let Some(code) = self.set.take() {
            self.sources.push(Box::new(code));
        }
    }

    /// No source is added any more.
    fn close(&mut self) -> Result<(), Error> {
        self.close_set();
        #[cfg(feature = "clap")]
        if let Some(usage) = self.usage.take() {
            return Err(Error::usage(usage));
        }
        Ok(())
    }

    /// Refuses what is merely odd, such as names that no field answers to. By default they are
    /// warnings, as a ConfigMap may be ahead of the program that it is for.
    pub fn strict(mut self) -> Self {
        self.options.strict = true;
        self
    }

    /// Sets what stands between the items of a list or map that is written as a text: `a;b` is a list
    /// of two with `;`. Default `,`. Lists in brackets and those of documents are not concerned, nor
    /// defaults and what `serde` takes, and `#[retune(separator = ';')]` on a field comes first.
    ///
    /// ```
    /// use retune::{Retune, source::Env};
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     hosts: Vec<String>,
    /// }
    ///
    /// # fn main() -> Result<(), retune::Error> {
    /// let env = Env::from_iter("", [("HOSTS", "a,1|b,2")]);
    /// let config = Config::loader().env(env).separator('|').once()?;
    /// assert_eq!(config.hosts, ["a,1", "b,2"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn separator(mut self, separator: char) -> Self {
        self.options.separator = separator;
        self
    }

    /// Warns of each file with a secret in it, be it a document, a key of a mount or what `X_FILE` names,
    /// whose mode lets everybody on the machine read it. Only the file's own mode is looked at, at each
    /// reading: a directory around it may be closed all the same. It is a warning with
    /// [`strict`](Self::strict), too.
    ///
    /// Off by default: the kubelet writes Secrets with mode 0644 unless the volume's `defaultMode` says
    /// otherwise, and in a container with one user there is nobody else to read them.
    ///
    /// ```
    /// use retune::{Retune, Secret};
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     password: Secret<String>,
    /// }
    ///
    /// # #[cfg(unix)] {
    /// # use std::{fs, os::unix::fs::PermissionsExt};
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let creds = dir.path();
    /// fs::write(creds.join("password"), "hunter2").unwrap();
    /// fs::set_permissions(creds.join("password"), PermissionsExt::from_mode(0o644)).unwrap();
    /// let config = Config::loader().mount(creds).warn_world_readable().watch().unwrap();
    /// assert!(config.status().warnings[0].message().contains("mode 0644"));
    /// # }
    /// ```
    pub fn warn_world_readable(mut self) -> Self {
        self.options.warn_world_readable = true;
        self
    }

    /// Takes the absolute paths of files, of mounts, and of what `X_FILE` names from this directory
    /// instead of `/`, and the links in them as well: for a process that sees the file system of a
    /// container somewhere else, as telepresence mounts it. Relative paths stay what they are.
    ///
    /// ```
    /// use retune::Retune;
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     message: String,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let container = dir.path();
    /// # std::fs::create_dir_all(container.join("etc/greeter"))?;
    /// std::fs::write(container.join("etc/greeter/message"), "Hello World")?;
    /// let config = Config::loader().root(container).mount("/etc/greeter").once()?;
    /// assert_eq!(config.message, "Hello World");
    /// # Ok(())
    /// # }
    /// ```
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        self.options.root = Some(std::path::absolute(&root).unwrap_or(root));
        self
    }

    /// Takes the [`root`](Self::root) from a variable of the process, such as `TELEPRESENCE_ROOT`.
    /// Where it is not set, or empty, paths are what they are.
    pub fn root_from_env(self, variable: &str) -> Self {
        match std::env::var_os(variable).filter(|root| !root.is_empty()) {
            Some(root) => self.root(root),
            None => self,
        }
    }

    /// Sets how much may be read from one path.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Sets how often the sources are looked at without a hint that something changed, on average:
    /// where the system tells of changes (default 30 s), and where it does not (default 2 s).
    pub fn poll_every(mut self, with_events: Duration, without_events: Duration) -> Self {
        self.options.poll = (with_events, without_events);
        self
    }

    /// Waits this long after a change for more, so that volumes that are written one after the other
    /// become one generation. Default 0: each is seen at once. The window is a chance and no promise;
    /// see [`Mount::revision`].
    pub fn gather(mut self, window: Duration) -> Self {
        self.gather = window;
        self
    }

    /// Lets each replica wait a random time of its own, from 0 to this, before it takes a change: so not all
    /// of them open new connections, or drop their caches, in the same moment. Default 0.
    ///
    /// The change is read and checked at once, so that a bad one is told by all replicas as soon as they
    /// see it, and gates are asked when it is taken. Until then [`Status::delayed`](crate::status::Status::delayed)
    /// says so. What else changes meanwhile is taken along at the same time, so that nothing waits for
    /// longer than this; what is taken back meanwhile, or turns out to be bad, is not waited for.
    ///
    /// Nothing waits at the start, nor for [`Live::reload`], [`Live::set`] or [`Live::stop`]. A generation is
    /// whole, so that what waits is taken by these two as well. The time is a part of the measured lag.
    /// With [`Jitter::except_secrets`] a change of a secret does not wait.
    ///
    /// The kubelets write a volume on their nodes up to one and a half minutes apart. So this is for changes
    /// that cost more than that spreads: with replicas that share a node, or with a nudge that makes
    /// all kubelets look at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use retune::{Jitter, Retune, source::Env};
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     #[retune(default = 10)]
    ///     pool_size: usize,
    /// }
    ///
    /// # fn main() -> Result<(), retune::Error> {
    /// let config = Config::loader()
    ///     .env(Env::from_iter("GREETER", [("GREETER_POOL_SIZE", "20")]))
    ///     .jitter(Jitter::up_to(Duration::from_secs(30)).except_secrets())
    ///     .watch()?;
    /// assert!(config.status().delayed.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn jitter(mut self, jitter: impl Into<Jitter>) -> Self {
        self.jitter = Some(jitter.into());
        self
    }

    /// Keeps the last good configuration in this file, and starts from it when what the sources give is
    /// refused: so a container that restarts while a bad edit waits to be mended serves on, as the others
    /// do that were not restarted. Off by default: then such a start fails.
    ///
    /// The program is degraded until something good is there. [`Status::last_good`](crate::status::Status::last_good)
    /// says that it was started so, and [`Status::rejection`](crate::status::Status::rejection) why, as does a
    /// warning in the log. A file that is missing, cut off or does not fit the program is no help, and
    /// then the start fails with that beside all other problems. A file that cannot be written is a
    /// warning.
    ///
    /// It is a JSON document, replaced as a whole with each generation, for its owner alone to read. **No secret is
    /// in it**, nor a URL with a password, nor anything of a source that is
    /// [secret as a whole](crate::source::Mount#what-is-secret-by-itself): a start takes these from the
    /// sources as they are then, and so it fails if one of them is missing or bad. Everything else is in it, whatever gave it, also
    /// what [`Live::set`] set.
    ///
    /// In a pod it belongs in a directory of an `emptyDir`, which outlives the container and not the pod: a
    /// new pod has nothing to start from, and so a rollout with a bad configuration still stops. No
    /// two processes may share the file.
    ///
    /// ```
    /// use std::fs;
    /// use retune::Retune;
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     pool_size: usize,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let (etc, state) = (dir.path().join("etc"), dir.path().join("state"));
    /// # fs::create_dir_all(&etc)?;
    /// # fs::create_dir_all(&state)?;
    /// fs::write(etc.join("config.yaml"), "pool-size: 20")?;
    /// let start = || {
    ///     Config::loader()
    ///         .file(etc.join("config.yaml"))
    ///         .keep_last_good(state.join("last-good.json"))
    ///         .watch()
    /// };
    /// start()?.stop()?;
    ///
    /// fs::write(etc.join("config.yaml"), "pool-size: many")?;
    /// let config = start()?;
    /// assert_eq!(config.with(|config| config.pool_size), 20);
    /// assert!(config.status().reasons[0].starts_with("started from the last good configuration of 20"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep_last_good(mut self, file: impl AsRef<Path>) -> Self {
        self.last_good = Some(LastGood::new(file.as_ref()));
        self
    }

    /// Sets how long volumes may be of different [revisions](Mount::revision) before that is a fault
    /// and the status degraded. They are not taken in either case. Default 2 minutes: the kubelet may
    /// write one of them a whole pass after the other, which is up to one and a half.
    pub fn revision_patience(mut self, patience: Duration) -> Self {
        self.revision_patience = patience;
        self
    }

    /// Sets how long a part of a reload or a subscriber may take before the status names it as
    /// stuck or late. Default 10 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Loads the configuration, without following its changes.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn once(mut self) -> Result<T, Error> {
        self.close()?;
        let mut pipeline = Pipeline::new(T::SCHEMA, self.sources, self.options);
        let mut seen = pipeline.observe(None, |_| {});
        let first = first(&mut pipeline, &mut seen, self.last_good.as_ref())?;
        if first.instead.is_none() {
            keep(self.last_good.as_mut(), &seen);
        }
        Ok(first.value)
    }

    /// Loads the configuration, and follows its changes from then on. A plain file that is being written is waited
    /// for, 4 s at the most.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it; that no thread is to be had.
    pub fn watch(mut self) -> Result<Live<T>, Error> {
        self.close()?;
        let signal = Signal::new();
        let noticed = wall_clock();
        let mut pipeline = Pipeline::new(T::SCHEMA, self.sources, self.options);
        let mut seen = pipeline.observe_first(&signal);
        let first = first(&mut pipeline, &mut seen, self.last_good.as_ref());
        let First { value, instead } = first.map_err(|error| match self.last_good {
            Some(_) => error,
            None => error.noting(NOTHING_KEPT.to_owned()),
        })?;
        let ages = seen.ages();
        match instead {
            None => {
                pipeline.accept(&mut seen);
                pipeline.settle();
            }
            Some(_) => pipeline.refuse(&mut seen),
        }
        seen.tree.keep_previous(None);
        if instead.is_none() {
            keep(self.last_good.as_mut(), &seen);
        }
        let times = Times {
            published: seen.published,
            noticed,
            swapped: wall_clock(),
            applied: None,
        };
        let Observation {
            tree,
            warnings,
            sources,
            settling,
            due,
            ..
        } = seen;
        let shared = Shared::new(value, (tree, ages), times, signal, self.patience);
        let mut record = shared.record();
        record.warnings = warnings;
        record.sources = sources;
        record.validities = pipeline.validities().to_vec();
        let kept = instead.as_ref().map(|instead| instead.kept);
        record.last_good = self.last_good.as_ref().map(|file| file.status(kept));
        if let Some(Instead { rejection, kept }) = instead {
            record.last_success = Some(kept);
            record.refused(rejection);
        }
        drop(record);
        let live = Live::from_shared(shared);
        let shared = live.shared().clone();
        let reloader = Reloader::new(
            pipeline,
            shared,
            (settling, due),
            (self.gather, self.revision_patience),
            self.jitter,
            self.last_good,
        );
        live.shared()
            .spawn_reloader(move || reloader.run())
            .map_err(|error| {
                let problem =
                    Problem::new("", format!("the reload thread cannot be started: {error}"));
                Error::new("the configuration cannot be followed", vec![problem])
            })?;
        Ok(live)
    }
}

impl<T> fmt::Debug for Loader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("Loader")
            .field("sources", &names)
            .finish_non_exhaustive()
    }
}
