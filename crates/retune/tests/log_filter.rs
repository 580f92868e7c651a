//! The log filter that follows the configuration. What is about the process's log is in a process of its own.
#![cfg(feature = "tracing-subscriber")]
#![allow(missing_docs)]

mod support;

use std::io::{self, Write};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use retune::source::Env;
use retune::{Live, LogFilter, LogHandle, Retune, Secret};
use support::{Volume, eventually, is_child, run_as_child, until_ok, until_rejected};
use tempfile::{TempDir, tempdir};
use tracing::level_filters::LevelFilter;
use tracing::{Level, debug, error, info, trace, warn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "info")]
    log: LogFilter,
    #[retune(default = 0)]
    other: u32,
}

/// What a log wrote.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        let own = self.clone();
        fmt::layer()
            .with_ansi(false)
            .with_writer(move || own.clone())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn has(&self, part: &str) -> bool {
        self.text().contains(part)
    }
}

fn watched(log: &str) -> (TempDir, Volume, Live<Config>) {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("log", log)]);
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    (dir, volume, live)
}

/// Starts the process's log at `info`.
fn start() -> (Written, LogHandle) {
    let written = Written::default();
    let (filter, log) = LogFilter::starting_at(LevelFilter::INFO);
    registry().with(written.layer().with_filter(filter)).init();
    (written, log)
}

/// Runs one test of this binary again in a process of its own; true in that process.
fn in_child(test: &str) -> bool {
    if !is_child() {
        run_as_child(test, &mut Command::new(std::env::current_exe().unwrap()));
    }
    is_child()
}

#[test]
fn code_that_runs_already_is_heard_at_the_new_level_and_falls_silent_again() {
    if !in_child("code_that_runs_already_is_heard_at_the_new_level_and_falls_silent_again") {
        return;
    }
    let (written, log) = start();
    let stop = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(Mutex::new(0u64));
    let running = thread::spawn({
        let (stop, rounds) = (stop.clone(), rounds.clone());
        move || {
            while !stop.load(Ordering::Relaxed) {
                let mut round = rounds.lock().unwrap();
                *round += 1;
                debug!(target: "noisy", "noise {}", *round);
                debug!(target: "quiet", "hush");
            }
        }
    });
    let next = || {
        let before = *rounds.lock().unwrap();
        eventually("two rounds", || *rounds.lock().unwrap() > before + 1);
    };
    // Its places are known by now, and that nobody listens.
    next();
    info!("before anything is loaded");
    let (_dir, volume, live) = watched("info");
    log.follow(&live.view(|c| &c.log)).detach();
    next();
    assert!(written.has("before anything is loaded"));
    assert!(!written.has("noise"), "{}", written.text());
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);

    volume.publish(&[("log", "info,noisy=debug")]);
    eventually("the noise is heard", || written.has("noise"));
    assert!(!written.has("hush"));

    volume.publish(&[("log", "warn")]);
    eventually("the filter holds", || {
        LevelFilter::current() == LevelFilter::WARN
    });
    // A round may have begun before.
    next();
    let length = written.text().len();
    next();
    assert_eq!(
        written.text().len(),
        length,
        "{}",
        &written.text()[length..]
    );
    stop.store(true, Ordering::Relaxed);
    running.join().unwrap();
}

#[test]
fn the_log_of_retune_itself_does_not_stop_a_reload() {
    if !in_child("the_log_of_retune_itself_does_not_stop_a_reload") {
        return;
    }
    let (written, log) = start();
    let (_dir, volume, live) = watched("trace");
    // Subscribers that log, and code that logs from places that are new to the filter.
    live.subscribe(|change| trace!(?change, "told")).detach();
    log.follow(&live.view(|c| &c.log)).detach();
    log.follow(&live.view(|c| &c.log)).detach();
    let stop = Arc::new(AtomicBool::new(false));
    let busy = [Level::ERROR, Level::TRACE].map(|level| {
        let stop = stop.clone();
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match level {
                    Level::ERROR => error!("busy"),
                    _ => trace!("busy"),
                }
            }
        })
    });
    for round in 0..100 {
        let level = ["trace", "off", "retune=trace,info", "debug"][round % 4];
        volume.publish(&[("log", level), ("other", &round.to_string())]);
        live.reload().unwrap();
    }
    volume.publish(&[("log", "retune=trace")]);
    eventually("all are told", || {
        live.with(|c| c.other == 0) && live.status().times.applied.is_some()
    });
    stop.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|busy| busy.join().unwrap());
    // One filter had two followers, and ends at the last of what both set.
    live.reload().unwrap();
    assert!(written.has("configuration unchanged"));
}

#[test]
fn a_filter_that_is_none_is_refused_with_place_and_reason_and_the_old_one_goes_on() {
    let written = Written::default();
    let (filter, log) = LogFilter::starting_at(LevelFilter::ERROR);
    let _log = registry()
        .with(written.layer().with_filter(filter))
        .set_default();
    let (_dir, volume, live) = watched("info");
    let _following = log.follow(&live.view(|c| &c.log));
    info!("from the first");
    assert!(written.has("from the first"));
    for (text, reason) in [
        ("wran", "did you mean `warn`?"),
        ("info,my_crate", "`my_crate=debug`"),
        ("", "`off` is to log nothing"),
    ] {
        volume.publish(&[("log", text)]);
        let told = until_rejected(&live);
        let [told] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(
            told.contains("`log`: expected a log filter such as"),
            "{told}"
        );
        assert!(
            told.contains(reason) && told.contains("/v/log:1:1"),
            "{told}"
        );
        warn!("still there with {text:?}");
        assert!(written.has(&format!("still there with {text:?}")));
        volume.publish(&[("log", "info")]);
        until_ok(&live);
    }
}

#[test]
fn other_layers_keep_their_own_filters() {
    let (followed, other) = (Written::default(), Written::default());
    let (filter, log) = LogFilter::starting_at(LevelFilter::ERROR);
    let _log = registry()
        .with(followed.layer().with_filter(filter))
        .with(other.layer().with_filter(LevelFilter::WARN))
        .set_default();
    log.set(&"off".parse().unwrap()).unwrap();
    warn!("one");
    log.set(&"log_filter=debug".parse().unwrap()).unwrap();
    debug!("two");
    assert!(!followed.has("one") && followed.has("two"));
    assert!(other.has("one") && !other.has("two"));
}

#[test]
fn a_filter_above_all_layers_follows_as_well() {
    let written = Written::default();
    let (filter, log) = LogFilter::starting_at(LevelFilter::ERROR);
    let _log = registry().with(written.layer()).with(filter).set_default();
    info!("one");
    log.set(&LevelFilter::INFO.into()).unwrap();
    info!("two");
    assert!(!written.has("one") && written.has("two"));
}

#[test]
fn the_end_of_the_subscription_ends_the_following_and_the_filter_stays() {
    let (filter, log) = LogFilter::starting_at::<tracing_subscriber::Registry>(LevelFilter::ERROR);
    let (_dir, volume, live) = watched("info");
    let now = || filter.handle().clone_current().unwrap().to_string();
    let following = log.follow(&live.view(|c| &c.log));
    // Set before it returned.
    assert_eq!(now(), "info");
    volume.publish(&[("log", "debug")]);
    eventually("the next", || now() == "debug");
    drop(following);
    volume.publish(&[("log", "trace"), ("other", "1")]);
    eventually("the next", || live.with(|c| c.other == 1));
    live.stop().unwrap();
    assert_eq!(now(), "debug");
}

#[test]
fn a_log_that_is_gone_is_said_and_nothing_else() {
    let written = Written::default();
    let (filter, log) = LogFilter::starting_at::<tracing_subscriber::Registry>(LevelFilter::ERROR);
    drop(filter);
    let live = Live::fixed(Config {
        log: LevelFilter::INFO.into(),
        other: 0,
    });
    let _log = registry().with(written.layer()).set_default();
    let _following = log.follow(&live.view(|c| &c.log));
    assert!(
        written.has("the log filter cannot be set"),
        "{}",
        written.text()
    );
    assert!(log.set(&LevelFilter::INFO.into()).is_err());
}

#[test]
fn a_filter_is_read_from_text_as_from_the_configuration_and_written_back() {
    let filter: LogFilter = " warn, a::b=TRACE".parse().unwrap();
    assert_eq!(filter.to_string(), "a::b=trace,warn");
    assert_eq!(format!("{filter:?}"), "LogFilter(a::b=trace,warn)");
    assert_eq!(filter.to_string().parse::<LogFilter>().unwrap(), filter);
    let refused = "nfo".parse::<LogFilter>().unwrap_err().to_string();
    assert!(
        refused.contains("found \"nfo\": did you mean `info`?"),
        "{refused}"
    );
    let given = Env::from_iter("APP", [("APP_LOG", "a::b=trace,warn")]);
    let live = Config::loader().env(given).watch().unwrap();
    assert!(live.with(|c| c.log == filter));
}

#[test]
fn h1_secrets_in_fields_of_events_and_spans_are_not_logged() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "it is logged")]
    struct Login {
        user: &'static str,
        password: Secret<String>,
    }
    let written = Written::default();
    let _log = registry().with(written.layer()).set_default();
    let password = Secret::new("hunter2".to_owned());
    info!(?password, "debug");
    info!(%password, "display");
    info!("in the text: {password} {password:?} {password:#?}");
    let login = Login {
        user: "me",
        password: password.clone(),
    };
    let span = tracing::info_span!("span", ?password, later = tracing::field::Empty);
    span.record("later", tracing::field::display(&password));
    span.in_scope(|| error!(?login, login.password = %login.password, "in a span"));
    assert!(written.has("password=[redacted]") && written.has("later=[redacted]"));
    assert!(written.has("user: \"me\""));
    assert!(!written.has("hunter2"), "{}", written.text());
}
