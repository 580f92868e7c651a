//! What the derive makes of structs and enums, as far as decoding goes.

mod checks;
mod enums;
mod leaves;

use std::net::SocketAddr;
use std::time::Duration;

use self::enums::Level;
use super::testing::{decode, env, file, map, refusal};
use crate::schema::{Default as Fallback, Shape};
use crate::{Retune, Secret};

/// What the service
/// can change.
#[derive(Debug, PartialEq, Retune)]
struct Config {
    /// Text that `GET /` answers with.
    #[retune(default = "Hello World")]
    message: String,
    #[retune(default = 8080)]
    port: u16,
    #[retune(default = -0.5)]
    offset: f64,
    #[retune(default = true)]
    tls: bool,
    #[retune(default)]
    tags: Vec<String>,
    #[retune(default = Duration::from_secs(30))]
    timeout: Duration,
    motd: Option<String>,
    db: Db,
    cache: Option<Cache>,
}

#[derive(Debug, PartialEq, Retune)]
struct Db {
    #[retune(default = "localhost", alias = "server", deprecated = "address")]
    host_name: String,
    #[retune(rename = "maxConnections", default = "10", env = "DB_CONNECTIONS")]
    connections: u32,
}

#[derive(Debug, PartialEq, Retune)]
struct Cache {
    size: crate::ByteSize,
    address: SocketAddr,
}

#[test]
fn defaults_fill_what_nothing_gives() {
    let config: Config = decode(map([])).unwrap();
    assert_eq!(config.message, "Hello World");
    assert_eq!((config.port, config.offset, config.tls), (8080, -0.5, true));
    assert_eq!(config.timeout, Duration::from_secs(30));
    assert_eq!((config.motd, config.cache), (None, None));
    assert_eq!(
        config.db,
        Db {
            host_name: "localhost".into(),
            connections: 10
        }
    );
}

#[test]
fn the_table_tells_docs_names_and_defaults() {
    assert_eq!(Config::SCHEMA.name, "Config");
    assert_eq!(Config::SCHEMA.docs, "What the service\ncan change.");
    let field = |name: &str| {
        Config::SCHEMA
            .fields
            .iter()
            .find(|f| f.name == name)
            .unwrap()
    };
    assert_eq!(field("message").docs, "Text that `GET /` answers with.");
    assert_eq!(field("message").default, Fallback::Text("Hello World"));
    assert_eq!(field("port").default, Fallback::Text("8080"));
    assert_eq!(field("tags").default, Fallback::Code("Default::default()"));
    assert_eq!(
        field("timeout").default,
        Fallback::Code("Duration::from_secs(30)")
    );
    let Shape::Struct(db) = field("db").shape else {
        panic!("not a struct")
    };
    assert_eq!(
        (db.fields[0].name, db.fields[0].outside),
        ("host_name", "host_name")
    );
    assert_eq!(
        (db.fields[1].name, db.fields[1].outside),
        ("connections", "maxConnections")
    );
    assert_eq!(db.fields[1].env, Some("DB_CONNECTIONS"));
    let aliases: Vec<_> = db.fields[0]
        .aliases
        .iter()
        .map(|a| (a.name, a.deprecated))
        .collect();
    assert_eq!(aliases, [("server", false), ("address", true)]);
}

#[test]
fn f1_every_problem_is_told_at_once() {
    let problems = decode::<Config>(map([
        ("port", env("70000")),
        ("timeout", env("30")),
        ("cache", map([("address", env("here"))])),
        ("db", map([("max_connections", env("-1"))])),
    ]))
    .unwrap_err();
    let paths: Vec<_> = problems.iter().map(|problem| problem.path()).collect();
    assert_eq!(
        paths,
        [
            "port",
            "timeout",
            "db.connections",
            "cache.size",
            "cache.address"
        ]
    );
    assert!(
        problems[3]
            .message()
            .contains("missing: expected a size such as `64MiB`")
    );
}

#[test]
fn an_optional_struct_is_there_when_any_key_is() {
    let cache = map([("size", env("1MiB")), ("address", env("[::1]:1"))]);
    let config: Config = decode(map([("cache", cache)])).unwrap();
    assert_eq!(config.cache.unwrap().size.bytes(), 1 << 20);
    let refusal = decode::<Config>(map([("cache", map([]))])).unwrap_err();
    assert_eq!(refusal.len(), 2, "{refusal:?}");
}

#[test]
fn names_outside_lead_to_their_fields() {
    for key in ["maxConnections", "max-connections", "MAX_CONNECTIONS"] {
        let db: Db = decode(map([(key, env("3"))])).unwrap();
        assert_eq!(db.connections, 3, "{key}");
    }
    for key in ["hostName", "server", "address"] {
        let db: Db = decode(map([(key, env("db"))])).unwrap();
        assert_eq!(db.host_name, "db", "{key}");
    }
}

#[test]
fn a_text_is_no_struct() {
    let refusal = refusal::<Config>(map([("db", env("localhost"))]));
    assert_eq!(
        refusal,
        "APP_X: `db`: expected the fields of `Db`, found \"localhost\""
    );
}

#[derive(Debug, Retune)]
struct Raw {
    #[retune(raw)]
    pem: Secret<String>,
    #[retune(raw)]
    list: Vec<String>,
    plain: String,
}

#[test]
fn d2_a_raw_field_keeps_the_final_newline() {
    let raw: Raw = decode(map([
        ("pem", file("\u{feff}key\r\n")),
        ("list", file("[a]\n")),
        ("plain", file("text\n")),
    ]))
    .unwrap();
    assert_eq!(raw.pem.expose(), "\u{feff}key\r\n");
    assert_eq!((&*raw.plain, raw.list.len()), ("text", 1));
}

mod renamed {
    /// As a program sees retune that has it from another crate.
    pub(super) mod framework {
        pub(in super::super) use crate as config;
    }
}

#[derive(Debug, Retune)]
#[retune(crate = renamed::framework::config)]
struct Elsewhere {
    #[retune(default = Self::NODE)]
    node: u8,
    #[retune(default = Vec::new())]
    decoder: Vec<u8>,
    r#type: Option<Level>,
}

impl Elsewhere {
    const NODE: u8 = 7;
}

#[test]
fn names_of_fields_and_paths_do_not_get_in_the_way() {
    let elsewhere: Elsewhere = decode(map([("type", env("warn"))])).unwrap();
    assert_eq!(
        (elsewhere.node, elsewhere.decoder, elsewhere.r#type),
        (7, vec![], Some(Level::Warn))
    );
}

#[test]
fn a_struct_in_a_function_and_without_fields() {
    #[derive(Debug, Retune)]
    struct Inner {}
    #[derive(Debug, Retune)]
    struct Outer {
        inner: Inner,
        level: Level,
    }
    let outer: Outer = decode(map([("level", env("debug"))])).unwrap();
    let Outer {
        inner: Inner {},
        level,
    } = outer;
    assert_eq!(level, Level::Debug);
}
