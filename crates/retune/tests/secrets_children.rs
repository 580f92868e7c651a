//! H8: a child process inherits no secret, and retune exports none.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::process::Command;

use retune::source::Env;
use retune::{Retune, Secret, Serde};
use support::{is_child, run_as_child};

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Config {
    #[retune(default = "hello")]
    message: String,
    #[retune(default = "none", alias = "token_key", deprecated = "jwt")]
    signing_key: Secret<String>,
    #[retune(default, env = "OWN_PIN")]
    pin: Secret<u32>,
    #[retune(default = "[]")]
    several: Vec<Secret<String>>,
    #[retune(default = "{}")]
    by_name: BTreeMap<String, Secret<String>>,
    database: Database,
    #[retune(default, rename = "sign-in")]
    login: Option<Secret<Login>>,
    #[retune(default = "none", not_from(env))]
    by_file: Secret<String>,
    #[retune(default = "none")]
    url: String,
    #[retune(default = "none")]
    other_url: String,
}

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Database {
    #[retune(default = "localhost")]
    host: String,
    #[retune(default = "none", alias = "passwd")]
    password: Secret<String>,
}

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Login {
    #[retune(default = "nobody")]
    user: String,
}

/// Those that a child still has.
fn inherited(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split_once('='));
    let mut names: Vec<_> = names
        .map(|(name, _)| name.to_owned())
        .filter(|name| {
            ["APP", "OWN", "app", "MORE"]
                .iter()
                .any(|own| name.starts_with(own))
        })
        .collect();
    names.sort_unstable();
    names
}

const SECRET: &[(&str, &str)] = &[
    ("APP_SIGNING_KEY", "x"),
    ("APP_SIGNINGKEY", "x"),
    ("APP_signing-key", "x"),
    ("APP_Signing.Key", "x"),
    ("APP_TOKEN_KEY", "x"),
    ("APP_JWT", "x"),
    ("OWN_PIN", "1"),
    ("APP_PIN", "1"),
    ("APP_SEVERAL", "a,b"),
    ("APP_BY_NAME", "a=b"),
    ("APP_DATABASE_PASSWORD", "x"),
    ("APP_DATABASE_PASSWD", "x"),
    ("APP_DATABASEPASSWORD", "x"),
    ("APP_DATABASE", "{host: a, password: x}"),
    ("APP_SIGN_IN", "{user: x}"),
    ("APP_SIGN_IN_USER", "x"),
    ("APP_BY_FILE", "x"),
    ("APP_URL", "postgres://u:p@h"),
    // A value that is no text is one as well.
    ("APP_SIGNING__KEY", "x"),
];

const PLAIN: &[(&str, &str)] = &[
    ("APPSIGNING_KEY", "x"),
    ("APP_DATABASE_HOST", "h"),
    ("APP_MESSAGE", "hello"),
    ("APP_OTHER", "x"),
    ("APP_OTHER_URL", "postgres://h"),
    ("APP_SIGNING_KEY_FILE", "/run/secrets/key"),
    ("MORE", "x"),
    ("app_signing_key", "x"),
];

#[test]
fn h8_a_child_inherits_no_variable_that_gives_a_secret() {
    let test = "h8_a_child_inherits_no_variable_that_gives_a_secret";
    if !is_child() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.envs(SECRET.iter().chain(PLAIN).copied());
        run_as_child(test, &mut command);
        return;
    }
    let plain: Vec<_> = PLAIN.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut control = Command::new("env");
    assert_eq!(inherited(&mut control).len(), PLAIN.len() + SECRET.len());
    let env = Env::new("APP");
    let mut command = Command::new("env");
    assert_eq!(inherited(env.scrub::<Config>(&mut command)), plain);
    // With a prefix for each of two configurations.
    let mut command = Command::new("env");
    env.scrub::<Config>(&mut command);
    Env::new("app").scrub::<Config>(&mut command);
    assert!(!inherited(&mut command).contains(&"app_signing_key".to_owned()));
    // Loading a configuration exports nothing.
    Config::loader()
        .env(Env::new("APP").only_files().optional_files())
        .once()
        .unwrap();
    assert_eq!(
        inherited(&mut Command::new("env")).len(),
        PLAIN.len() + SECRET.len()
    );
}

#[test]
fn h8_what_was_set_on_the_command_before_goes_and_what_is_set_after_stays() {
    let mut command = Command::new("env");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(SECRET.iter().chain(PLAIN).copied());
    let plain: Vec<_> = PLAIN.iter().map(|(name, _)| (*name).to_owned()).collect();
    Env::new("APP").scrub::<Config>(&mut command);
    assert_eq!(inherited(&mut command), plain);
    command.env("APP_SIGNING_KEY", "on purpose");
    assert!(inherited(&mut command).contains(&"APP_SIGNING_KEY".to_owned()));
}

#[test]
fn h8_of_a_secret_source_all_that_it_takes_goes() {
    type Any = Serde<BTreeMap<String, serde_json::Value>>;
    let set = [("APP_A", "1"), ("APP_MESSAGE", "x"), ("MORE", "x")];
    let left = |scrub: &dyn Fn(&mut Command)| {
        let mut command = Command::new("env");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap());
        scrub(command.envs(set));
        inherited(&mut command)
    };
    let env = || Env::from_iter("APP", [] as [(&str, &str); 0]);
    assert_eq!(left(&|c| _ = env().secret().scrub::<Any>(c)), ["MORE"]);
    assert_eq!(
        left(&|c| _ = env().scrub::<Any>(c)).len(),
        3,
        "nothing tells"
    );
    assert_eq!(
        left(&|c| _ = env().secret().scrub::<Config>(c)),
        ["APP_A", "MORE"]
    );
}
