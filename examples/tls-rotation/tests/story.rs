//! The story of `tls-rotation`, by the real programs and by foreign clients.

mod support;

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use std::{array, thread};

use support::{Authority, DAY, Pair, Program, Server};

type Lines = io::Lines<BufReader<ChildStdout>>;

/// The serial numbers that a line of the client tells: of new connections, and of the live one.
fn serials(line: &str) -> [&str; 2] {
    let mut words = line
        .split([' ', ';'])
        .skip_while(|word| *word != "connections:");
    let new = words.nth(1).unwrap();
    [
        new,
        words.skip_while(|word| *word != "one:").nth(1).unwrap(),
    ]
}

#[test]
fn h5_a_live_connection_goes_on_while_new_ones_see_the_new_certificate() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(1));
    let mut client = Program::client(&authority, &server.address, "5ms");
    assert_eq!(serials(&client.prints("new connections")), ["01", "01"]);
    server.rotate(2, &authority.issue(2));
    assert_eq!(serials(&client.prints("new connections")), ["02", "01"]);
    server.rotate(3, &authority.issue(3));
    assert_eq!(serials(&client.prints("new connections")), ["03", "01"]);
    assert!(client.terminate().success());
    let last = client.printed.last().unwrap();
    assert!(last.ends_with(" 0 failed"), "{:#?}", client.printed);
}

#[test]
fn h5_fifty_rotations_under_load_fail_no_handshake_and_no_request() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(0));
    let mut clients: [_; 3] = array::from_fn(|_| {
        let mut client = Program::client(&authority, &server.address, "1ms");
        client.prints("new connections");
        client
    });
    for number in 1..=50 {
        server.rotate(number, &authority.issue(number));
    }
    for client in &mut clients {
        client.prints("new connections: 32; the live one: 00");
        assert!(client.terminate().success());
        let last = client.printed.last().unwrap();
        assert!(last.ends_with(" 0 failed"), "{:#?}", client.printed);
    }
}

/// Had a handshake the key of another certificate, curl would refuse it.
#[test]
fn h5_at_any_speed_no_foreign_handshake_meets_a_torn_pair() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(0));
    let pairs: Vec<_> = (1..=8).map(|number| authority.issue(number)).collect();
    let mut curl = server.curl(&server.trusted(&authority));
    curl.arg(server.url());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let done = &done;
        let asking = scope.spawn(move || {
            let mut handshakes = 0;
            while !done.load(Ordering::Relaxed) {
                let answer = curl.output().unwrap();
                assert!(answer.status.success(), "{answer:?}");
                handshakes += 1;
            }
            handshakes
        });
        for _ in 0..100 {
            pairs.iter().for_each(|pair| server.publish(pair));
        }
        server.rotate(9, &authority.issue(9));
        done.store(true, Ordering::Relaxed);
        assert!(asking.join().unwrap() > 0);
    });
    let metrics = server.get("/metrics");
    let refused = metrics
        .lines()
        .find(|line| line.starts_with("retune_rejected_total{reason=\"invalid\"}"));
    assert!(refused.is_none_or(|line| line.ends_with(" 0")), "{metrics}");
}

#[test]
fn what_does_not_fit_or_is_not_valid_is_refused_with_its_reason_and_the_old_one_goes_on() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(1));
    let mut client = Program::client(&authority, &server.address, "5ms");
    client.prints("new connections");
    let now = SystemTime::now();
    let torn = Pair {
        key: authority.issue(2).key,
        ..authority.issue(3)
    };
    let expired = authority.issue_between(4, now - 2 * DAY, now - DAY);
    let early = authority.issue_between(5, now + DAY, now + 2 * DAY);
    let nothing = Pair {
        crt: String::new(),
        key: String::new(),
    };
    for (pair, key, reason) in [
        (
            &torn,
            "tls.key",
            "`tls.key`: does not belong to certificate 03 ",
        ),
        (&expired, "tls.crt", "`tls.crt`: expired at 20"),
        (&early, "tls.crt", "`tls.crt`: not valid before 20"),
        (
            &nothing,
            "tls.crt",
            "`tls.crt`: is empty, where PEM is expected",
        ),
    ] {
        server.publish(pair);
        let status = server.waits_for(reason, |status| {
            status["reasons"].to_string().contains(reason)
        });
        let place = server.program.volume.dir().join(key);
        let told = status["reasons"].to_string();
        assert!(told.contains(place.to_str().unwrap()), "{told}");
        assert_eq!(server.answer(), "certificate 01, generation 1\n");
        let metrics = server.get("/metrics");
        assert!(metrics.contains("\nretune_degraded 1\n"), "{metrics}");
        for line in pair.key.lines().filter(|line| !line.starts_with('-')) {
            assert!(!format!("{status}{metrics}").contains(line), "{status}");
        }
    }
    server.rotate(6, &authority.issue(6));
    assert_eq!(serials(&client.prints("new connections")), ["06", "01"]);
    assert!(client.terminate().success());
    let failed = client.printed.iter().any(|line| line.starts_with("failed"));
    assert!(!failed, "{:#?}", client.printed);
}

#[test]
fn the_metrics_tell_until_when_the_certificate_is_valid() {
    let authority = Authority::new();
    let now = SystemTime::now();
    let server = Server::start(&authority.issue_between(1, now - DAY, now + 2 * DAY));
    let until = || {
        let metrics = server.get("/metrics");
        let name = "retune_expires_timestamp_seconds{path=\"tls.crt\"} ";
        let told = metrics.lines().find_map(|line| line.strip_prefix(name));
        let seconds: f64 = told.expect(&metrics).parse().unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds)
    };
    let first = until();
    assert!(first <= now + 2 * DAY && first + DAY > now + 2 * DAY);
    server.rotate(2, &authority.issue_between(2, now - DAY, now + 9 * DAY));
    assert_eq!(until(), first + 7 * DAY);
}

#[test]
fn at_the_start_a_pair_that_does_not_fit_is_an_error() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tls.crt"), authority.issue(1).crt).unwrap();
    fs::write(dir.path().join("tls.key"), authority.issue(2).key).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tls-server"));
    let output = command.env("TLS_DIR", dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let report = String::from_utf8(output.stderr).unwrap();
    assert!(
        report.contains("does not belong to certificate 01"),
        "{report}"
    );
}

/// With the commands of the README, on openssl's certificates.
#[test]
fn openssl_makes_a_pair_that_openssl_and_curl_see_and_curl_keeps_its_connection() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    openssl(
        path,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
                   -subj /CN=authority -keyout ca.key -out ca.crt",
    );
    let issue = |days: &str| {
        openssl(
            path,
            &format!(
                "req -x509 -CA ca.crt -CAkey ca.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
             -nodes -days {days} -subj /CN=localhost -addext subjectAltName=DNS:localhost \
             -addext basicConstraints=critical,CA:FALSE -keyout tls.key -out tls.crt"
            ),
        );
        Pair {
            crt: fs::read_to_string(path.join("tls.crt")).unwrap(),
            key: fs::read_to_string(path.join("tls.key")).unwrap(),
        }
    };
    let serial = || {
        let told = openssl(path, "x509 -in tls.crt -noout -serial");
        told.trim().trim_start_matches("serial=").to_lowercase()
    };
    // What `openssl x509 -req` makes by itself has no extensions, and so no name that counts.
    issue("30");
    openssl(path, "req -new -key tls.key -subj /CN=localhost -out csr");
    openssl(
        path,
        "x509 -req -in csr -CA ca.crt -CAkey ca.key -days 30 -out tls.crt",
    );
    let mut refused = Command::new(env!("CARGO_BIN_EXE_tls-server"));
    let refused = refused.env("TLS_DIR", path).output().unwrap();
    let report = String::from_utf8(refused.stderr).unwrap();
    assert!(
        report.contains("`tls.crt`: has an X.509 certificate without extensions"),
        "{report}"
    );

    let server = Server::start(&issue("30"));
    let (trusted, first) = (path.join("ca.crt"), serial());
    let shown = || {
        let connect = format!(
            "s_client -connect {} -CAfile ca.crt -verify_return_error",
            server.address
        );
        let session = openssl(path, &connect);
        fs::write(path.join("shown.crt"), session).unwrap();
        let told = openssl(path, "x509 -in shown.crt -noout -serial");
        told.trim().trim_start_matches("serial=").to_lowercase()
    };
    assert_eq!(shown(), first);

    // Asks twenty times a second, on one connection.
    let mut kept = server.curl(&trusted);
    kept.args([
        "--no-buffer",
        "--rate",
        "20/s",
        "--write-out",
        "connects: %{num_connects}\n",
    ]);
    let url = format!("{}?[1-100000]", server.url());
    let mut kept = kept.arg(url).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(kept.stdout.take().unwrap()).lines();
    let answers_with = |lines: &mut Lines, serial: &str| {
        let found = lines.by_ref().find(|line| {
            let line = line.as_ref().unwrap();
            assert_ne!(line, "connects: 1", "another connection");
            line.starts_with(&format!("certificate {serial},"))
        });
        assert!(found.is_some(), "curl ended");
    };
    answers_with(&mut lines, &first);
    // Of the first, which is the one that stays.
    assert_eq!(lines.next().unwrap().unwrap(), "connects: 1");
    for _ in 0..5 {
        server.publish(&issue("60"));
        let next = serial();
        answers_with(&mut lines, &next);
        assert_eq!(shown(), next);
    }
    kept.kill().unwrap();
    kept.wait().unwrap();
}

#[track_caller]
fn openssl(dir: &Path, arguments: &str) -> String {
    let mut openssl = Command::new("openssl");
    let output = openssl
        .current_dir(dir)
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "openssl {arguments}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
