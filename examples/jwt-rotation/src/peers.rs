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
    let answer = agent.get(url).call().map_err(|error| error.to_string())?;
    if answer.status() != 200 {
        return Err(format!("answers {}", answer.status()));
    }
    let text = answer.into_body().read_to_string();
    let text = text.map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|_| "another answer than expected".to_owned())
}

/// Asks others, and does not wait for ever. What it is told is said by them and by nobody else: it follows no
/// redirect and goes through no proxy that the environment names.
#[must_use]
pub fn agent() -> Agent {
    Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .new_agent()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Gives everybody the same answer.
    fn answers(head: &str, body: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    }

    fn asked(names: &[&str]) -> Result<(), String> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        all_have(&agent(), &names, "a")
    }

    #[test]
    fn all_have_a_key_if_each_of_them_says_so() {
        let has = answers("200 OK", r#"["a", "b"]"#);
        let lacks = answers("200 OK", r#"["b"]"#);
        assert_eq!(asked(&[&has]), Ok(()));
        assert_eq!(asked(&[&has, &lacks]), Err(lacks));
        assert!(asked(&[]).is_err());
        assert!(asked(&["nobody.invalid:1"]).is_err());
    }

    #[test]
    fn no_answer_but_a_list_of_its_own_counts() {
        let has = answers("200 OK", r#"["a"]"#);
        let elsewhere = format!("307 Temporary Redirect\r\nLocation: http://{has}/keys");
        for (head, body) in [
            ("200 OK", "a"),
            ("200 OK", r#"{"a": true}"#),
            ("200 OK", r#"[["a"]]"#),
            ("500 Internal Server Error", r#"["a"]"#),
            (&elsewhere, ""),
            (&elsewhere, r#"["a"]"#),
        ] {
            let other = answers(head, body);
            let told = asked(&[&has, &other]).expect_err(head);
            assert!(told.starts_with(&other), "{told}");
        }
    }
}
