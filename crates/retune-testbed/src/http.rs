//! Requests to the API server, by way of the proxy.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::error::{Error, Result};

/// How long an answer may take: a pod whose node is off never gives one, and who waits asks again.
const PATIENCE: Duration = Duration::from_secs(20);

/// No log and no object is larger.
const LARGEST_ANSWER: u64 = 64 << 20;

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Http {
    agent: Agent,
    /// Such as `http://127.0.0.1:4711`.
    server: String,
}

// === impl Http ===

impl Http {
    pub(crate) fn new(server: String) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            // The proxy is on this machine, whatever the environment says of others.
            .proxy(None)
            .build()
            .into();
        Self { agent, server }
    }

    /// Sends a request, and gives the answer's text if its status is a good one.
    pub(crate) fn text(&self, method: &str, path: &str, body: Option<Body<'_>>) -> Result<String> {
        let tried = || format!("{method} {path}");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server));
        if let Some(body) = body {
            request = request.header("content-type", body.kind);
        }
        let body = body.map(|body| body.value.to_string()).unwrap_or_default();
        let failed = |error: &dyn std::fmt::Display| Error::from(format!("{}: {error}", tried()));
        let request = request.body(body).map_err(|error| failed(&error))?;
        let mut answer = self.agent.run(request).map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(LARGEST_ANSWER);
        let text = text.read_to_vec().map_err(|error| failed(&error))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        if (200..300).contains(&status) {
            Ok(text)
        } else {
            Err(Error::refused(status, said(&text)).in_trying_to(format!("{} {status}", tried())))
        }
    }

    /// As [`text`](Self::text), of JSON.
    pub(crate) fn json(&self, method: &str, path: &str, body: Option<Body<'_>>) -> Result<Value> {
        let text = self.text(method, path, body)?;
        serde_json::from_str(&text)
            .map_err(|error| format!("{method} {path}: not JSON ({error}): {text}").into())
    }
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(crate) struct Body<'a> {
    /// Its content type.
    pub(crate) kind: &'static str,
    pub(crate) value: &'a Value,
}

/// What an API server's refusal says, or the answer as it is.
fn said(text: &str) -> String {
    let status: Option<Value> = serde_json::from_str(text).ok();
    match status.as_ref().map(|status| &status["message"]) {
        Some(Value::String(message)) => message.clone(),
        _ => text.trim().to_owned(),
    }
}

/// A part of a path or of a query, with what would end it written as `%20`.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_api_server_said() {
        let refusal = r#"{"kind":"Status","message":"pods \"p\" not found","code":404}"#;
        assert_eq!(said(refusal), "pods \"p\" not found");
        assert_eq!(said("no endpoints\n"), "no endpoints");
        assert_eq!(said(r#"{"message":7}"#), r#"{"message":7}"#);
    }

    #[test]
    fn what_would_end_a_part_of_a_path_is_escaped() {
        assert_eq!(escape("app=a,b!=c d"), "app%3Da%2Cb%21%3Dc%20d");
        assert_eq!(escape("a-b.c_d~1"), "a-b.c_d~1");
    }
}
