//! H8: a secret is refused on a command line, with the reason and the remedy, and quoted by nobody.
#![cfg(feature = "clap")]

use std::collections::BTreeMap;

use clap::Command;
use retune::source::{Env, FlagNames, Flags};
use retune::{Error, Retune, Secret};

const MARK: &str = "hunter2";

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Config {
    #[retune(default = "hello")]
    message: String,
    #[retune(default = "none")]
    signing_key: Secret<String>,
    #[retune(default, env = "OWN_PIN")]
    pin: Secret<u32>,
    #[retune(default = "[]", not_from(env, mount))]
    several: Vec<Secret<String>>,
    #[retune(default = "{}")]
    by_name: BTreeMap<String, Secret<String>>,
    database: Database,
    login: Option<Secret<Login>>,
    #[retune(default = "none", allow_flag)]
    token: Secret<String>,
    #[retune(default = "none", not_from(flags))]
    never: Secret<String>,
}

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Database {
    #[retune(default = "none")]
    password: Secret<String>,
}

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Login {
    /// A plain type, in what is a secret as a whole.
    #[retune(default = "hunter2-default")]
    user: String,
}

fn parse(args: &[&str]) -> Result<Config, Error> {
    let args = ["app"].into_iter().chain(args.iter().copied());
    let env = Env::from_iter("APP", [("APP_MESSAGE", "hi")]);
    Config::loader().env(env).args(args).once()
}

/// The program's own command.
fn own(args: &[&str], prefix: &str) -> Result<clap::ArgMatches, clap::Error> {
    let names = FlagNames::new().prefix(prefix).env("APP");
    let command = Config::augment_with(Command::new("app"), &names);
    command.try_get_matches_from(["app"].iter().chain(args))
}

#[test]
fn h8_a_secret_on_a_command_line_is_refused_with_the_reason_and_the_remedy() {
    for (args, flag, remedies) in [
        (
            &["--signing-key", "hunter2"][..],
            "--signing-key",
            &[
                "in a mounted Secret, as `signing-key`",
                "in a file that APP_SIGNING_KEY_FILE names",
                "as APP_SIGNING_KEY",
            ][..],
        ),
        (&["--signing-key=hunter2"], "--signing-key", &[]),
        (&["--signing_key=hunter2"], "--signing-key", &[]),
        (&["--signing.key", "hunter2"], "--signing-key", &[]),
        (&["--signing-key", "-hunter2"], "--signing-key", &[]),
        (&["--signing-key", "--hunter2"], "--signing-key", &[]),
        (&["--signing-key", ""], "--signing-key", &[]),
        (
            &["--message=x", "--pin", "hunter2"],
            "--pin",
            &["as OWN_PIN"],
        ),
        (
            &["--several=hunter2,b"],
            "--several",
            &["in a configuration file"],
        ),
        (&["--by-name=a=hunter2"], "--by-name", &["as APP_BY_NAME"]),
        (
            &["--database.password=hunter2"],
            "--database.password",
            &["as APP_DATABASE_PASSWORD", "as `database.password`"],
        ),
        (&["--login={user: hunter2}"], "--login", &[]),
        (
            &["--login.user=hunter2"],
            "--login.user",
            &["as APP_LOGIN_USER"],
        ),
    ] {
        let told = parse(args).unwrap_err();
        let told = format!("{told} {told:?} {}", told.report(true));
        assert!(!told.contains(MARK), "{told}");
        let reason = "everybody on this machine can read the arguments of a process (`ps`, /proc)";
        for part in [&*format!("{flag} is refused"), reason]
            .iter()
            .chain(remedies)
        {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    let told = parse(&["--several=hunter2"]).unwrap_err().to_string();
    assert!(
        !told.contains("APP_SEVERAL give") && !told.contains("mounted"),
        "{told}"
    );
}

#[test]
fn h8_it_is_refused_in_the_program_s_own_command_as_well() {
    for (prefix, flag) in [("", "--signing-key"), ("config", "--config.signing-key")] {
        for args in [
            vec![format!("{flag}=hunter2")],
            vec![flag.to_owned(), "hunter2".to_owned()],
        ] {
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            let error = own(&args, prefix).unwrap_err();
            let told = format!("{error} {error:?} {}", error.render().ansi());
            assert!(!told.contains(MARK), "{told}");
            assert!(told.contains(&format!("{flag} is refused")), "{told}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}

#[test]
fn h8_a_misspelt_flag_is_told_without_its_value() {
    for args in [
        &["--signing-kee", "hunter2"][..],
        &["--signing-kee=hunter2"],
        &["--signingkey=hunter2"],
        &["--SIGNING_KEY=hunter2"],
        &["-signing-key=hunter2"],
        &["signing-key=hunter2"],
        &["SIGNING_KEY=hunter2"],
        &["--never=hunter2"],
        &["--never", "hunter2"],
        &["--signing-key"],
        &["--signing-key=hunter2", "--signing-key=hunter2"],
    ] {
        let error = parse(args).unwrap_err();
        let told = format!("{error} {error:?} {}", error.report(true));
        assert!(!told.contains(MARK), "{args:?}: {told}");
    }
    // A control: what is no secret is quoted.
    let told = parse(&["--signing-kee"]).unwrap_err().to_string();
    assert!(told.contains("--signing-kee"), "{told}");
    let told = parse(&["more-words"]).unwrap_err().to_string();
    assert!(told.contains("more-words"), "{told}");
}

#[test]
fn help_shows_no_flag_that_is_refused() {
    let help = own(&["--help"], "").unwrap_err().to_string();
    for flag in [
        "--signing-key",
        "--pin",
        "--several",
        "--by-name",
        "--database",
        "--login",
        "--never",
    ] {
        assert!(!help.contains(flag), "{flag}: {help}");
    }
    assert!(
        help.contains("--message") && help.contains("--token"),
        "{help}"
    );
    assert!(!help.contains(MARK), "{help}");
}

#[test]
fn h8_a_field_may_allow_it() {
    let config = parse(&["--token=hunter2"]).unwrap();
    assert_eq!(config.token.expose(), MARK);
    let matches = own(&["--token", "hunter2"], "").unwrap();
    let flags = Flags::new(&matches);
    let shown = format!("{flags:?}") + &format!("{:?}", Config::loader().flags(flags));
    assert!(!shown.contains(MARK), "{shown}");
    let live = Config::loader()
        .args(["app", "--token=hunter2"])
        .watch()
        .unwrap();
    let shown = format!(
        "{:?} {:?} {:?}",
        live.status(),
        live.explain_all(),
        live.load()
    );
    assert!(!shown.contains(MARK), "{shown}");
    assert!(shown.contains("--token"), "{shown}");
}

#[test]
fn a_program_may_have_a_flag_of_its_own_for_what_is_none_here() {
    let own = clap::Arg::new("own").long("signing-key");
    let command = Config::augment(Command::new("app").arg(own));
    let matches = command
        .try_get_matches_from(["app", "--signing-key=x"])
        .unwrap();
    assert_eq!(matches.get_one::<String>("own").unwrap(), "x");
    let config = Config::loader().flags(&matches).once().unwrap();
    assert_eq!(config.signing_key.expose(), "none");
}
