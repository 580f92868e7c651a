//! What the two services share: a log in JSON whose level can change, and the end by SIGTERM.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write;

use retune::Retune;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{registry, reload};

/// Which events are logged: those of this level, and worse.
#[derive(Clone, Copy, Debug, PartialEq, Retune)]
#[allow(missing_docs)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Starts the log at `info`. What is returned sets another level, at any time.
pub fn start_log() -> impl Fn(&Level) {
    let (filter, handle) = reload::Layer::new(LevelFilter::INFO);
    registry().with(filter).with(Json).init();
    move |level| _ = handle.reload(LevelFilter::from(*level))
}

/// Returns when Kubernetes wants the process to end.
pub async fn terminated() {
    let signal = signal(SignalKind::terminate());
    signal.expect("SIGTERM can be waited for").recv().await;
}

/// Writes each event as one line of JSON.
struct Json;

/// The fields of an event, and what else its line tells.
#[derive(Default)]
struct Line(BTreeMap<&'static str, Value>);

impl<S: Subscriber> Layer<S> for Json {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let mut timestamp = String::new();
        _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        let level = event.metadata().level().as_str().to_lowercase();
        line.0.insert("level", level.into());
        line.0.insert("logger", event.metadata().target().into());
        line.0.insert("timestamp", timestamp.into());
        // A log that nobody takes any more is no reason to end.
        _ = writeln!(std::io::stdout(), "{}", serde_json::json!(line.0));
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name(), value.into());
    }
}

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
