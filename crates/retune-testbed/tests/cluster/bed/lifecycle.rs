//! How a test bed starts, ends and refuses: one more beside the one that the tests run on.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use retune_testbed::{TestBed, check, needs_testbed, wait};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// One at a time: each is a whole cluster.
static ANOTHER: Mutex<()> = Mutex::new(());

/// A folder in which one more test bed may run.
struct Place {
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    fn new() -> Self {
        Self {
            _alone: ANOTHER.lock().unwrap_or_else(PoisonError::into_inner),
            // Short, as the path of a socket must be.
            folder: tempfile::Builder::new()
                .prefix("bed-")
                .tempdir_in("/tmp")
                .unwrap(),
        }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn start(&self) -> TestBed {
        let bed = TestBed::build(program()).dir(self.dir());
        let bed = bed.option("--nodes", "1").start(|_| ()).unwrap();
        assert_eq!(bed.kubeconfig(), self.dir().join("kubeconfig"));
        bed
    }

    #[track_caller]
    fn kubectl(&self, args: &[&str]) -> String {
        let kubeconfig = self.dir().join("kubeconfig");
        let mut kubectl = Command::new(program());
        kubectl
            .arg("kubectl")
            .args(args)
            .env("KUBECONFIG", kubeconfig);
        let output = kubectl.output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a pod whose process is known by the folder's name, and which has volumes.
    #[track_caller]
    fn start_pod(&self) {
        let sleep = format!("sleep 1000000; : {}", self.dir().display());
        let run = ["run", "p", "--image=any:nonroot", "--command", "--"];
        self.kubectl(&[&run[..], &["sh", "-c", &sleep]].concat());
        wait("the pod runs", || {
            let phase = self.kubectl(&["get", "pod", "p", "-o", "jsonpath={.status.phase}"]);
            check(phase == "Running", phase)
        });
        // The shell's child is called like the shell until it has become `sleep`.
        wait("the pod has one shell", || {
            let processes = self.processes();
            let of_the_pod = |line: &&String| line.starts_with("sh -c sleep 1000000");
            let shells = processes.iter().filter(of_the_pod).count();
            check(shells == 1, format!("{processes:?}"))
        });
    }

    /// The command lines of all processes on this machine that belong to the test bed.
    fn processes(&self) -> Vec<String> {
        let dir = self.dir();
        let dir = dir.to_str().unwrap();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
        lines.filter(|line| line.contains(dir)).collect()
    }

    fn no_process_is_left(&self) -> retune_testbed::Result {
        let left = self.processes();
        check(left.is_empty(), left.join("\n"))
    }

    /// Neither files nor processes, and the machine is as it was.
    #[track_caller]
    fn assert_nothing_is_left(&self, before: &Machine) {
        assert!(!self.dir().exists());
        self.no_process_is_left().unwrap();
        self.assert_machine_is_as_before(before);
    }

    /// Neither mounts nor network devices came to the machine.
    #[track_caller]
    fn assert_machine_is_as_before(&self, before: &Machine) {
        let dir = self.dir();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(dir.to_str().unwrap()), "{mounts}");
        assert_eq!(&Machine::now(), before);
    }
}

/// What a test bed could leave on the machine beside processes and its folder.
#[derive(Debug, PartialEq)]
struct Machine {
    mounts: usize,
    links: Vec<String>,
    namespaces: usize,
    /// What lies where a kubelet and a controller manager have folders on a node.
    files: Vec<PathBuf>,
}

impl Machine {
    fn now() -> Self {
        let links = Command::new("ip").args(["-o", "link"]).output().unwrap();
        let links = String::from_utf8(links.stdout).unwrap();
        let names = links
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1));
        // Where `ip netns` keeps those that it shall not lose.
        let namespaces = fs::read_dir("/run/netns").map_or(0, Iterator::count);
        Self {
            mounts: fs::read_to_string("/proc/self/mountinfo")
                .unwrap()
                .lines()
                .count(),
            links: names.map(str::to_owned).collect(),
            namespaces,
            files: [
                "/var/log/containers",
                "/var/log/pods",
                "/usr/libexec/kubernetes",
                "/var/lib/kubelet",
            ]
            .into_iter()
            .flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten())
            .map(|entry| entry.path())
            .collect(),
        }
    }
}

fn program() -> OsString {
    env::var_os("RETUNE_TESTBED").expect("the test bed's program")
}

/// A command of the test bed's program, which is to fail; what it says.
#[track_caller]
fn refusal(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    said
}

fn up(dir: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("up").arg("--dir").arg(dir);
    command
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_stopped_test_bed_leaves_nothing_behind() {
    needs_testbed!();
    let place = Place::new();
    let before = Machine::now();
    let bed = place.start();
    place.start_pod();

    let said = refusal(&mut up(&place.dir()));
    assert!(
        said.contains("runs in") && said.contains("already"),
        "{said}"
    );
    let pid = fs::read_to_string(place.dir().join("testbed.lock")).unwrap();
    assert!(said.contains(pid.trim()), "{said}");

    // Had it not stopped by itself within a minute, it would have been killed and its folder still there.
    drop(bed);
    place.assert_nothing_is_left(&before);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_killed_test_bed_takes_all_along_and_another_starts_in_its_folder() {
    needs_testbed!();
    let place = Place::new();
    let before = Machine::now();
    let bed = place.start();
    place.start_pod();
    let pid = fs::read_to_string(place.dir().join("testbed.lock")).unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    wait("no process is left", || place.no_process_is_left());
    place.assert_machine_is_as_before(&before);
    drop(bed);
    assert!(place.dir().join("kubeconfig").exists());

    let bed = place.start();
    place.start_pod();
    drop(bed);
    place.assert_nothing_is_left(&before);
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn it_is_as_its_options_say_and_ends_with_its_input() {
    needs_testbed!();
    let place = Place::new();
    let mut command = up(&place.dir());
    command.args([
        "--nodes",
        "2",
        "--sync-frequency",
        "17s",
        "--change-detection",
        "Get",
    ]);
    command.args(["--authorization", "AlwaysAllow", "--stop-on-eof"]);
    let mut bed = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = bed.stdin.take();
    let output = BufReader::new(bed.stdout.take().unwrap());
    let mut lines = output.lines().map(|line| line.unwrap());
    let ready = format!(
        "ready KUBECONFIG={}",
        place.dir().join("kubeconfig").display()
    );
    let mut told = Vec::new();
    while told.last() != Some(&ready) {
        let line = lines.next();
        told.push(line.unwrap_or_else(|| panic!("it ended before it was ready: {told:#?}")));
    }

    let nodes = place.kubectl(&["get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"]);
    assert_eq!(nodes, "node-1 node-2");
    let account = "system:serviceaccount:default:default";
    place.kubectl(&["auth", "can-i", "delete", "secrets", "--as", account]);
    let kubelet = place.kubectl(&["get", "--raw", "/api/v1/nodes/node-2/proxy/configz"]);
    for setting in ["\"syncFrequency\":\"17s\"", "DetectionStrategy\":\"Get\""] {
        assert!(kubelet.contains(setting), "{kubelet}");
    }

    drop(input);
    let said = lines.collect::<Vec<_>>().join("\n");
    assert!(bed.wait().unwrap().success());
    assert!(said.starts_with("end of input: stopped in "), "{said}");
    assert!(!place.dir().exists());
    place.no_process_is_left().unwrap();
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_folder_with_something_else_in_it_is_refused_and_left_alone() {
    needs_testbed!();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "precious").unwrap();
    let said = refusal(&mut up(folder.path()));
    assert!(said.contains("not empty and not of a test bed"), "{said}");
    let content = fs::read_dir(folder.path()).unwrap().flatten();
    let names: Vec<_> = content.map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["mine"]);
    assert_eq!(
        fs::read_to_string(folder.path().join("mine")).unwrap(),
        "precious"
    );
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn without_root_it_says_that_it_needs_it() {
    needs_testbed!();
    let place = Place::new();
    // Where anybody can run it.
    let copy = place.folder.path().join("testbed");
    fs::copy(program(), &copy).unwrap();
    let everybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(place.folder.path(), everybody).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65532", "--regid=65532", "--clear-groups"]);
    let said = refusal(command.arg(copy).arg("up").arg("--dir").arg(place.dir()));
    assert!(said.contains("must run as root"), "{said}");
    assert!(!place.dir().exists());
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_missing_tool_is_named_with_its_package() {
    needs_testbed!();
    let place = Place::new();
    let tools = place.folder.path();
    let path = env::var_os("PATH").unwrap();
    for tool in [
        "mount",
        "umount",
        "nsenter",
        "setpriv",
        "pivot_root",
        "sh",
        "modprobe",
    ] {
        let found = env::split_paths(&path).map(|dir| dir.join(tool));
        if let Some(found) = found.into_iter().find(|found| found.exists()) {
            symlink(found, tools.join(tool)).unwrap();
        }
    }
    let said = refusal(up(&place.dir()).env("PATH", tools));
    assert!(
        said.contains("`ip` is missing") && said.contains("iproute2"),
        "{said}"
    );
    assert!(!said.contains("mount"), "{said}");
    assert!(!place.dir().exists());
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn a_wrong_argument_is_named_with_what_was_expected() {
    needs_testbed!();
    let place = Place::new();
    for (args, expected) in [
        (&["up", "--nodes", "0"][..], "--nodes: from 1 to 200, not 0"),
        (&["up", "--nodes", "201"], "--nodes: from 1 to 200, not 201"),
        (&["up", "--nodes", "many"], "many"),
        (
            &["up", "--sync-frequency", "0s"],
            "--sync-frequency: more than 0",
        ),
        (&["up", "--sync-frequency", "often"], "often"),
        (
            &["up", "--change-detection", "Push"],
            "one of [Watch Cache Get], not \"Push\"",
        ),
        (
            &["up", "--authorization", "None"],
            "one of [RBAC AlwaysAllow], not \"None\"",
        ),
        (
            &["up", "--bin", "/no/such/folder"],
            "--bin /no/such/folder: no folder",
        ),
        (&["up", "--api-port", "99999"], "99999"),
        (&["up", "--hurry"], "--hurry"),
        (&["up", "please"], "please"),
        (
            &["node", "reboot", "node-1"],
            "start or stop, not \"reboot\"",
        ),
        (&["node", "stop", "node-1"], "no test bed runs in"),
        (&["kubelet", "stop", "node-1"], "no test bed runs in"),
        (&["enter", "--", "true"], "no test bed runs in"),
    ] {
        let mut command = Command::new(program());
        // Before what is to be run, if anything is.
        command
            .arg(args[0])
            .arg("--dir")
            .arg(place.dir())
            .args(&args[1..]);
        let said = refusal(&mut command);
        assert!(said.contains(expected), "{args:?}: {said}");
        assert!(!said.contains("panic"), "{args:?}: {said}");
        assert!(!place.dir().exists(), "{args:?}");
    }
    let said = refusal(Command::new(program()).arg("dance"));
    assert!(said.contains("dance"), "{said}");
    // One that runs, but has no such node.
    let dir = env::var_os("RETUNE_TESTBED_DIR").unwrap();
    let mut command = Command::new(program());
    let said = refusal(command.args(["node", "stop", "node-99", "--dir"]).arg(dir));
    assert!(
        said.contains("no node \"node-99\": there are node-1"),
        "{said}"
    );
}
