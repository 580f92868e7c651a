//! The test bed itself: a cluster in one program, for as long as somebody holds it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Result};

/// Where a test bed keeps its state if nothing else is said.
pub const DEFAULT_DIR: &str = "/tmp/retune-testbed";

/// How long it may take to start; a machine under load needs half a minute.
const START: Duration = Duration::from_secs(180);

/// How long it may take to stop by itself; a second does, where the machine is not busy.
const STOP: Duration = Duration::from_secs(60);

/// What the program says when the nodes are ready.
const READY: &str = "ready KUBECONFIG=";

/// A running test bed. It stops when this is dropped, and also when this process dies.
#[derive(Debug)]
pub struct TestBed {
    program: PathBuf,
    dir: PathBuf,
    kubeconfig: PathBuf,
    /// Held: the test bed stops when its standard input ends.
    child: Child,
}

/// How a test bed is to be started.
#[derive(Debug, Clone)]
pub struct TestBedBuilder {
    program: PathBuf,
    dir: PathBuf,
    args: Vec<OsString>,
}

// === impl TestBed ===

impl TestBed {
    /// A test bed of this program, which is built from `testbed/`.
    pub fn build(program: impl Into<PathBuf>) -> TestBedBuilder {
        TestBedBuilder {
            program: program.into(),
            dir: DEFAULT_DIR.into(),
            args: Vec::new(),
        }
    }

    /// What kubectl needs to find it.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The environment that tells tests of it.
    pub fn environment(&self) -> [(&'static str, &Path); 3] {
        [
            ("KUBECONFIG", &self.kubeconfig),
            ("RETUNE_TESTBED", &self.program),
            ("RETUNE_TESTBED_DIR", &self.dir),
        ]
    }

    /// Waits until it has ended by itself, or `until` says that it is enough.
    pub fn wait(&mut self, mut until: impl FnMut() -> bool) {
        while !until() && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for TestBed {
    fn drop(&mut self) {
        let until = Instant::now() + STOP;
        if matches!(self.child.try_wait(), Ok(None)) {
            _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        // No effect on a process that has ended and was waited for.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

// === impl TestBedBuilder ===

impl TestBedBuilder {
    /// The folder of its state; only one test bed runs in each.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into();
        self
    }

    /// An option of `testbed up` with its value, such as `--nodes` and `3`.
    pub fn option(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.args.extend([name.into(), value.into()]);
        self
    }

    /// Starts it and waits until its nodes are ready. What it prints is shown line by line, also
    /// later on.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends, or is not ready in time.
    pub fn start(self, mut show: impl FnMut(&str) + Send + 'static) -> Result<TestBed> {
        let name = self.program.display().to_string();
        let mut command = Command::new(&self.program);
        command
            .args(["up", "--stop-on-eof", "--dir"])
            .arg(&self.dir);
        command
            .args(self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| Error::from(format!("cannot start {name}: {error}")))?;
        let output = child.stdout.take();
        let mut bed = TestBed {
            program: self.program,
            dir: self.dir,
            kubeconfig: PathBuf::new(),
            child,
        };
        let (sender, ready) = mpsc::channel();
        thread::spawn(move || {
            let lines = output.map(|output| BufReader::new(output).lines());
            for line in lines
                .into_iter()
                .flatten()
                .map_while(std::result::Result::ok)
            {
                match line.strip_prefix(READY) {
                    Some(kubeconfig) => _ = sender.send(PathBuf::from(kubeconfig)),
                    None => show(&line),
                }
            }
        });
        match ready.recv_timeout(START) {
            Ok(kubeconfig) => {
                bed.kubeconfig = kubeconfig;
                Ok(bed)
            }
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("the test bed was not ready within {START:?}").into())
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = bed.child.wait();
                let status = status.map_or_else(|error| error.to_string(), |s| s.to_string());
                Err(format!("the test bed ended before it was ready: {status}").into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A stand-in for the program, in a folder of its own that goes with it.
    struct StandIn(PathBuf);

    impl StandIn {
        fn new(name: &str, script: &str) -> Self {
            let name = format!("retune-bed-{name}-{}", std::process::id());
            let dir = std::env::temp_dir().join(name);
            fs::create_dir_all(&dir).unwrap();
            let program = dir.join("testbed");
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            Self(dir)
        }

        fn build(&self) -> TestBedBuilder {
            TestBed::build(self.0.join("testbed")).dir(&self.0)
        }
    }

    impl Drop for StandIn {
        fn drop(&mut self) {
            _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn it_is_ready_when_it_says_so_and_stops_when_dropped() {
        let program = StandIn::new(
            "ready",
            "trap 'touch ${0%testbed}stopped; exit' TERM; echo \"$@\"; \
             echo ready KUBECONFIG=/k/config; while :; do sleep 0.02; done",
        );
        let shown = Arc::new(Mutex::new(Vec::new()));
        let lines = shown.clone();
        let bed = program.build().option("--nodes", "2");
        let bed = bed
            .start(move |line| lines.lock().unwrap().push(line.to_owned()))
            .unwrap();
        assert_eq!(bed.kubeconfig(), Path::new("/k/config"));
        let dir = program.0.display();
        assert_eq!(
            *shown.lock().unwrap(),
            [format!("up --stop-on-eof --dir {dir} --nodes 2")]
        );
        drop(bed);
        assert!(program.0.join("stopped").exists());
    }

    #[test]
    fn one_that_ends_early_is_an_error() {
        let program = StandIn::new("early", "exit 3");
        let error = program.build().start(|_| ()).unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
