//! The log, whose level can change.

use std::io;

use retune::Retune;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry, reload};

/// Which events are logged: those of this level, and worse.
#[derive(Clone, Copy, Debug, PartialEq, Retune)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Starts the log at `info`. What is returned sets another level, at any time.
pub fn start_log() -> impl Fn(&Level) {
    let (filter, handle) = reload::Layer::new(LevelFilter::INFO);
    let lines = fmt::layer().with_writer(io::stderr);
    registry().with(filter).with(lines).init();
    move |level| _ = handle.reload(LevelFilter::from(*level))
}

// === impl Level ===

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::DEBUG,
            Level::Info => Self::INFO,
            Level::Warn => Self::WARN,
            Level::Error => Self::ERROR,
        }
    }
}
