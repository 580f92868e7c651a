//! The derive as a program uses it: through every attribute and the public API alone.
#![deny(warnings, missing_docs, unreachable_pub, clippy::all)]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use retune::source::Env;
use retune::{ByteSize, Error, Retune, Secret};

/// What the service reads.
#[derive(Debug, Retune)]
#[retune(validate = Config::has_room)]
struct Config {
    /// Text that `GET /` answers with.
    #[retune(default = "Hello World")]
    message: String,
    #[retune(default = "info", env = "LOG_LEVEL")]
    log_level: Level,
    #[retune(default = "30s", validate = at_most_a_minute)]
    timeout: Duration,
    #[retune(default = SocketAddr::from(([0, 0, 0, 0], 8080)))]
    listen: SocketAddr,
    #[retune(default = 4, alias = "threads", deprecated = "pool")]
    workers: NonZeroU32,
    #[retune(default)]
    tags: Vec<String>,
    #[retune(default = "1MiB")]
    cache: ByteSize,
    #[retune(default)]
    limits: BTreeMap<String, u16>,
    signing_key: Secret<String>,
    motd: Option<String>,
    #[retune(rename = "newUI", default = false)]
    modern: bool,
    db: Database,
    replica: Option<Database>,
    #[retune(default)]
    mirrors: Vec<Database>,
    #[retune(default = "memory")]
    sessions: Sessions,
    #[retune(
        from_str,
        expects = "a character set such as `utf-8`",
        default = "utf-8"
    )]
    charset: Charset,
    #[retune(serde)]
    routes: Option<Routes>,
}

/// Verbosity of the log.
#[derive(Clone, Copy, Debug, PartialEq, Retune)]
enum Level {
    Debug,
    Info,
    Warn,
}

#[derive(Debug, PartialEq, Retune)]
struct Database {
    host_name: String,
    #[retune(default = 5432)]
    port: u16,
}

/// Where sessions are kept.
#[derive(Debug, PartialEq, Retune)]
enum Sessions {
    Memory,
    /// In files.
    File {
        path: PathBuf,
    },
    Remote(SocketAddr),
}

#[derive(Debug, PartialEq)]
struct Charset(String);

impl std::str::FromStr for Charset {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_ascii() {
            Ok(Self(text.to_owned()))
        } else {
            Err("its name is ASCII")
        }
    }
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Routes {
    prefix: String,
    weights: Vec<f64>,
}

impl Config {
    fn has_room(&self) -> Result<(), String> {
        let needed = u64::from(self.workers.get()) * 1024;
        if self.cache.bytes() >= needed {
            return Ok(());
        }
        Err(format!(
            "{} workers need a `cache` of {}",
            self.workers,
            ByteSize::new(needed)
        ))
    }
}

fn at_most_a_minute(timeout: &Duration) -> Result<(), &'static str> {
    if *timeout <= Duration::from_secs(60) {
        Ok(())
    } else {
        Err("longer than a minute")
    }
}

const REQUIRED: &str = "signing-key: abcdef\ndb: { hostName: db }\n";

fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<Config, Error> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.yaml");
    fs::write(&file, yaml).unwrap();
    let variables = variables.iter().copied();
    Config::loader()
        .file(&file)
        .env(Env::from_iter("APP", variables))
        .once()
}

/// The problems as lines, without the directory of the file.
fn refused(yaml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let error = load(yaml, variables).unwrap_err();
    let line = |problem: &retune::Problem| {
        let line = problem.to_string();
        line.split_once("app.yaml:")
            .map_or(line.clone(), |(_, rest)| rest.to_owned())
    };
    error.problems().iter().map(line).collect()
}

#[test]
fn defaults_stand_where_nothing_is_given() {
    let config = load(REQUIRED, &[]).unwrap();
    assert_eq!(config.message, "Hello World");
    assert_eq!(config.log_level, Level::Info);
    assert_eq!(config.timeout, Duration::from_secs(30));
    assert_eq!(config.listen.port(), 8080);
    assert_eq!((config.workers.get(), config.cache.bytes()), (4, 1 << 20));
    assert!(config.tags.is_empty() && config.limits.is_empty() && config.mirrors.is_empty());
    assert_eq!(config.signing_key.expose(), "abcdef");
    assert_eq!((config.motd, config.modern), (None, false));
    assert_eq!(
        config.db,
        Database {
            host_name: "db".into(),
            port: 5432
        }
    );
    assert_eq!(config.replica, None);
    assert_eq!(config.sessions, Sessions::Memory);
    assert_eq!(config.charset, Charset("utf-8".into()));
    assert_eq!(config.routes, None);
}

#[test]
fn d11_d15_a_document_gives_every_shape() {
    let config = load(
        "message: hi
LOG_LEVEL: WARN
timeout: 1m
listen: '[::1]:1'
threads: 8
tags: [a, 'b,c']
cache: 64Mi
limits: { Bob: 1, bob: 2 }
signing_key: k
newUi: yes
db: { host-name: one, port: 1 }
replica: { hostName: two }
mirrors:
  - { host_name: three }
  - { host_name: four, port: 4 }
sessions: { file: { path: /tmp } }
charset: latin1
routes: { prefix: 12, weights: [1, 0.5] }
",
        &[],
    )
    .unwrap();
    assert_eq!((&*config.message, config.log_level), ("hi", Level::Warn));
    assert_eq!((config.workers.get(), config.modern), (8, true));
    assert_eq!(config.tags, ["a", "b,c"]);
    assert_eq!(
        config.limits,
        BTreeMap::from([("Bob".into(), 1), ("bob".into(), 2)])
    );
    assert_eq!(
        config.replica,
        Some(Database {
            host_name: "two".into(),
            port: 5432
        })
    );
    assert_eq!(
        config.mirrors[1],
        Database {
            host_name: "four".into(),
            port: 4
        }
    );
    assert_eq!(
        config.sessions,
        Sessions::File {
            path: "/tmp".into()
        }
    );
    assert_eq!(config.charset, Charset("latin1".into()));
    assert_eq!(
        config.routes,
        Some(Routes {
            prefix: "12".into(),
            weights: vec![1.0, 0.5]
        })
    );
}

#[test]
fn d9_d11_variables_give_every_shape() {
    let config = load(
        REQUIRED,
        &[
            ("LOG_LEVEL", "debug"),
            ("APP_THREADS", "2"),
            ("APP_TAGS", "a, b,"),
            ("APP_LIMITS", "Bob=1,bob=2"),
            ("APP_NEW_UI", "on"),
            ("APP_DB_HOST_NAME", "other"),
            ("APP_REPLICA_HOST_NAME", "replica"),
            ("APP_MIRRORS", "[{host-name: m, port: 1}]"),
            ("APP_SESSIONS", "{remote: '127.0.0.1:1'}"),
            ("APP_ROUTES", "{prefix: /, weights: [2]}"),
        ],
    )
    .unwrap();
    assert_eq!((config.log_level, config.workers.get()), (Level::Debug, 2));
    assert_eq!(config.tags, ["a", "b"]);
    assert_eq!(
        config.limits,
        BTreeMap::from([("Bob".into(), 1), ("bob".into(), 2)])
    );
    assert_eq!((config.modern, &*config.db.host_name), (true, "other"));
    assert_eq!(config.replica.unwrap().host_name, "replica");
    assert_eq!(
        config.mirrors,
        [Database {
            host_name: "m".into(),
            port: 1
        }]
    );
    assert_eq!(
        config.sessions,
        Sessions::Remote("127.0.0.1:1".parse().unwrap())
    );
    assert_eq!(config.routes.unwrap().weights, [2.0]);
}

#[test]
fn f1_all_problems_are_told_each_with_its_place() {
    let lines = refused(
        "timeout: 30
log-level: wran
workers: 0
mirrors: [{ port: 99999 }]
sessions: { fiel: {} }
charset: ü
routes: { prefix: a, weights: [x] }
signing_key: [hunter2]
",
        &[("APP_LISTEN", ":80")],
    );
    let expected = [
        "2:12: `log_level`: expected one of `debug`, `info`, `warn`, found \"wran\" (did you mean \
         `warn`?)",
        "1:10: `timeout`: expected a duration such as `30s` or `1h30m`, found \"30\": a number needs \
         its unit: ns, us, ms, s, m, h, d (24 h) or w (7 d)",
        "APP_LISTEN: `listen`: expected an IP address and a port such as `127.0.0.1:8080` or \
         `[::1]:8080`, found \":80\": `0.0.0.0` before the port means every IPv4 address, `[::]` \
         every address",
        "3:10: `workers`: expected a whole number, 1 to 4294967295, found \"0\": out of range",
        "`signing_key`: not what was expected: text",
        "`db.host_name`: missing",
        "`mirrors[0].host_name`: missing",
        "4:19: `mirrors[0].port`: expected a whole number, 0 to 65535, found \"99999\"",
        "`sessions`: expected one of `memory`, `file`, `remote`, found \"fiel\" (did you mean \
         `file`?)",
        "6:10: `charset`: expected a character set such as `utf-8`, found \"ü\": its name is ASCII",
        "7:32: `routes.weights[0]`: invalid type: string \"x\", expected f64",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{expected}\n{lines:#?}");
        assert!(!line.contains("hunter2"), "{line}");
    }
}

#[test]
fn f6_validators_see_the_merged_value() {
    assert_eq!(
        refused(&format!("{REQUIRED}timeout: 61s"), &[]),
        ["3:10: `timeout`: longer than a minute"]
    );
    let both = refused(&format!("{REQUIRED}cache: 1KiB"), &[("APP_THREADS", "2")]);
    assert!(
        both[0].ends_with("2 workers need a `cache` of 2KiB"),
        "{both:?}"
    );
}

#[test]
fn a_deprecated_name_works_and_is_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.yaml");
    fs::write(&file, format!("{REQUIRED}pool: 7\n")).unwrap();
    let live = Config::loader().file(&file).watch().unwrap();
    assert_eq!(live.with(|config| config.workers.get()), 7);
    let warnings: Vec<_> = live
        .status()
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("deprecated: now called `workers`"),
        "{warnings:?}"
    );
}

/// What a framework that brings retune along looks like to its users.
pub mod framework {
    pub use retune as config;
}

/// Public, with documented fields, in a crate that denies missing docs.
#[derive(Debug, framework::config::Retune)]
#[retune(crate = crate::framework::config)]
pub struct Exported {
    /// A field.
    pub field: Option<String>,
}

#[test]
fn retune_may_come_by_another_crate() {
    let exported: Exported = Exported::loader().set("field", "x").once().unwrap();
    assert_eq!(exported.field.as_deref(), Some("x"));
}
