//! The story of this example, by the real programs.
mod support;

use serde_json::Value;
use support::Pod;

const REQUEST: &str = "new request received";
const RESPONSE: &str = "response received from server";

fn says(message: &str) -> impl Fn(&Value) -> bool {
    move |line| line["message"] == message
}

fn refuses(line: &Value) -> bool {
    let report = line["report"].as_str().unwrap();
    line["level"] == "warn"
        && line["logger"] == "retune::reload"
        && report.contains("/configs/log-level:1:1")
        && report.contains("did you mean `warn`?")
}

/// A line without its time.
fn timeless(line: &Value) -> Value {
    let mut line = line.clone();
    let timestamp = line["timestamp"].take();
    let timestamp = timestamp.as_str().unwrap();
    assert!(
        timestamp.starts_with("20") && timestamp.ends_with('Z'),
        "{timestamp}"
    );
    line.as_object_mut().unwrap().remove("timestamp");
    line
}

#[test]
fn both_start_at_info_and_log_their_requests_in_the_same_form() {
    let mut server = Pod::server(&[("log-level", "info")]);
    let address = format!("http://{}", server.address);
    let mut client = Pod::client(&[("log-level", "info"), ("server-address", &address)]);
    assert_eq!(server.log[0]["message"], "starting http server ...");
    assert_eq!(server.log[0]["level"], "info");
    assert_eq!(client.log[0]["message"], "start sending requests ...");
    assert_eq!(client.log[0]["level"], "info");

    let request = server.logs("a request", says(REQUEST));
    let expected = serde_json::json!({"level": "info", "logger": "server", "message": REQUEST});
    assert_eq!(timeless(&request), expected);
    let response = client.logs("a response", says(RESPONSE));
    let expected = serde_json::json!({
        "http.statusCode": 200, "level": "info", "logger": "client", "message": RESPONSE,
    });
    assert_eq!(timeless(&response), expected);
}

#[test]
fn at_warn_both_start_at_info_and_then_are_silent() {
    let mut server = Pod::server(&[("log-level", "warn")]);
    // Nobody listens there, so that there is no response before the level is known to be applied.
    let nowhere = ("server-address", "http://127.0.0.1:1");
    let mut client = Pod::client(&[("log-level", "warn"), nowhere]);
    for pod in [&mut server, &mut client] {
        assert_eq!(pod.log[0]["level"], "info");
        // The first level is set after that line; a later one says when it is applied.
        pod.publish(&[("log-level", "error"), nowhere]);
        pod.applied(2);
        pod.publish(&[("log-level", "warn"), nowhere]);
        pod.applied(3);
    }
    for _ in 0..3 {
        assert_eq!(server.get("/"), "Hello, World!\n");
    }
    // What comes last in a log shows that nothing else came before.
    server.publish(&[("log-level", "wran")]);
    server.logs("the refusal", refuses);
    assert_eq!(server.logged(REQUEST), 0, "{:#?}", server.log);

    server.publish(&[("log-level", "info")]);
    let address = format!("http://{}", server.address);
    client.publish(&[("log-level", "warn"), ("server-address", &address)]);
    // The second request is sent when the first was answered.
    server.logs("a request", says(REQUEST));
    server.logs("another request", says(REQUEST));
    client.publish(&[("log-level", "wran"), ("server-address", &address)]);
    client.logs("the refusal", refuses);
    assert_eq!(client.logged(RESPONSE), 0, "{:#?}", client.log);
}

#[test]
fn the_level_changes_while_both_run_and_the_background_job_goes_on() {
    let mut server = Pod::server(&[("log-level", "warn")]);
    let address = format!("http://{}", server.address);
    let mut client = Pod::client(&[("log-level", "warn"), ("server-address", &address)]);
    let job = says("background job goes on");
    let mut steps = 0;
    for level in ["info", "warn", "debug"] {
        server.publish(&[("log-level", level)]);
        client.publish(&[("log-level", level), ("server-address", &address)]);
        if level == "warn" {
            server.applied(3);
            client.applied(3);
            continue;
        }
        server.logs("a request", says(REQUEST));
        client.logs("a response", says(RESPONSE));
        let now = server.logs("the background job", &job)["steps"].as_u64();
        assert!(now > Some(steps), "{now:?} after {steps}");
        steps = now.unwrap();
    }
    assert!(server.runs() && client.runs());
}

#[test]
fn a_level_by_target_is_heard_beside_the_level_of_the_rest() {
    let mut server = Pod::server(&[("log-level", "info")]);
    server.publish(&[("log-level", "error,retune=debug")]);
    server.applied(2);
    server.publish(&[("log-level", "error, retune=info")]);
    server.logs("the change", |line| {
        line["message"] == "configuration changed" && line["generation"] == 3
    });
    assert_eq!(server.logged(REQUEST), 0, "{:#?}", server.log);
    server.publish(&[("log-level", "warn,server=info")]);
    server.applied(4);
    server.get("/");
    server.logs("a request", says(REQUEST));
    // A word alone is no target.
    server.publish(&[("log-level", "warn,server")]);
    server.logs("the refusal", |line| {
        let report = line["report"].as_str();
        report.is_some_and(|report| report.contains("`server=debug`"))
    });
}

#[test]
fn a_bad_edit_is_refused_with_place_and_suggestion_until_it_is_reverted() {
    let mut server = Pod::server(&[("log-level", "warn")]);
    let address = format!("http://{}", server.address);
    let good = [("log-level", "warn"), ("server-address", address.as_str())];
    let mut client = Pod::client(&good);
    server.publish(&[("log-level", "wran")]);
    client.publish(&[("log-level", "wran"), good[1]]);
    for pod in [&mut server, &mut client] {
        pod.logs("the refusal", refuses);
        pod.status("degraded", |status| {
            status["health"] == "degraded" && status["generation"] == 1
        });
    }
    server.publish(&[("log-level", "warn")]);
    client.publish(&good);
    for pod in [&mut server, &mut client] {
        pod.status("cleared", |status| {
            status["health"] == "ok" && status["rejection"].is_null() && status["generation"] == 1
        });
        assert!(pod.runs());
    }
    assert_eq!(server.get("/"), "Hello, World!\n");
}

#[test]
fn another_server_address_moves_the_client() {
    let mut here = Pod::server(&[("log-level", "info")]);
    let mut there = Pod::server(&[("log-level", "info")]);
    let address = |server: &Pod| format!("http://{}", server.address);
    let mut client = Pod::client(&[("log-level", "info"), ("server-address", &address(&here))]);
    here.logs("a request", says(REQUEST));
    client.publish(&[("log-level", "info"), ("server-address", &address(&there))]);
    there.logs("a request", says(REQUEST));
    // The first server hears no more: another request would be logged before its end.
    assert!(here.terminate().success());
    for _ in 0..2 {
        client.logs("a response", says(RESPONSE));
    }
    assert_eq!(
        client.logged("no response from server"),
        0,
        "{:#?}",
        client.log
    );
}

#[test]
fn a_server_address_that_is_no_url_is_refused() {
    let mut client = Pod::client(&[("log-level", "info"), ("server-address", "http://a:1")]);
    client.publish(&[("log-level", "info"), ("server-address", "http:// a")]);
    let refusal = client.logs("the refusal", |line| line["logger"] == "retune::reload");
    let report = refusal["report"].as_str().unwrap();
    assert!(
        report.contains("`server_address`: expected a URL"),
        "{report}"
    );
    assert!(report.contains("/configs/server-address:1:1"), "{report}");
}

#[test]
fn sigterm_ends_both_cleanly() {
    let mut server = Pod::server(&[("log-level", "info")]);
    let address = format!("http://{}", server.address);
    let mut client = Pod::client(&[("log-level", "info"), ("server-address", &address)]);
    server.logs("a request", says(REQUEST));
    assert!(client.terminate().success());
    assert!(server.terminate().success());
}
