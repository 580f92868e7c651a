//! The program that pods run, without a cluster: what it shows, and that it ends loudly when what it
//! sees is torn.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use retune_mount::Publisher;
use retune_testbed::recorder::{Mark, Recorder};
use retune_testbed::{fingerprint, wait};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A probe that runs, and ends with the test.
struct Probe {
    child: Child,
    lines: BufReader<ChildStdout>,
    address: String,
}

impl Probe {
    /// Starts it on a port of its own, and waits until it serves.
    fn start(args: &[&str]) -> Self {
        let mut child = probe()
            .args(args)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let address = String::new();
        let mut probe = Self {
            child,
            lines,
            address,
        };
        let listening = probe.event("listening");
        probe.address = listening["address"].as_str().unwrap().to_owned();
        probe
    }

    /// The next line of this event.
    fn event(&mut self, event: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "no {event}");
            assert!(!line.contains("s3cret"), "{line}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["event"] == event {
                return line;
            }
        }
    }

    fn get(&self, page: &str) -> Value {
        let url = format!("http://{}{page}", self.address);
        let body = ureq::get(url).call().unwrap().body_mut().read_to_string();
        serde_json::from_str(&body.unwrap()).unwrap()
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn probe() -> Command {
    Command::new(env!("CARGO_BIN_EXE_probe"))
}

fn run(args: &[&str]) -> Output {
    probe().args(args).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn it_shows_each_generation_with_its_times_and_no_secret() {
    let volume = tempfile::tempdir().unwrap();
    let publisher = Publisher::open(volume.path()).unwrap();
    let publish = |revision: &str, token: &str| {
        let keys = [
            ("revision", revision),
            ("token", token),
            (
                "config.yaml",
                "logLevel: warn\nfeatureFlags: {newUi: true}\n",
            ),
            ("items.a-b", "x"),
            ("blob", "\u{0}\n"),
        ];
        publisher.publish(keys).unwrap();
    };
    publish("1", "s3cret-1");
    let mut probe = Probe::start(&["serve", "--mount", text(volume.path()), "--strict"]);
    wait("the first generation was seen", || {
        probe.get("/generations")[0]["seen"] == true
    });
    publish("2", "s3cret-2");

    wait("the second generation was applied", || {
        !probe.get("/generations")[1]["applied"].is_null()
    });
    let generations = probe.get("/generations");
    let [first, second] = &generations.as_array().unwrap()[..] else {
        panic!("{generations}");
    };
    assert_eq!(
        (&first["generation"], &first["revision"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&second["generation"], &second["revision"]),
        (&2.into(), &2.into())
    );
    let hops = ["published", "noticed", "swapped", "applied"];
    let hops = hops.map(|hop| second[hop].as_u64().unwrap());
    assert!(hops.is_sorted(), "{second}");

    let shown = probe.get("/values");
    let values = &shown["values"];
    assert_eq!(shown["generation"], 2);
    assert_eq!(values["token"]["fingerprint"], fingerprint::of(b"s3cret-2"));
    assert_eq!(values["blob"]["bytes"], 2);
    assert_eq!(values["items"]["a-b"], "x");
    assert_eq!(values["log_level"], "warn");
    assert_eq!(values["feature_flags.new_ui"], true);
    assert_eq!(values["greeting"], "hello");
    assert!(values["message"].is_null());
    assert!(probe.get("/counters")["reads"].as_u64().unwrap() > 0);
    assert_eq!(probe.get("/configz")["generation"], 2);

    kill_process(Pid::from_child(&probe.child), Signal::TERM).unwrap();
    // The first was told before the address, or not.
    while probe.event("generation")["generation"] != 2 {}
    probe.event("end");
    assert_eq!(probe.code(), Some(0));
}

#[test]
fn a_torn_generation_ends_it_loudly() {
    let volume = tempfile::tempdir().unwrap();
    let publisher = Publisher::open(volume.path()).unwrap();
    publisher
        .publish([("one.a", "r1:x"), ("left", "1")])
        .unwrap();
    let args = [
        "serve",
        "--mount",
        text(volume.path()),
        "--together",
        "one,left",
    ];
    let mut probe = Probe::start(&args);
    publisher
        .publish([("one.a", "r2:x"), ("left", "1")])
        .unwrap();
    let torn = probe.event("torn");
    assert_eq!(torn["generation"], 2);
    assert_eq!(
        torn["problem"],
        "`one,left`: `left` is of edit 1, `one` of edit 2"
    );
    assert_eq!(probe.code(), Some(70));
}

#[test]
fn the_order_of_the_flags_is_the_order_of_the_sources() {
    let (low, high) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(low.path().join("a.yaml"), "{message: low, left: 1}").unwrap();
    std::fs::write(high.path().join("message"), "high").unwrap();
    let file = low.path().join("a.yaml");
    let (file, mount) = (["--file", text(&file)], ["--mount", text(high.path())]);
    let message = |first: [&str; 2], second: [&str; 2]| {
        let probe = Probe::start(&[&["serve"], &first[..], &second[..]].concat());
        let values = &probe.get("/values")["values"];
        assert_eq!(values["left"], 1);
        values["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message(file, mount), "high");
    assert_eq!(message(mount, file), "low");
}

#[test]
fn without_a_valid_configuration_it_ends_with_2_and_a_report() {
    let volume = tempfile::tempdir().unwrap();
    std::fs::write(volume.path().join("revision"), "many").unwrap();
    let args = ["serve", "--required", "--mount", text(volume.path())];
    let ended = run(&args);
    let report = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{report}");
    assert!(
        report.contains("`message`") && report.contains("many"),
        "{report}"
    );
    assert_eq!(
        run(&["serve", "--together", "nobody"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_heartbeat_is_of_the_mount_before_it() {
    let (beats, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Its claims: {"exp":1}
    std::fs::write(beats.path().join("beat"), "e30.eyJleHAiOjF9.e30").unwrap();
    std::fs::write(other.path().join("message"), "hello").unwrap();
    let (beats, other) = (text(beats.path()), text(other.path()));
    let probe = Probe::start(&[
        "serve",
        "--mount",
        beats,
        "--heartbeat",
        "beat",
        "--mount",
        other,
    ]);
    let sources = &probe.get("/configz")["sources"];
    assert_eq!(
        sources[0]["heartbeat_expires"],
        "1970-01-01T00:00:01.000000Z"
    );
    assert_eq!(sources[0]["paths"][0]["mode"], "orphaned");
    assert!(sources[1]["heartbeat_expires"].is_null(), "{sources}");
    let none = run(&["serve", "--heartbeat", "beat", "--mount", beats]);
    assert_eq!(none.status.code(), Some(1));
}

#[test]
fn what_it_records_is_what_the_recorder_records() {
    let volume = tempfile::tempdir().unwrap();
    let publisher = Publisher::open(volume.path()).unwrap();
    publisher.publish([("a", "1")]).unwrap();
    let mut recorder = Recorder::start(volume.path()).unwrap();
    let mut probe = Probe::start(&["record", text(volume.path())]);

    publisher.publish([("a", "2"), ("b", "1")]).unwrap();
    let mark = recorder.mark("update").unwrap();
    let events = probe.get("/events");
    assert_eq!(events, serde_json::to_value(&mark.events).unwrap());
    let recorded: Mark = serde_json::from_value(probe.get("/mark?name=update")).unwrap();
    assert_eq!(recorded, mark);
    assert_eq!(probe.get("/events"), serde_json::json!([]));
    assert_eq!(
        probe.event("inotify")["mask"],
        serde_json::json!(["CREATE", "ISDIR"])
    );
    assert_eq!(probe.event("mark")["name"], "update");
}

#[test]
fn it_ends_as_it_is_asked_to_and_fetches_what_another_serves() {
    assert_eq!(run(&["exit", "7"]).status.code(), Some(7));
    let mut probe = Probe::start(&["serve"]);
    let url = |page: &str| format!("http://{}{page}", probe.address);
    let ready = run(&["fetch", "--times", "3", &url("/ready")]);
    assert_eq!(ready.stdout, b"ready\nready\nready\n");
    assert_eq!(run(&["fetch", &url("/nothing")]).status.code(), Some(1));
    assert_eq!(
        run(&["fetch", &url("/exit?code=9")]).stdout,
        b"ends with 9\n"
    );
    assert_eq!(probe.code(), Some(9));
}
