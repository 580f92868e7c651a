//! The others: found by their names, and asked.

use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::Agent;

/// Every address behind some names with ports, looked up now: a name of a headless Service has that of each of
/// its pods.
///
/// # Errors
///
/// When a name has none.
pub fn addresses(names: &[String]) -> Result<BTreeSet<SocketAddr>, String> {
    let mut all = BTreeSet::new();
    for name in names {
        let found = name.to_socket_addrs();
        let before = all.len();
        all.extend(found.map_err(|error| format!("{name}: {error}"))?);
        if all.len() == before {
            return Err(format!("{name}: has no address"));
        }
    }
    match all.is_empty() {
        true => Err("nobody is named who could be asked".to_owned()),
        false => Ok(all),
    }
}

/// Asks all of them whether they have a key: `Err` says who does not, or does not answer.
///
/// # Errors
///
/// As said.
pub fn all_have(agent: &Agent, names: &[String], kid: &str) -> Result<(), String> {
    let lacking = |address: SocketAddr| match keys_of(agent, address) {
        Ok(ids) => (!ids.iter().any(|id| id == kid)).then(|| address.to_string()),
        Err(error) => Some(format!("{address} ({error})")),
    };
    let lacking: Vec<_> = addresses(names)?.into_iter().filter_map(lacking).collect();
    match lacking.is_empty() {
        true => Ok(()),
        false => Err(lacking.join(", ")),
    }
}

fn keys_of(agent: &Agent, address: SocketAddr) -> Result<Vec<String>, String> {
    json(agent, &format!("http://{address}/keys"))
}

/// What a page holds.
///
/// # Errors
///
/// When it does not answer, or with something else.
pub fn json<T: DeserializeOwned>(agent: &Agent, url: &str) -> Result<T, String> {
    let answer = agent.get(url).call();
    let text = answer.and_then(|answer| answer.into_body().read_to_string());
    let text = text.map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|_| "another answer than expected".to_owned())
}

/// Asks others, and does not wait for long.
#[must_use]
pub fn agent() -> Agent {
    Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(2)))
        .http_status_as_error(false)
        .build()
        .new_agent()
}
