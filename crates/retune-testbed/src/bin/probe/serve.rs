//! `probe serve`: a service whose configuration changes while it runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, SystemTime};

use clap::ArgMatches;
use retune::source::{File, Mount};
use retune::{Loader, OrExit};
use rustix::process::{getegid, geteuid, getgroups};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::app::App;
use crate::config::{Config, Probed, Required};
use crate::invariants::Group;
use crate::ledger::Ledger;
use crate::output::{end_on_signal, nanoseconds, start_log, tell};
use crate::pages;

/// Follows configuration, and shows over HTTP what it sees. The order of the sources on the command
/// line is their order, from the lowest to the highest.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A volume that must be there. This and all other sources: repeatable.
    #[arg(long, value_name = "DIR")]
    mount: Vec<String>,
    /// A volume that may be missing at the start.
    #[arg(long, value_name = "DIR")]
    optional_mount: Vec<String>,
    /// A volume whose loss means its defaults: optional, and `defaults_when_lost`.
    #[arg(long, value_name = "DIR")]
    droppable_mount: Vec<String>,
    /// A volume whose values are all secret.
    #[arg(long, value_name = "DIR")]
    secret_mount: Vec<String>,
    /// The key of the mount before it that holds a short-lived token: expired means orphaned.
    #[arg(long, value_name = "KEY")]
    heartbeat: Vec<String>,
    /// A document (`.yaml`, `.json`) that must be there.
    #[arg(long, value_name = "PATH")]
    file: Vec<String>,
    /// A document that may be missing.
    #[arg(long, value_name = "PATH")]
    optional_file: Vec<String>,
    /// Variables with this prefix, and the files that `…_FILE` name.
    #[arg(long, value_name = "PREFIX")]
    env: Vec<String>,
    /// Address of the HTTP pages.
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Refuses what is merely odd, such as unknown keys.
    #[arg(long)]
    strict: bool,
    /// `message` must be given; knows `message`, `revision` and `items` alone.
    #[arg(long)]
    required: bool,
    /// Fields that are always published together: `message,token,one`. Repeatable.
    #[arg(long, value_name = "FIELDS", value_parser = group)]
    together: Vec<Group>,
    /// Waits this long after a change for more.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    gather_ms: u64,
    /// Looks for changes without a hint this often, with and without events.
    #[arg(long, value_name = "MILLISECONDS")]
    poll_ms: Option<u64>,
    /// Pause between two looks of the reader thread; 0: none.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 10)]
    read_every_ms: u64,
    /// Which events of the log are told.
    #[arg(long, default_value = "info")]
    log: LevelFilter,
}

pub(crate) fn run(args: Args, given: &ArgMatches) -> Result<(), String> {
    end_on_signal()?;
    start_log(args.log);
    if args.required {
        follow::<Required>(args, given)
    } else {
        follow::<Config>(args, given)
    }
}

fn follow<T: Probed>(args: Args, given: &ArgMatches) -> Result<(), String> {
    let started = nanoseconds(SystemTime::now());
    let mut loader = sources(T::loader(), given)?.gather(Duration::from_millis(args.gather_ms));
    if args.strict {
        loader = loader.strict();
    }
    if let Some(poll) = args.poll_ms.map(Duration::from_millis) {
        loader = loader.poll_every(poll, poll);
    }
    let live = loader.watch().or_exit();
    tell("start", start(&args));

    let app = Arc::new(App {
        live: live.clone(),
        ledger: Ledger::default(),
        reads: AtomicU64::new(0),
        started,
        together: args.together,
    });
    let subscriber = app.clone();
    let subscribed = live.subscribe(move |change| subscriber.changed(change));
    let reader = app.clone();
    let pause = Duration::from_millis(args.read_every_ms);
    thread::spawn(move || reader.read_on(pause));

    let failed = |error| format!("cannot serve on {}: {error}", args.listen);
    let server = retune_axum::serve(args.listen, pages::router(app)).map_err(failed)?;
    tell(
        "listening",
        json!({ "address": server.address().to_string() }),
    );
    subscribed.detach();
    server.detach();
    loop {
        thread::park();
    }
}

/// Adds the sources in the order in which they were given.
fn sources<T: Probed>(mut loader: Loader<T>, given: &ArgMatches) -> Result<Loader<T>, String> {
    let kinds = [
        "mount",
        "optional_mount",
        "droppable_mount",
        "secret_mount",
        "heartbeat",
        "file",
        "optional_file",
        "env",
    ];
    let mut all: Vec<(usize, &str, &String)> = kinds
        .into_iter()
        .flat_map(|kind| {
            let places = given.indices_of(kind).into_iter().flatten();
            let values = given.get_many::<String>(kind).into_iter().flatten();
            places
                .zip(values)
                .map(move |(place, value)| (place, kind, value))
        })
        .collect();
    all.sort_unstable();
    let mut all = all.into_iter().peekable();
    while let Some((_, kind, value)) = all.next() {
        let mount = match kind {
            "mount" => Mount::new(value),
            "optional_mount" => Mount::new(value).optional(),
            "droppable_mount" => Mount::new(value).optional().defaults_when_lost(),
            "secret_mount" => Mount::new(value).secret(),
            "heartbeat" => return Err(format!("--heartbeat {value}: no mount stands before it")),
            _ => {
                loader = match kind {
                    "file" => loader.file(value),
                    "optional_file" => loader.file(File::new(value).optional()),
                    _ => loader.env(value.as_str()),
                };
                continue;
            }
        };
        loader = loader.mount(match all.next_if(|(_, kind, _)| *kind == "heartbeat") {
            Some((_, _, key)) => mount.heartbeat(key),
            None => mount,
        });
    }
    Ok(loader)
}

/// Who runs, and what with.
fn start(args: &Args) -> serde_json::Value {
    let groups = getgroups().unwrap_or_default();
    json!({
        "host": pages::host(),
        "pid": std::process::id(),
        "uid": geteuid().as_raw(),
        "gid": getegid().as_raw(),
        "groups": groups.into_iter().map(|group| group.as_raw()).collect::<Vec<_>>(),
        "required": args.required,
        "arguments": std::env::args().skip(1).collect::<Vec<_>>(),
    })
}

fn group(text: &str) -> Result<Group, String> {
    let known = |name: &&str| -> bool {
        let has =
            |schema: &retune::shape::Schema| schema.fields.iter().any(|field| field.name == *name);
        has(<Config as retune::Retune>::SCHEMA)
    };
    match text.split(',').find(|name| !known(name)) {
        Some(unknown) => Err(format!("no field is called `{unknown}`")),
        None => Ok(text.split(',').map(str::to_owned).collect()),
    }
}
