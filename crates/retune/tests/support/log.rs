//! The log of this process: a line for each event and span, with its level and all its fields.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

type AtEachLine = Arc<dyn Fn() + Send + Sync>;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static AT_EACH_LINE: Mutex<Option<AtEachLine>> = Mutex::new(None);

/// Keeps all that is logged from now on, at every level.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Log).unwrap());
}

/// What was logged so far.
pub fn lines() -> Vec<String> {
    LINES.lock().unwrap().clone()
}

/// How many lines hold all parts.
pub fn logged(parts: &[&str]) -> usize {
    let lines = LINES.lock().unwrap();
    let holds_all = |line: &&String| parts.iter().all(|part| line.contains(part));
    lines.iter().filter(holds_all).count()
}

/// What the logging thread does after each line, as a layer of a log might.
pub fn at_each_line(act: Option<AtEachLine>) {
    *AT_EACH_LINE.lock().unwrap() = act;
}

struct Log;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line("span".to_owned());
        span.record(&mut line);
        LINES.lock().unwrap().push(line.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line("span".to_owned());
        values.record(&mut line);
        LINES.lock().unwrap().push(line.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.lock().unwrap().push(line.0);
        let act = AT_EACH_LINE.lock().unwrap().clone();
        act.into_iter().for_each(|act| act());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
