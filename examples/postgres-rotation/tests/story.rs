//! The story of this example, by the real program and a real PostgreSQL.
mod support;

use support::{App, Load, Server, eventually};

/// No connection lives for longer than a query: each of them needs a new one.
const NEW_EACH_TIME: (&str, &str) = ("DATABASE_MAX_AGE", "0s");

/// A query does not wait for a database.
const AT_ONCE: (&str, &str) = ("DATABASE_PATIENCE", "100ms");

const REFUSED: &str = "password authentication failed for user \"app\"";

/// Waits until no session of a user is left that began before a moment.
#[track_caller]
fn until_none_is_left(server: &Server, user: &str, before: &str) {
    eventually(&format!("the old sessions of {user} end"), || {
        server.sessions_before(user, before) == 0
    });
}

#[test]
fn without_a_database_it_says_so_waits_and_ends_cleanly() {
    let url = ("DATABASE_URL", "postgres://%2Fnowhere/app");
    let app = App::with_keys(
        &[("username", "app"), ("password", "hunter2")],
        &[url, AT_ONCE],
    );
    app.logs("not taken by the database, tried again");
    let (status, text) = app.get("/");
    assert_eq!((status, &*text), (503, "no connection within 100ms\n"));
    assert_eq!(app.status()["health"], "ok");
    assert!(
        !app.everything().contains("hunter2"),
        "{}",
        app.everything()
    );
    assert!(app.terminate().success());
}

/// Longer than Kubernetes waits, if it waited for the patience to be over.
#[test]
fn queries_that_wait_for_a_login_do_not_keep_a_program_that_is_to_end() {
    let url = ("DATABASE_URL", "postgres://%2Fnowhere/app");
    let app = App::with_keys(&[("username", "app"), ("password", "hunter2")], &[url]);
    let waiting = [(); 4].map(|()| app.begin("/"));
    // Who came after them is answered.
    assert_eq!(app.status()["health"], "ok");
    assert!(app.terminate().success());
    drop(waiting);
}

#[test]
fn h3_h5_half_a_pair_or_a_url_that_cannot_be_read_is_refused_and_not_quoted() {
    let keys = |url, password| [("url", url), ("username", "app"), ("password", password)];
    let good = "postgres://%2Fnowhere/app";
    let app = App::with_keys(&keys(good, "hunter2"), &[AT_ONCE]);
    app.publish_keys(&keys(
        "postgres://me:hunter3@%2Fnowhere:port/app",
        "hunter2",
    ));
    eventually("the URL is refused", || {
        app.status()["reasons"]
            .to_string()
            .contains("the URL cannot be read")
    });
    app.publish_keys(&[("url", good), ("username", "app")]);
    eventually("half a pair is refused", || {
        app.status()["reasons"]
            .to_string()
            .contains("database.password")
    });
    app.publish_keys(&keys(good, "hunter2"));
    eventually("well again", || app.status()["health"] == "ok");
    assert_eq!(app.status()["generation"], 1);
    assert!(!app.everything().contains("hunter"), "{}", app.everything());
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask postgres"]
fn a_password_that_reaches_the_program_seconds_after_the_database_fails_no_query() {
    let server = Server::start();
    server.create_user("app", "swordfish-1");
    let steady = App::start(&server, "app", "swordfish-1", &[]);
    let eager = App::start(&server, "app", "swordfish-1", &[NEW_EACH_TIME]);
    let loads = [&steady, &eager].map(Load::on);
    let waited = eager.ask()["waited"].as_u64();

    server.set_password("app", "swordfish-2");
    let changed = server.now();
    eventually("a new connection is refused", || {
        server.log().contains(REFUSED)
    });
    // What a kubelet takes its time for.
    let later = format!("select clock_timestamp() > '{changed}'::timestamptz + interval '2s'");
    eventually("two seconds later", || server.sql(&later) == "t");
    // Who is in goes on.
    loads[0].more();
    assert_eq!(steady.ask()["generation"], 1);

    for app in [&steady, &eager] {
        app.publish("app", "swordfish-2");
    }
    loads.iter().for_each(Load::more);
    until_none_is_left(&server, "app", &changed);
    for app in [&steady, &eager] {
        eventually("the new pair", || app.ask()["generation"] == 2);
    }
    assert!(eager.ask()["waited"].as_u64() > waited);
    for (load, app) in loads.into_iter().zip([steady, eager]) {
        let (asked, failed) = load.end();
        assert!(failed.is_empty(), "{failed:?} of {asked}\n{}", app.log());
    }
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask postgres"]
fn h5_two_users_take_turns_fifty_times_and_no_query_fails_or_waits() {
    let server = Server::start();
    let users = ["app_a", "app_b"];
    for user in users {
        server.create_user(user, "swordfish-1");
    }
    let apps = [NEW_EACH_TIME, ("DATABASE_MAX_AGE", "30m")]
        .map(|age| App::start(&server, users[0], "swordfish-1", &[age]));
    let loads = [0, 1].map(|i| Load::on(&apps[i]));
    let waited = apps.each_ref().map(|app| app.ask()["waited"].clone());
    for round in 1..=50 {
        let (old, new) = (users[(round + 1) % 2], users[round % 2]);
        let password = format!("swordfish-{round}");
        // Of the user whom nobody uses now.
        server.set_password(new, &password);
        apps.iter().for_each(|app| app.publish(new, &password));
        for app in &apps {
            eventually("the new pair", || app.ask()["user"] == new);
        }
        until_none_is_left(&server, old, "infinity");
    }
    loads.iter().for_each(Load::more);
    assert_eq!(
        apps.each_ref().map(|app| app.ask()["waited"].clone()),
        waited
    );
    for (load, app) in loads.into_iter().zip(apps) {
        let (asked, failed) = load.end();
        assert!(failed.is_empty(), "{failed:?} of {asked}\n{}", app.log());
        assert_eq!(app.ask()["generation"], 51);
        assert!(
            !app.everything().contains("swordfish"),
            "{}",
            app.everything()
        );
    }
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask postgres"]
fn h1_h2_a_wrong_password_is_refused_by_the_gate_and_nobody_sees_it() {
    let server = Server::start();
    server.create_user("app", "swordfish-1");
    let app = App::start(&server, "app", "swordfish-1", &[NEW_EACH_TIME]);
    let load = Load::on(&app);
    app.publish("app", "swordfish-2");
    eventually("the gate refuses it", || {
        app.status()["rejection"]["reason"] == "gate"
    });
    let told = app.status()["reasons"].to_string();
    assert!(told.contains("password authentication failed"), "{told}");
    load.more();
    assert_eq!(app.ask()["generation"], 1);
    app.publish("app", "swordfish-1");
    eventually("well again", || app.status()["health"] == "ok");
    let (asked, failed) = load.end();
    assert!(failed.is_empty(), "{failed:?} of {asked}");
    let all = app.everything();
    assert!(!all.contains("swordfish"), "{all}");
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask postgres"]
fn without_the_gate_the_pool_goes_on_with_the_login_that_the_database_took() {
    let server = Server::start();
    server.create_user("app", "swordfish-1");
    let settings = [NEW_EACH_TIME, ("DATABASE_GATE", "false")];
    let app = App::start(&server, "app", "swordfish-1", &settings);
    let load = Load::on(&app);
    app.publish("app", "swordfish-2");
    app.logs("not taken by the database, tried again");
    app.logs("password authentication failed");
    assert_eq!(app.status()["generation"], 2);
    load.more();
    assert_eq!(app.ask()["generation"], 1);
    // The Secret was first: the database comes after it.
    server.set_password("app", "swordfish-2");
    let changed = server.now();
    eventually("the new pair", || app.ask()["generation"] == 2);
    until_none_is_left(&server, "app", &changed);
    let (asked, failed) = load.end();
    assert!(failed.is_empty(), "{failed:?} of {asked}\n{}", app.log());
    assert!(
        !app.everything().contains("swordfish"),
        "{}",
        app.everything()
    );
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask postgres"]
fn the_gate_is_asked_again_when_the_database_learns_of_a_password_after_the_program() {
    let server = Server::start();
    server.create_user("app", "swordfish-1");
    let app = App::start(&server, "app", "swordfish-1", &[NEW_EACH_TIME]);
    let load = Load::on(&app);
    app.publish("app", "swordfish-2");
    eventually("the gate refuses it", || {
        app.status()["health"] == "degraded"
    });
    server.set_password("app", "swordfish-2");
    eventually("the new pair", || app.ask()["generation"] == 2);
    assert_eq!(app.status()["health"], "ok");
    let (asked, failed) = load.end();
    assert!(failed.is_empty(), "{failed:?} of {asked}\n{}", app.log());
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask postgres"]
fn h3_user_and_password_in_a_url_rotate_as_well_and_are_shown_nowhere() {
    let server = Server::start();
    server.create_user("app_a", "hunter2@home");
    server.create_user("app_b", "hunter3@home");
    let url = |user, password| format!("postgres://{user}:{password}@{}/app", server.host());
    let first = url("app_a", "hunter2%40home");
    let app = App::with_keys(&[("url", &first)], &[]);
    let load = Load::on(&app);
    assert_eq!(app.ask()["user"], "app_a");
    app.publish_keys(&[("url", &url("app_b", "hunter4%40home"))]);
    eventually("the gate refuses it", || {
        app.status()["health"] == "degraded"
    });
    app.publish_keys(&[("url", &url("app_b", "hunter3%40home"))]);
    eventually("the new pair", || app.ask()["user"] == "app_b");
    until_none_is_left(&server, "app_a", "infinity");
    let (asked, failed) = load.end();
    assert!(failed.is_empty(), "{failed:?} of {asked}");
    assert!(!app.everything().contains("hunter"), "{}", app.everything());
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask postgres"]
fn a_query_that_nobody_lets_in_fails_when_the_patience_that_was_set_is_over() {
    let server = Server::start();
    server.create_user("app", "swordfish-1");
    let settings = [NEW_EACH_TIME, ("DATABASE_PATIENCE", "500ms")];
    let app = App::start(&server, "app", "swordfish-1", &settings);
    eventually("the first", || app.get("/").0 == 200);
    server.set_password("app", "swordfish-2");
    let (status, text) = app.get("/");
    assert_eq!((status, &*text), (503, "no connection within 500ms\n"));
    app.publish("app", "swordfish-2");
    eventually("the new pair", || app.get("/").0 == 200);
}
