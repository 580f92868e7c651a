//! Group E: flags as clap writes them, their prefixes, and two configurations in one command.
#![cfg(feature = "clap")]
#![allow(missing_docs, dead_code)]

use clap::Command;
use retune::source::{FlagNames, Flags};

use retune::Retune;

/// The types of the seed's table of flags.
#[derive(Debug, PartialEq, Retune)]
struct Table {
    #[retune(default = false)]
    enabled: bool,
    #[retune(default = 0)]
    number: i32,
    #[retune(default = "")]
    text: String,
    #[retune(default)]
    list: Vec<String>,
    #[retune(default = 80)]
    port: u16,
    #[retune(default = "info")]
    log_level: String,
}

fn parse(args: &[&str]) -> Result<Table, retune::Error> {
    let args = std::iter::once("app").chain(args.iter().copied());
    Table::loader().args(args).once()
}

fn table() -> Table {
    parse(&[]).unwrap()
}

#[test]
fn e7_the_ways_of_writing_a_flag_are_clap_s() {
    let enabled = || Table {
        enabled: true,
        ..table()
    };
    let number = |number| Table { number, ..table() };
    let text = || Table {
        text: "content".into(),
        ..table()
    };
    let list = || Table {
        list: vec!["one".into(), "two".into()],
        ..table()
    };
    for (args, expected) in [
        (&["--enabled"][..], enabled()),
        (&["--enabled=true"], enabled()),
        (&["--enabled=false"], table()),
        (&["--number", "10"], number(10)),
        (&["--number=10"], number(10)),
        (&["--number", "-10"], number(-10)),
        (&["--number=-10"], number(-10)),
        (&["--text", "content"], text()),
        (&["--text=content"], text()),
        (&["--list", "one,two"], list()),
        (&["--list=one,two"], list()),
        (
            &["--enabled", "--text=content"],
            Table {
                enabled: true,
                ..text()
            },
        ),
        (
            &["--enabled", "--text", "content"],
            Table {
                enabled: true,
                ..text()
            },
        ),
    ] {
        assert_eq!(parse(args).unwrap(), expected, "{args:?}");
    }
}

#[test]
fn e6_e7_what_clap_does_not_write_is_a_usage_error_and_never_another_flag_s_value() {
    for args in [
        &["invalid"][..],
        &["-enabled"],
        &["-number", "10"],
        &["-number=10"],
        &["-number", "-10"],
        &["-text=content"],
        &["-list", "one,two"],
        &["-enabled", "-text=content"],
        // A word behind a bool is not its value.
        &["--enabled", "true"],
        &["--enabled", "serve"],
        &["--no-port=7"],
        &["--port-extra=7"],
        &["--log-level-extra=zzz"],
        &["--", "--port=7"],
    ] {
        let error = parse(args).unwrap_err();
        assert!(error.problems().is_empty(), "{args:?}: {error}");
        assert!(
            error.to_string().contains("unexpected argument"),
            "{args:?}: {error}"
        );
    }
    // One that needs a value does not do without.
    assert!(parse(&["--text"]).is_err());
    assert!(parse(&["--text", "a", "--text", "b"]).is_err());
}

#[test]
fn e7_a_word_behind_a_bool_is_the_program_s_own_argument() {
    let command = Command::new("app").subcommand(Command::new("serve"));
    let matches = Table::augment(command).get_matches_from(["app", "--enabled", "serve"]);
    assert_eq!(matches.subcommand_name(), Some("serve"));
    let config = Table::loader().flags(&matches).once().unwrap();
    assert_eq!(
        config,
        Table {
            enabled: true,
            ..table()
        }
    );
}

#[test]
fn flags_may_have_a_prefix_in_a_command_of_the_configuration_s_own() {
    let load = |args: &[&str]| {
        let flags = Flags::parse(args.iter().copied()).prefix("config.");
        Table::loader().env("APP").flags(flags).watch()
    };
    let live = load(&["app", "--config.port=1", "--config.log-level", "warn"]).unwrap();
    live.with(|c| assert_eq!((c.port, &*c.log_level), (1, "warn")));
    let explained = live.explain("port").unwrap().to_string();
    assert!(explained.contains("(--config.port)"), "{explained}");
    let error = load(&["app", "--port=1"]).unwrap_err().to_string();
    assert!(error.contains("unexpected argument '--port'"), "{error}");
    let help = load(&["app", "--help"]).unwrap_err().to_string();
    assert!(help.contains("--config.log-level <LOG_LEVEL>"), "{help}");
    assert!(help.contains("[env: APP_LOG_LEVEL]"), "{help}");

    #[derive(Debug, Retune)]
    struct Needs {
        name: String,
    }
    let error = Needs::loader()
        .flags(Flags::parse(["app"]).prefix("config"))
        .once();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("as the flag --config.name"), "{error}");
}

#[test]
fn e10_two_configurations_share_a_command_by_their_prefixes() {
    let (a, b) = (
        FlagNames::new().prefix("a"),
        FlagNames::new().prefix("b").env("B"),
    );
    let command = Table::augment_with(Command::new("app"), &a);
    let mut command = Table::augment_with(Table::augment(command), &b);
    let help = command.render_long_help().to_string();
    assert!(
        help.contains("--a.port") && help.contains("[env: B_PORT]"),
        "{help}"
    );
    let args = ["app", "--a.port=1", "--port=2", "--b.port=3"];
    let matches = command.try_get_matches_from(args).unwrap();
    let port = |flags: Flags| Table::loader().flags(flags).once().unwrap().port;
    assert_eq!(port(Flags::new(&matches).prefix("a")), 1);
    assert_eq!(port(Flags::new(&matches)), 2);
    assert_eq!(port(Flags::new(&matches).prefix("b")), 3);
    assert_eq!(port(Flags::new(&matches).prefix("c")), 80);
}
