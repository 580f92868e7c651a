//! The soaked process: told what to do, and heard.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::Plan;
use crate::process::Observed;
use crate::shape::Roots;
use crate::subject::Told;

/// How long an answer may take: more than the process itself waits for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(150);

pub(super) struct Link {
    pub(super) process: Observed,
    child: Child,
    stdin: ChildStdin,
    told: Receiver<Told>,
}

// === impl Link ===

impl Link {
    pub(super) fn start(plan: &Plan, roots: Roots<'_>) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the soaked process: {error}");
        let own = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(own)
            .args(["--seed", &plan.seed.to_string()])
            .args(["--volumes", &plan.volumes.to_string(), "subject"])
            .args([roots.disk, roots.memory])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
            return Err("the soaked process has no pipes".to_owned());
        };
        let (tell, told) = mpsc::channel();
        let hear = move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            for line in lines {
                match serde_json::from_str(&line) {
                    Ok(one) => _ = tell.send(one),
                    Err(_) => println!("{line}"),
                }
            }
        };
        thread::Builder::new().spawn(hear).map_err(failed)?;
        Ok(Self {
            process: Observed::new(&child),
            child,
            stdin,
            told,
        })
    }

    pub(super) fn send(&mut self, command: &str) -> Result<(), String> {
        let sent = writeln!(self.stdin, "{command}");
        sent.map_err(|_| "the soaked process has ended".to_owned())
    }

    /// What it tells next; `None` if it is nothing for so long.
    pub(super) fn told(&self, patience: Duration) -> Result<Option<Told>, String> {
        match self.told.recv_timeout(patience) {
            Ok(told) => Ok(Some(told)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err("the soaked process has ended".to_owned()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
