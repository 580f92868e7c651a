//! A log filter that follows the configuration.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::warn;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::reload;

use crate::decode::{Decoder, Value};
use crate::error::Error;
use crate::grammar::Grammar;
use crate::live::{Subscription, View};
use crate::node::Node;
use crate::schema::Shape;
use crate::values::log;

/// Which events are logged, as `RUST_LOG` says it: a level for all, and levels for those whose target
/// begins so. `info,my_crate=debug` is `info`, and `debug` for `my_crate`.
///
/// ```
/// use retune::{LogFilter, Retune};
/// use tracing::level_filters::LevelFilter;
/// use tracing_subscriber::{Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};
///
/// #[derive(Debug, Retune)]
/// struct Config {
///     /// Which events are logged: `info,my_crate=debug`.
///     #[retune(default = "info")]
///     log: LogFilter,
/// }
///
/// # fn main() -> Result<(), retune::Error> {
/// # let volume = tempfile::tempdir().unwrap();
/// # std::fs::write(volume.path().join("log"), "warn,my_crate=debug\n").unwrap();
/// # let mounted = volume.path();
/// let (filter, log) = LogFilter::starting_at(LevelFilter::INFO);
/// tracing_subscriber::registry().with(fmt::layer().with_filter(filter)).init();
/// let config = Config::loader().mount(mounted).watch()?; // what it has to say is logged
/// log.follow(&config.view(|c| &c.log)).detach();
/// # assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
/// # Ok(())
/// # }
/// ```
///
/// The names of levels are those of `tracing`, in any case. A word alone is a level and never a target, since
/// `warning`, taken as one, would log nothing else: a target is `my_crate=trace`. Spans and fields cannot be
/// chosen; whoever needs that takes `EnvFilter` and reloads it by a subscription of their own.
#[derive(Clone, PartialEq)]
pub struct LogFilter(Targets);

/// Sets the filter that [`LogFilter::starting_at`] made, at any time and from any thread.
#[derive(Clone)]
pub struct LogHandle {
    set: Arc<dyn Fn(Targets) -> Result<(), reload::Error> + Send + Sync>,
}

// === impl LogFilter ===

impl LogFilter {
    /// A filter that can be set, and what sets it. Until then it is `start`.
    ///
    /// It is the filter of one layer (`with_filter`), or a layer above all of them (`with`). Only the filter is
    /// ever replaced: `tracing-subscriber` cannot replace a layer that has one.
    pub fn starting_at<S: 'static>(
        start: impl Into<Self>,
    ) -> (reload::Layer<Targets, S>, LogHandle) {
        let (filter, handle) = reload::Layer::new(start.into().0);
        let set = Arc::new(move |targets: Targets| handle.reload(targets));
        (filter, LogHandle { set })
    }

    fn of(directives: Vec<log::Directive>) -> Self {
        let add = |targets: Targets, (target, level): log::Directive| match target {
            Some(target) => targets.with_target(target, level),
            None => targets.with_default(level),
        };
        Self(directives.into_iter().fold(Targets::new(), add))
    }
}

impl FromStr for LogFilter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        log::parse(text).map(Self::of).map_err(|reason| {
            let expected = Grammar::LogDirectives.expects();
            Error::message(format!("expected {expected}, found {text:?}: {reason}"))
        })
    }
}

impl From<LevelFilter> for LogFilter {
    fn from(level: LevelFilter) -> Self {
        Self(Targets::new().with_default(level))
    }
}

/// A text such as `info,my_crate=debug`; blanks around its parts do not count.
impl Value for LogFilter {
    const SHAPE: Shape = Shape::Text(Grammar::LogDirectives);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        log::decode(node, decoder).map(Self::of)
    }
}

/// As it can be written: the most special first.
impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogFilter")
            .field(&format_args!("{self}"))
            .finish()
    }
}

// === impl LogHandle ===

impl LogHandle {
    /// Sets the filter, also for code that runs already.
    ///
    /// # Errors
    ///
    /// When the log that had the filter is gone.
    pub fn set(&self, filter: &LogFilter) -> Result<(), Error> {
        (self.set)(filter.0.clone())
            .map_err(|error| Error::message(format!("the log filter cannot be set: {error}")))
    }

    /// Sets the filter to what the configuration says, before this returns, and then whenever it says
    /// otherwise: until what is returned is dropped. The last filter stays.
    #[track_caller]
    #[must_use = "dropping the subscription ends it; `detach()` keeps it"]
    pub fn follow<T: Send + Sync + 'static>(&self, filter: &View<T, LogFilter>) -> Subscription {
        // Not within `with`: to set it is to run the log's own code.
        self.set_or_warn(&filter.get());
        let handle = self.clone();
        filter.subscribe(move |filter| handle.set_or_warn(filter))
    }

    fn set_or_warn(&self, filter: &LogFilter) {
        if let Err(error) = self.set(filter) {
            warn!("{error}");
        }
    }
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHandle").finish_non_exhaustive()
    }
}
