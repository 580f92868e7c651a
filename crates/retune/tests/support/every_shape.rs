//! A type with every shape.
#![allow(dead_code, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroI8;
use std::path::PathBuf;
use std::time::Duration;

use retune::{ByteSize, Retune, Rotating, Secret};

/// Every shape.
#[derive(Debug, Retune)]
#[retune(validate = |_: &Self| Ok::<(), &str>(()))]
pub struct Every {
    /// Some text.
    text: String,
    #[retune(default = true, alias = "toggle", deprecated = "old-toggle")]
    switch: bool,
    #[retune(default = ',')]
    letter: char,
    #[retune(default = 8080, range = 1024..)]
    port: u16,
    #[retune(default = 0)]
    wide: i128,
    #[retune(default = 0, rename = "LargeNumber")]
    large: u128,
    #[retune(default = 1)]
    gap: NonZeroI8,
    #[retune(default = 0.5, range = 0..1)]
    ratio: f32,
    #[retune(default = "30s", validate = |_| Ok::<(), &str>(()))]
    timeout: Duration,
    #[retune(default = "64MiB")]
    buffer: ByteSize,
    #[retune(default = "0.0.0.0:8080")]
    listen: SocketAddr,
    #[retune(default = "::1")]
    ip: IpAddr,
    #[retune(default = "10.0.0.1")]
    ipv4: Ipv4Addr,
    #[retune(default = "/tmp", not_from(mount, env))]
    path: PathBuf,
    #[retune(default = "", raw)]
    argument: OsString,
    #[retune(default)]
    blob: Vec<u8>,
    #[retune(default, range = ..=9)]
    digits: Vec<u16>,
    #[retune(default, separator = ';')]
    words: BTreeSet<String>,
    #[retune(default)]
    nested_list: Vec<Inner>,
    #[retune(default)]
    weights: BTreeMap<String, u8>,
    #[retune(default)]
    places: BTreeMap<String, Inner>,
    maybe: Option<u64>,
    maybe_inner: Option<Inner>,
    inner: Inner,
    key: Secret<String>,
    pin: Option<Secret<u32>>,
    #[retune(default)]
    hidden: Secret<Vec<u16>>,
    #[retune(default)]
    hidden_map: Secret<BTreeMap<String, u8>>,
    #[retune(default = "hunter2, hunter3")]
    hidden_default: Vec<Secret<String>>,
    #[retune(overlap = "10m")]
    turning_key: Option<Rotating<Secret<String>>>,
    #[retune(overlap = "until told", default = 1, range = ..=9)]
    turning: Rotating<u8>,
    #[retune(overlap = "1d")]
    turning_inner: Rotating<Inner>,
    #[retune(overlap = "1d", default = "none")]
    turning_store: Rotating<Store>,
    #[retune(default = "info")]
    level: Level,
    #[retune(default = "none")]
    store: Store,
    #[cfg(feature = "url")]
    #[retune(default = "http://localhost/")]
    site: url::Url,
    #[cfg(feature = "regex")]
    #[retune(default = "x")]
    pattern: regex::Regex,
    #[cfg(feature = "tracing-subscriber")]
    #[retune(default = "info")]
    log: retune::LogFilter,
    #[retune(default = "x", from_str)]
    by_itself: String,
    #[retune(default, serde)]
    by_serde: Option<serde_json::Value>,
}

/// A part.
#[derive(Debug, Retune)]
pub struct Inner {
    #[retune(default = "localhost", env = "INNER_HOST")]
    host: String,
    #[retune(default = 5)]
    deep_number: u8,
    on_its_own: Option<bool>,
}

#[derive(Debug, Retune)]
pub enum Level {
    /// Everything.
    Debug,
    Info,
    #[retune(alias = "warning", deprecated = "caution")]
    Warn,
    Off,
}

#[derive(Debug, Default, Retune)]
pub enum Store {
    #[default]
    None,
    File(#[retune(from_str)] String),
    Sized(ByteSize),
    /// Over the net.
    Remote {
        address: SocketAddr,
        #[retune(default = "1s")]
        patience: Duration,
    },
}
