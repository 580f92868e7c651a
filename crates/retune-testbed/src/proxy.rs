//! `kubectl proxy`: the API server on a port of this machine, so that no credentials, TLS or login
//! plugin of any cluster has to be understood here.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use crate::error::{Error, Result};

/// Ends the proxy when the reader of this script's input meets its end, which the kernel brings
/// about however the test process dies. A signal at the parent's death would not do: that is the
/// death of the *thread* that started it, and each test is a thread.
///
/// Nobody but the proxy holds the script's output, so that its end is the proxy's.
const SCRIPT: &str = r#""$@" 2>&1 </dev/null & exec >/dev/null 2>&1; read -r _; kill $!"#;

/// What the proxy says before the address.
const SERVING: &str = "Starting to serve on ";

/// A running proxy. It ends with this process, or when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Such as `127.0.0.1:4711`.
    pub(crate) address: String,
    input: Option<ChildStdin>,
    script: Child,
}

// === impl Proxy ===

impl Proxy {
    /// Starts `kubectl … proxy` and waits until it serves.
    pub(crate) fn start(kubectl: &Command) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::from(format!("cannot start `{kubectl:?} proxy`: {error}"))
        };
        let mut script = Command::new("sh");
        script.args(["-c", SCRIPT, "sh"]).arg(kubectl.get_program());
        script.args(kubectl.get_args()).args(["proxy", "--port=0"]);
        script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = script.spawn().map_err(|error| failed(&error))?;
        let input = script.stdin.take();
        let output = script.stdout.take();
        let mut proxy = Self {
            address: String::new(),
            input,
            script,
        };
        let mut lines = output.into_iter().flat_map(|output| {
            let lines = BufReader::new(output).lines();
            lines.map_while(std::result::Result::ok)
        });
        let mut said = Vec::new();
        for line in lines.by_ref() {
            if let Some(address) = line.strip_prefix(SERVING) {
                proxy.address = address.trim().to_owned();
                // A pipe that nobody reads would stop the proxy one day.
                thread::spawn(move || lines.for_each(drop));
                return Ok(proxy);
            }
            said.push(line);
        }
        Err(failed(&said.join("\n")))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.input.take());
        _ = self.script.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand_in(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_address_is_read_and_the_proxy_ends_with_its_owner() {
        let folder = std::env::temp_dir().join(format!("retune-proxy-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let ended = folder.join("ended");
        let script = format!(
            "trap 'touch {}; exit' TERM; echo a warning; echo 'Starting to serve on 127.0.0.1:7'; \
             while :; do sleep 0.05; done",
            ended.display()
        );
        let proxy = Proxy::start(&stand_in(&script)).unwrap();
        assert_eq!(proxy.address, "127.0.0.1:7");
        drop(proxy);
        crate::wait("the proxy has ended", || ended.exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_proxy_that_does_not_start_is_an_error_in_its_own_words() {
        let error = Proxy::start(&stand_in("echo no such context >&2; exit 1")).unwrap_err();
        assert!(error.to_string().contains("no such context"), "{error}");
    }
}
