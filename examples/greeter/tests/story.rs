//! The story of this example, by the real program.
mod support;

use std::net::TcpListener;
use std::path::Path;

use retune_mount::Publisher;
use serde_json::Value;
use support::{KEY, Pod, greeter};

const UPDATED: &str = "Configfile Updated";

#[test]
fn it_answers_the_message_and_after_the_update_the_new_one() {
    let pod = Pod::start("message: Hello World\n");
    assert_eq!(pod.get("/"), "Hello World");
    pod.publish("message: Hello Grandma\n");
    assert_eq!(pod.line(), UPDATED);
    assert_eq!(pod.get("/"), "Hello Grandma");
    let (ended, more) = pod.terminate();
    assert!(ended.success(), "{ended}");
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn it_prints_its_schema_and_needs_no_volume_for_that() {
    let printed = greeter(Path::new("/nowhere"))
        .arg("schema")
        .output()
        .unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let schema: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let docs = &schema["properties"]["message"]["description"];
    assert!(
        docs.as_str()
            .unwrap()
            .contains("Text that `GET /` answers with"),
        "{docs}"
    );
}

#[test]
fn a_bad_edit_changes_the_status_and_nothing_else_until_it_is_mended() {
    let pod = Pod::start("message: Hello World\n");
    let bad: [(&[(&str, &str)], &str); 6] = [
        (&[(KEY, "message: [Hello")], "unclosed bracket"),
        (&[(KEY, "")], "the document is empty"),
        (&[(KEY, "mesage: Hello")], "`message`: missing"),
        (&[(KEY, "message: {to: Grandma}")], "`message`: expected"),
        (&[("another-key", "Hello")], "`message`: missing"),
        (&[], "the last good values are kept"),
    ];
    for (keys, reason) in bad {
        pod.publish_keys(keys);
        pod.status(reason, |status| {
            let told = status["reasons"].to_string();
            status["health"] == "degraded" && status["generation"] == 1 && told.contains(reason)
        });
        assert_eq!(pod.get("/"), "Hello World");
        let metrics = pod.get("/metrics");
        assert!(metrics.contains("\nretune_degraded 1\n"), "{metrics}");
    }
    // Back to what it was: nothing was updated.
    pod.publish("message: Hello World\n");
    pod.status("well again", |status| {
        status["health"] == "ok" && status["rejection"].is_null() && status["generation"] == 1
    });
    let metrics = pod.get("/metrics");
    assert!(metrics.contains("\nretune_degraded 0\n"), "{metrics}");
    pod.publish("message: Hello Grandma\n");
    assert_eq!(pod.line(), UPDATED);
    assert_eq!(pod.get("/"), "Hello Grandma");
    // One update was printed, although the volume was written eight times.
    assert!(pod.terminate().1.is_empty());
}

#[test]
fn the_same_message_in_another_document_is_no_update() {
    let pod = Pod::start("message: Hello World\n");
    pod.publish("# The same.\nmessage:   Hello World\n");
    pod.publish("message: Hello Grandma\n");
    assert_eq!(pod.line(), UPDATED);
    pod.status("two generations", |status| status["generation"] == 2);
    assert!(pod.terminate().1.is_empty());
}

#[test]
fn a_message_is_text_whatever_it_looks_like() {
    let pod = Pod::start("message: 100%s %d\n");
    assert_eq!(pod.get("/"), "100%s %d");
    pod.publish("message: no\n");
    assert_eq!(pod.line(), UPDATED);
    assert_eq!(pod.get("/"), "no");
}

#[test]
fn a_volume_that_is_bad_at_the_start_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let missing = greeter(dir.path().join("config").as_path())
        .output()
        .unwrap();
    let volume = Publisher::create(dir.path().join("config")).unwrap();
    volume.publish([(KEY, "message: [Hello")]).unwrap();
    let broken = greeter(volume.dir()).output().unwrap();
    let expected = [
        (missing, "/config: no such directory"),
        (broken, "/config/configmap-microservice-demo.yaml:1:10"),
    ];
    for (ended, expected) in expected {
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
        assert!(ended.stdout.is_empty());
    }
}

#[test]
fn v12_a_port_that_is_taken_ends_the_program_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Publisher::create(dir.path().join("config")).unwrap();
    volume.publish([(KEY, "message: Hello World")]).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut second = greeter(volume.dir());
    let ended = second.env("GREETER_LISTEN", address).output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("AddrInUse"), "{told}");
    assert!(ended.stdout.is_empty());
}
