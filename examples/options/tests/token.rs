//! The story of `token`, by the real program outside of its container: a plain folder is the root.
mod support;

use std::fs;
use std::os::unix::fs::symlink;

use support::{Container, KEY, Outside};

const TOKEN: &str = "super-strong-secret";

#[test]
fn the_token_is_read_through_the_root_followed_and_never_shown() {
    // With a newline, as editors end a file.
    let container = Container::new(&format!("{TOKEN}\n"));
    let outside = container.start();
    let given = format!(
        "[redacted] (AUTH_TOKEN_FILE={})",
        container.token().display()
    );
    assert_eq!(outside.line(), format!("has a token: {given}"));
    let mut pages = outside.get("/configz") + &outside.get("/metrics");
    // The same without the newline is the same token.
    container.secret.publish([(KEY, TOKEN)]).unwrap();
    container.secret.publish([(KEY, "another-secret")]).unwrap();
    assert_eq!(outside.line(), format!("has another token: {given}"));
    pages += &outside.get("/configz");
    let (ended, more) = outside.terminate();
    assert!(ended.success(), "{ended}");
    let all = pages + &more.join("\n");
    assert!(all.contains("configuration changed"), "{all}");
    for secret in [TOKEN, "another-secret"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[test]
fn a_secret_that_is_emptied_or_loses_its_key_changes_nothing_but_the_status() {
    let container = Container::new(TOKEN);
    let outside = container.start();
    outside.line();
    let none: [(&str, &str); 0] = [];
    for reason in ["it is empty", "no such file"] {
        match reason {
            "it is empty" => container.secret.publish([(KEY, "\n")]).unwrap(),
            _ => container.secret.publish(none).unwrap(),
        };
        outside.status(reason, |status| {
            let told = status["reasons"].to_string();
            status["health"] == "degraded" && status["generation"] == 1 && told.contains(reason)
        });
    }
    container.secret.publish([(KEY, TOKEN)]).unwrap();
    outside.status("well again", |status| status["health"] == "ok");
    container.secret.publish([(KEY, "another-secret")]).unwrap();
    assert!(outside.line().starts_with("has another token: [redacted]"));
}

#[test]
fn links_of_the_container_lead_to_the_container_s_own_files() {
    let container = Container::new(TOKEN);
    // As `/var/run` is one in most images.
    symlink("/secrets", container.root().join("run")).unwrap();
    let mut command = container.command();
    command.env("AUTH_TOKEN_FILE", format!("/run/example-secret/{KEY}"));
    let outside = Outside::start(&mut command);
    let real = container.root().join("run/example-secret").join(KEY);
    let line = outside.line();
    assert!(line.contains(&real.display().to_string()), "{line}");
    container.secret.publish([(KEY, "another-secret")]).unwrap();
    assert!(outside.line().starts_with("has another token"));
}

#[test]
fn without_a_token_it_does_not_start_and_a_variable_is_no_place_for_one() {
    let container = Container::new(TOKEN);
    fs::remove_file(container.token()).unwrap();
    fs::remove_dir_all(container.secret.dir()).unwrap();
    let missing = container.command().output().unwrap();
    let mut command = container.command();
    command
        .env_remove("AUTH_TOKEN_FILE")
        .env("AUTH_TOKEN", TOKEN);
    let by_variable = command.output().unwrap();
    let expected = [
        (
            missing,
            container.token().display().to_string() + ": no such file",
        ),
        (by_variable, "not taken from variables".to_owned()),
    ];
    for (ended, expected) in expected {
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{told}");
        assert!(told.contains(&expected), "{told}");
        assert!(!told.contains(TOKEN), "{told}");
        assert!(ended.stdout.is_empty());
    }
}
