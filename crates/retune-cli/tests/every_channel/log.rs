//! The log of this process at every level: a line for each event and span, with all its fields.

use std::fmt::{Debug, Write};
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps all that is logged from now on.
pub(crate) fn keep() {
    // There may be one already, of a test before.
    _ = tracing::subscriber::set_global_default(Log);
}

/// What was logged since it was taken last.
pub(crate) fn take() -> String {
    std::mem::take(&mut *LINES.lock().expect("whole")).join("\n")
}

struct Log;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // A time is told, and is another each time.
        if field.name() != "lag_seconds" {
            _ = write!(self.0, " {field}={value:?}");
        }
    }
}

impl Line {
    fn keep(self) {
        LINES.lock().expect("whole").push(self.0);
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("retune")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(span.metadata().name().to_owned());
        span.record(&mut line);
        line.keep();
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line("span".to_owned());
        values.record(&mut line);
        line.keep();
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        line.keep();
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
