//! One line of JSON for each event on standard output, retune's own log included.

use std::io::Write;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::{Event, Subscriber};
use tracing_serde::fields::AsMap;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// Writes each event of the log as one line of JSON.
struct Json;

/// Prints an event; `fields` is an object.
pub(crate) fn tell(event: &str, fields: Value) {
    let mut line = json!({ "event": event, "at": nanoseconds(SystemTime::now()) });
    if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
        line.extend(fields);
    }
    // A log that nobody reads any more is no reason to end.
    _ = writeln!(std::io::stdout(), "{line}");
}

/// Since 1970; 0 for a clock that is before it.
pub(crate) fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// From now on the log is told, too.
pub(crate) fn start_log(level: LevelFilter) {
    registry().with(level).with(Json).init();
}

/// As the first process of a container, it would not end by a signal otherwise.
pub(crate) fn end_on_signal() -> Result<(), String> {
    let failed = |error| format!("SIGTERM cannot be waited for: {error}");
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(failed)?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            tell("end", json!({ "signal": signal }));
            std::process::exit(0);
        }
    });
    Ok(())
}

impl<S: Subscriber> Layer<S> for Json {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = json!(event.field_map());
        fields["level"] = event.metadata().level().as_str().to_lowercase().into();
        fields["target"] = event.metadata().target().into();
        tell("log", fields);
    }
}
