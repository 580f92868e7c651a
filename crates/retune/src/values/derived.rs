//! What the derive makes of structs and enums, as far as decoding goes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::testing::{decode, env, file, list, map, refusal, scalar};
use crate::decode::Value;
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
