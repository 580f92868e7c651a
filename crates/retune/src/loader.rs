//! Names the sources, in order, and loads them.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use retune_mount::{Limits, Signal};

use crate::Retune;
use crate::env_view::Variables;
use crate::error::Error;
use crate::flat::Flat;
use crate::live::{Live, PATIENCE, Shared};
use crate::pipeline::{Observation, Options, Pipeline};
use crate::problem::Problem;
use crate::reload::Reloader;
use crate::source::{Code, Env, File, Mount, Sealed, Source};
use crate::status::Times;

/// How long volumes that belong together may be apart.
const REVISION_PATIENCE: Duration = Duration::from_secs(120);

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
            options: Options {
                limits: Limits::default(),
                strict: false,
                poll: (Duration::from_secs(30), Duration::from_secs(2)),
                env_prefix: None,
                inherited: Arc::default(),
            },
            gather: Duration::ZERO,
            revision_patience: REVISION_PATIENCE,
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
            .env_prefix
            .get_or_insert_with(|| env.prefix().to_owned());
        self.source(env)
    }

    /// Adds the flags of a command line that is the configuration's alone. `--help` and `--version`
    /// end the process by [`OrExit`](crate::OrExit), as does a line that cannot be parsed. For a
    /// program with arguments of its own see [`flags`](Self::flags).
    #[cfg(feature = "clap")]
    pub fn args(
        mut self,
        args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
    ) -> Self {
        let prefix = self.options.env_prefix.as_deref();
        let args: Vec<std::ffi::OsString> = args.into_iter().map(Into::into).collect();
        let program = args.first().map(std::path::PathBuf::from);
        let name = program
            .as_deref()
            .and_then(|path| path.file_name()?.to_str());
        let command = clap::Command::new(name.unwrap_or_default().to_owned()).about(T::SCHEMA.docs);
        let flat = Flat::new(T::SCHEMA);
        match crate::source::augment(command, &flat, prefix).try_get_matches_from(args) {
            Ok(matches) => self.flags(&matches),
            Err(error) => {
                self.usage = Some(error);
                self
            }
        }
    }

    /// Adds command-line flags that the program's own clap command has parsed; see
    /// [`Retune::augment`].
    #[cfg(feature = "clap")]
    pub fn flags(self, matches: &clap::ArgMatches) -> Self {
        self.source(crate::source::Flags::new::<T>(matches))
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

    /// Adds any other source.
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
        first(&pipeline, &mut seen)
    }

    /// Loads the configuration, and follows its changes from then on.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it; that no thread is to be had.
    pub fn watch(mut self) -> Result<Live<T>, Error> {
        self.close()?;
        let signal = Signal::new();
        let noticed = SystemTime::now();
        let mut pipeline = Pipeline::new(T::SCHEMA, self.sources, self.options);
        let mut seen = pipeline.observe(Some(&signal), |_| {});
        let value = first(&pipeline, &mut seen)?;
        pipeline.accept(&mut seen);
        let times = Times {
            published: seen.published,
            noticed,
            swapped: SystemTime::now(),
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
        let shared = Shared::new(value, tree, times, signal, self.patience);
        let mut record = shared.record();
        record.warnings = warnings;
        record.sources = sources;
        drop(record);
        let live = Live::from_shared(shared);
        let shared = live.shared().clone();
        let reloader = Reloader::new(
            pipeline,
            shared,
            (settling, due),
            (self.gather, self.revision_patience),
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

fn first<T: Retune>(pipeline: &Pipeline, seen: &mut Observation) -> Result<T, Error> {
    // What volumes say that do not belong together is not worth a report.
    let value = match seen.apart.take() {
        Some(apart) => {
            seen.problems.push(apart);
            None
        }
        None => pipeline.decode(seen, false),
    };
    let Some(value) = value else {
        let problems = std::mem::take(&mut seen.problems);
        let error = Error::new("the configuration is not valid", problems);
        return Err(error.beside(std::mem::take(&mut seen.warnings)));
    };
    for warning in &seen.warnings {
        tracing::warn!("{warning}");
    }
    Ok(value)
}

impl<T> fmt::Debug for Loader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("Loader")
            .field("sources", &names)
            .finish_non_exhaustive()
    }
}
