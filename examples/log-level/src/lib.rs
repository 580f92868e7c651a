//! What the two services share: a log in JSON whose level can change, and the end by SIGTERM.
#![forbid(unsafe_code)]

use std::io::Write;

use retune::{LogFilter, LogHandle};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{Event, Subscriber};
use tracing_serde::fields::AsMap;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// Writes each event as one line of JSON.
struct Json;

/// Starts the log at `info`. What is returned lets the configuration set it.
pub fn start_log() -> LogHandle {
    let (filter, log) = LogFilter::starting_at(LevelFilter::INFO);
    registry().with(filter).with(Json).init();
    log
}

/// Heeds from now on that Kubernetes wants the process to end; what is returned waits for it.
pub fn terminated() -> impl Future<Output = ()> {
    let signal = signal(SignalKind::terminate());
    let mut signal = signal.expect("SIGTERM can be waited for");
    async move { _ = signal.recv().await }
}

impl<S: Subscriber> Layer<S> for Json {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut timestamp = String::new();
        _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        let mut line = json!(event.field_map());
        line["level"] = event.metadata().level().as_str().to_lowercase().into();
        line["logger"] = event.metadata().target().into();
        line["timestamp"] = timestamp.into();
        // A log that nobody reads any more is no reason to end.
        _ = writeln!(std::io::stdout(), "{line}");
    }
}
