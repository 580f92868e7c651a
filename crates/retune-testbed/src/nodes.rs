//! What only the test bed can do: stop a node, look at its disk.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The test bed's program and the folder of its run.
#[derive(Debug, Clone)]
pub struct Nodes {
    program: PathBuf,
    dir: PathBuf,
}

/// A node of the test bed.
#[derive(Debug, Clone)]
pub struct Node {
    nodes: Nodes,
    name: String,
}

/// The test bed's [`Nodes`], or a line that says that the test is left out and a `return`.
///
/// ```no_run
/// # use retune_testbed::{Cluster, needs_testbed};
/// let nodes = needs_testbed!();
/// nodes.spare().stop().unwrap();
/// ```
#[macro_export]
macro_rules! needs_testbed {
    () => {
        match $crate::Cluster::connect().testbed() {
            Some(nodes) => nodes,
            None => return $crate::left_out("needs the test bed's nodes"),
        }
    };
}

/// Says that the current test is left out on this cluster, and why.
pub fn left_out(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not captured as the output of a passing test is: it must be seen.
    _ = writeln!(std::io::stderr(), "{test}: left out: {why}");
}

// === impl Nodes ===

impl Nodes {
    pub(crate) fn of_environment() -> Option<Self> {
        let path = |name| env::var_os(name).map(PathBuf::from);
        Some(Self {
            program: path("RETUNE_TESTBED")?,
            dir: path("RETUNE_TESTBED_DIR")?,
        })
    }

    /// A node by its name: `node-1`, `node-2`, …
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub fn node(&self, name: &str) -> Result<Node> {
        let disk = self.dir.join("nodes").join(name);
        if !disk.is_dir() {
            return Err(format!("the test bed has no node {name}: no {}", disk.display()).into());
        }
        Ok(Node {
            nodes: self.clone(),
            name: name.to_owned(),
        })
    }

    /// The last of them, if there are others.
    pub(crate) fn last(&self) -> Result<Option<Node>> {
        let dir = self.dir.join("nodes");
        let failed = |error| Error::from(format!("the test bed's {}: {error}", dir.display()));
        let mut names = Vec::new();
        for entry in fs::read_dir(&dir).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name());
        }
        match names.len() {
            0 | 1 => Ok(None),
            _ => names
                .iter()
                .max()
                .map(|name| self.node(&name.to_string_lossy()))
                .transpose(),
        }
    }

    /// Runs a command as root where the nodes run, and gives what it wrote to its standard output.
    /// Secrets and projected volumes are seen there alone.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not end with 0, with what it wrote to its standard error.
    pub fn enter<S: AsRef<OsStr>>(&self, command: &[S]) -> Result<String> {
        let mut enter = self.command(["enter"]);
        enter.arg("--").args(command);
        run(enter)
    }

    /// A command of the test bed for this run: `testbed ARGS --dir DIR`.
    fn command<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--dir").arg(&self.dir);
        command
    }
}

// === impl Node ===

impl Node {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Turns its power off: runtime and kubelet are gone, and its pods; its disk stays.
    ///
    /// # Errors
    ///
    /// When the test bed says so.
    pub fn stop(&self) -> Result {
        self.control("node", "stop")
    }

    /// Turns its power on.
    ///
    /// # Errors
    ///
    /// When the test bed says so.
    pub fn start(&self) -> Result {
        self.control("node", "start")
    }

    /// Stops the kubelet alone; its pods go on.
    ///
    /// # Errors
    ///
    /// When the test bed says so.
    pub fn kubelet_stop(&self) -> Result {
        self.control("kubelet", "stop")
    }

    /// Starts the kubelet again.
    ///
    /// # Errors
    ///
    /// When the test bed says so.
    pub fn kubelet_start(&self) -> Result {
        self.control("kubelet", "start")
    }

    /// Where the node keeps a volume of a pod; `plugin` is `configmap`, `secret`, `projected`,
    /// `downward-api` or `empty-dir`.
    ///
    /// What lies in a tmpfs (Secrets, projected volumes) is seen by [`Nodes::enter`] alone.
    pub fn volume_dir(&self, pod_uid: &str, plugin: &str, volume: &str) -> PathBuf {
        volume_dir(&self.nodes.dir, &self.name, pod_uid, plugin, volume)
    }

    fn control(&self, what: &str, verb: &str) -> Result {
        run(self.nodes.command([what, verb, &self.name])).map(drop)
    }
}

fn volume_dir(dir: &Path, node: &str, pod_uid: &str, plugin: &str, volume: &str) -> PathBuf {
    let pods = dir.join("nodes").join(node).join("kubelet/pods");
    let volumes = pods.join(pod_uid).join("volumes");
    volumes.join(format!("kubernetes.io~{plugin}")).join(volume)
}

fn run(mut command: Command) -> Result<String> {
    let output = command.output();
    let output = output.map_err(|error| Error::from(format!("cannot run {command:?}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} ended with {}: {}", output.status, said.trim()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_lies_where_a_kubelet_keeps_it() {
        assert_eq!(
            volume_dir(Path::new("/run"), "node-2", "uid", "configmap", "config"),
            Path::new("/run/nodes/node-2/kubelet/pods/uid/volumes/kubernetes.io~configmap/config")
        );
    }

    #[test]
    fn the_last_node_can_be_spared_if_it_is_not_the_only_one() {
        let dir = tempfile::tempdir().unwrap();
        let nodes = Nodes {
            program: "/bin/echo".into(),
            dir: dir.path().into(),
        };
        assert!(nodes.last().is_err(), "no run");
        for (name, last) in [("node-1", None), ("node-2", Some("node-2"))] {
            fs::create_dir_all(dir.path().join("nodes").join(name)).unwrap();
            let found = nodes.last().unwrap();
            assert_eq!(found.as_ref().map(Node::name), last);
        }
    }

    #[test]
    fn a_command_of_the_test_bed_names_its_run() {
        let nodes = Nodes {
            program: "/bin/echo".into(),
            dir: "/run".into(),
        };
        assert_eq!(
            nodes.enter(&["ls", "/"]).unwrap(),
            "enter --dir /run -- ls /\n"
        );
        assert!(nodes.node("node-9").is_err());
        let broken = Nodes {
            program: "/bin/false".into(),
            dir: "/run".into(),
        };
        assert!(
            broken
                .enter(&["ls"])
                .unwrap_err()
                .to_string()
                .contains("exit status: 1")
        );
    }
}
