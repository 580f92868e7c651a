//! Group E: how sources are told apart by prefixes, what separates items, and what a field does not take.
#![allow(missing_docs, dead_code)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use retune::source::{Env, File};
use retune::{Live, Loader, Retune, Secret};
use support::{Volume, eventually, lines, until_ok, until_rejected, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    port: u16,
    token: Option<Secret<String>>,
}

fn env(variables: &[(&str, &str)]) -> Env {
    Env::from_iter("APP", variables.iter().copied())
}

fn file(dir: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

// --- prefixes

#[test]
fn variables_that_name_files_may_have_a_prefix_of_their_own() {
    let dir = tempdir().unwrap();
    let (by_file, other) = (file(&dir, "m", "file\n"), file(&dir, "o", "other\n"));
    let variables = [
        ("APP_PORT", "1"),
        ("MOUNTED_MESSAGE_FILE", &*by_file),
        ("MOUNTED_TOKN_FILE", "/nowhere"),
        // Under the other prefix it names no file.
        ("APP_MESSAGE_FILE", &*other),
        ("MOUNTED_PORT", "2"),
    ];
    let live = Config::loader()
        .env(env(&variables).file_prefix("MOUNTED_"))
        .watch();
    let live = live.unwrap();
    live.with(|config| assert_eq!((&*config.message, config.port), ("file", 1)));
    let told = warnings(&live);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("APP_MESSAGE_FILE"), "{told:?}");
    assert!(
        told[1].contains("did you mean `MOUNTED_TOKEN_FILE`?"),
        "{told:?}"
    );
}

#[test]
fn files_that_variables_name_are_left_out_or_are_all_that_is_read() {
    let dir = tempdir().unwrap();
    let by_file = file(&dir, "m", "file");
    let variables = [("APP_MESSAGE_FILE", &*by_file), ("APP_PORT", "1")];
    let read = |env: Env| Config::loader().env(env).watch().unwrap();
    let values = |live: &Live<Config>| live.with(|c| (c.message.clone(), c.port));

    let without = read(env(&variables).without_files());
    assert_eq!(values(&without), ("none".into(), 1));
    let told = warnings(&without);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["APP_MESSAGE_FILE", "not taken from files", "APP_MESSAGE)"] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }

    let only = read(env(&variables).only_files());
    assert_eq!(values(&only), ("file".into(), 80));
    let told = warnings(&only);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "APP_PORT",
        "not taken from variables",
        "APP_PORT_FILE names",
    ] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    let explained = only.explain("port").unwrap().to_string();
    assert!(
        explained.contains("ignores APP_PORT: not taken"),
        "{explained}"
    );
    let strict = Config::loader().env(env(&variables).only_files()).strict();
    assert!(strict.once().is_err());

    // A missing value's help names what there is.
    #[derive(Debug, Retune)]
    struct Needs {
        name: String,
    }
    let help = |env: Env| Needs::loader().env(env).once().unwrap_err().to_string();
    assert!(help(env(&[])).contains("as the variable APP_NAME"));
    let only = help(env(&[]).only_files());
    assert!(
        only.contains("in a file that the variable APP_NAME_FILE names"),
        "{only}"
    );
}

#[test]
fn of_a_field_and_one_called_like_its_file_each_is_found_when_only_files_are_read() {
    #[derive(Debug, Retune)]
    struct Tls {
        #[retune(default = "inline")]
        cert: String,
        #[retune(default = "none")]
        cert_file: String,
    }
    let dir = tempdir().unwrap();
    let path = file(&dir, "tls.crt", "PEM");
    let only = env(&[("APP_CERT_FILE", &path)]).only_files();
    let config = Tls::loader().env(only).once().unwrap();
    assert_eq!((&*config.cert, &*config.cert_file), ("PEM", "none"));
}

#[test]
fn a_dotenv_file_made_for_a_prefix_binds_as_the_environment_would() {
    let dir = tempdir().unwrap();
    let content = "export APP_PORT=9090\nAPP_MESSAGE='from .env'\nRUST_LOG=debug\nPORT=1\n\
                   APP_PROT=2\nAPP_TOKEN_FILE=/etc/shadow\n";
    for name in [".env", ".env.local", ".env.production", "app.env"] {
        let path = file(&dir, name, content);
        let live = Config::loader()
            .file(File::new(&path).prefix("APP"))
            .watch();
        let live = live.unwrap();
        live.with(|c| assert_eq!((&*c.message, c.port), ("from .env", 9090)));
        assert!(live.with(|c| c.token.is_none()));
        let told = warnings(&live);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("`APP_PROT`"), "{told:?}");
        assert!(told[0].contains("did you mean `APP_PORT`?"), "{told:?}");
        assert!(told[1].contains("names no file here"), "{told:?}");
    }
    let path = file(&dir, "app.yaml", "port: 1");
    let error = Config::loader().file(File::new(&path).prefix("APP")).once();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("a prefix is for the names of a `.env` file"),
        "{error}"
    );
}

#[test]
fn a_volume_s_dotenv_for_one_place_overrides_the_common_one() {
    let dir = tempdir().unwrap();
    let keys = [
        (".env", "PORT=1\nMESSAGE=all\n"),
        (".env.local", "PORT=2\n"),
    ];
    let volume = Volume::new(dir.path().join("v"), &keys);
    let config = Config::loader().mount(volume.path()).once().unwrap();
    assert_eq!((&*config.message, config.port), ("all", 2));
}

// --- separators

#[derive(Debug, Retune)]
struct Lists {
    #[retune(default = "x,y")]
    plain: Vec<String>,
    #[retune(default = "x;y", separator = ';')]
    own: Vec<String>,
    #[retune(default, separator = "|")]
    map: BTreeMap<String, Vec<u8>>,
    #[retune(default)]
    weights: BTreeMap<String, u32>,
    nested: Nested,
}

#[derive(Debug, Retune)]
struct Nested {
    #[retune(default)]
    plain: Vec<u32>,
    #[retune(default, separator = '/')]
    own: Vec<u32>,
}

#[test]
fn d9_a_separator_is_chosen_for_all_texts_and_a_field_s_own_comes_first() {
    let variables = [
        ("PLAIN", "a,1 : b:"),
        ("OWN", "a,1;b:2"),
        ("MAP", "a=x,y|b=z"),
        ("WEIGHTS", "a=1:b=2"),
        ("NESTED", "{plain: '1:2', own: 3/4}"),
    ];
    let env = || Env::from_iter("", variables);
    let lists = Lists::loader().separator(':').env(env()).once().unwrap();
    assert_eq!(lists.plain, ["a,1", "b"]);
    assert_eq!(lists.own, ["a,1", "b:2"]);
    assert_eq!(lists.map["a"], b"x,y");
    assert_eq!(lists.map["b"], b"z");
    assert_eq!(lists.weights.into_values().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        (&*lists.nested.plain, &*lists.nested.own),
        (&[1, 2][..], &[3, 4][..])
    );
    let lists = Lists::loader().env(env()).once().unwrap_err();
    assert!(lists.to_string().contains("WEIGHTS"), "{lists}");
}

#[test]
fn d9_defaults_brackets_and_lists_of_documents_are_not_concerned() {
    let lists = Lists::loader().separator(':').once().unwrap();
    assert_eq!(
        (&*lists.plain, &*lists.own),
        (
            &["x".to_owned(), "y".into()][..],
            &["x".to_owned(), "y".into()][..]
        )
    );
    let dir = tempdir().unwrap();
    let document = "plain: [a, 'b:c']\nown: 'd;e,f'\nnested: {plain: 1:2}\n";
    let lists = Lists::loader()
        .separator(':')
        .file(file(&dir, "c.yaml", document))
        .env(Env::from_iter("", [("OWN", "[g, h]")]));
    let lists = lists.once().unwrap();
    assert_eq!(
        (&*lists.plain, &*lists.own),
        (
            &["a".to_owned(), "b:c".into()][..],
            &["g".to_owned(), "h".into()][..]
        )
    );
    assert_eq!(
        lists.nested.plain,
        [1, 2],
        "a text for a list is one in a document as well"
    );
}

#[test]
fn d9_keys_of_volumes_dotenv_files_and_what_variables_name_are_split_by_it_too() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[("plain", "a:b\nc\n"), (".env", "OWN=d;e\n")],
    );
    let loader = Lists::loader().separator(':').mount(volume.path());
    let lists = loader.once().unwrap();
    assert_eq!(
        (&*lists.plain.join("+"), &*lists.own.join("+")),
        ("a+b+c", "d+e")
    );
    let path = file(&dir, "plain", "f:g");
    let loader = Lists::loader()
        .separator(':')
        .env(env(&[("APP_PLAIN_FILE", &path)]));
    assert_eq!(loader.once().unwrap().plain, ["f", "g"]);
}

// --- what a field does not take

#[derive(Debug, Retune)]
struct Picky {
    /// Never on a line that others read.
    #[retune(default = "none", not_from(env, flags))]
    key: String,
    /// Not by a file that somebody names.
    #[retune(default = "none", not_from(env_file))]
    name: String,
    /// From variables alone.
    #[retune(default = "none", not_from(file, mount, closure))]
    node: String,
    #[retune(not_from(env, env_file, flags))]
    database: Database,
}

#[derive(Debug, Retune)]
struct Database {
    #[retune(default = "localhost")]
    host: String,
}

#[test]
fn a_value_given_in_a_way_that_its_field_does_not_take_is_ignored_with_a_warning() {
    let dir = tempdir().unwrap();
    let key = file(&dir, "key", "by file");
    let variables = [
        ("APP_KEY", "variable"),
        ("APP_KEY_FILE", &*key),
        // What is not taken is not read, so that it need not be there.
        ("APP_NAME_FILE", "/nowhere"),
        ("APP_NODE", "node-1"),
        ("APP_DATABASE_HOST", "db"),
        ("APP_DATABASE", "{host: db}"),
    ];
    let document = file(&dir, "c.yaml", "node: file\ndatabase: {host: db-2}\n");
    let volume = Volume::new(dir.path().join("v"), &[("node", "mount")]);
    let live = Picky::loader()
        .file(document)
        .mount(volume.path())
        .env(env(&variables))
        .watch()
        .unwrap();
    live.with(|config| {
        assert_eq!((&*config.key, &*config.name), ("by file", "none"));
        assert_eq!((&*config.node, &*config.database.host), ("node-1", "db-2"));
    });
    let told = warnings(&live);
    let expected = [
        "c.yaml:1:1: `node`: not taken from files: it is ignored (give it as the variable APP_NODE)",
        "v/node:1:1: `node`: not taken from mounts",
        "APP_DATABASE: `database`: not taken from variables",
        "APP_DATABASE_HOST: `database.host`: not taken from variables: it is ignored (give it as \
         `database.host` in a file or mount)",
        "APP_KEY: `key`: not taken from variables",
        "APP_NAME_FILE: `name`: not taken from files that variables name",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for part in expected {
        assert!(
            told.iter().any(|line| line.contains(part)),
            "{part}: {told:#?}"
        );
    }
    let explained = live.explain("node").unwrap().to_string();
    assert!(
        explained.contains("ignores") && explained.contains("from mounts"),
        "{explained}"
    );
    #[derive(Debug, Retune)]
    struct Guarded {
        #[retune(not_from(mount, file))]
        password: Secret<String>,
    }
    let volume = Volume::new(
        dir.path().join("w"),
        &[("password", "hunter2"), ("passwrod", "hunter2")],
    );
    let document = file(&dir, "d.yaml", "password: hunter2\n");
    let error = Guarded::loader().mount(volume.path()).file(document).once();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("not taken from mounts") && error.contains("passwrod"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
    let strict = Picky::loader().env(env(&[("APP_KEY", "hunter2")])).strict();
    let error = strict.once().unwrap_err().to_string();
    assert!(
        error.contains("APP_KEY") && !error.contains("hunter2"),
        "{error}"
    );
}

// --- empty variables, and files that may be missing

#[test]
fn e3_an_empty_variable_is_an_empty_value_or_by_choice_none() {
    let dir = tempdir().unwrap();
    let path = file(&dir, "message", "by file");
    let variables = [("APP_MESSAGE", ""), ("APP_PORT", "1")];
    let set = Config::loader().env(env(&variables)).once().unwrap();
    assert_eq!((&*set.message, set.port), ("", 1));
    let unset = Config::loader().env(env(&variables).empty_is_unset());
    let unset = unset.once().unwrap();
    assert_eq!((&*unset.message, unset.port), ("none", 1));
    // It hides no file, and one that names none is none.
    let both = [
        ("APP_MESSAGE", ""),
        ("APP_MESSAGE_FILE", &*path),
        ("APP_TOKEN_FILE", ""),
    ];
    let live = Config::loader()
        .env(env(&both).empty_is_unset())
        .watch()
        .unwrap();
    assert_eq!(live.with(|c| c.message.clone()), "by file");
    assert_eq!(warnings(&live), [""; 0]);
}

#[test]
fn e9_a_file_must_be_there_at_the_start_and_its_loss_keeps_what_it_gave() {
    let dir = tempdir().unwrap();
    let path = file(&dir, "c.yaml", "message: one\n");
    let live = Config::loader().file(&*path).watch().unwrap();
    let optional = Config::loader().file(File::new(&path).optional()).watch();
    let optional = optional.unwrap();
    fs::remove_file(&path).unwrap();
    let told = until_rejected(&live);
    assert!(told[0].contains("c.yaml: no such file"), "{told:?}");
    assert_eq!(live.with(|c| c.message.clone()), "one");
    eventually("the default", || optional.with(|c| c.message == "none"));
    assert_eq!(support::rejection(&optional), [""; 0]);
    fs::write(&path, "message: two\n").unwrap();
    until_ok(&live);
    for live in [&live, &optional] {
        eventually("it is back", || live.with(|c| c.message == "two"));
    }
}

#[test]
fn e9_a_file_that_a_variable_names_must_be_there_unless_it_is_optional() {
    let dir = tempdir().unwrap();
    let path = file(&dir, "message", "one\n");
    let named = [("APP_MESSAGE_FILE", &*path)];
    let load = |env: Env| -> Loader<Config> { Config::loader().env(env) };
    let live = load(env(&named)).watch().unwrap();
    let optional = load(env(&named).optional_files()).watch().unwrap();
    fs::remove_file(&path).unwrap();
    let told = until_rejected(&live);
    assert!(
        told[0].contains("APP_MESSAGE_FILE") && told[0].contains("no such file"),
        "{told:?}"
    );
    assert_eq!(live.with(|c| c.message.clone()), "one");
    eventually("the default", || optional.with(|c| c.message == "none"));
    assert_eq!(support::rejection(&optional), [""; 0]);

    let error = load(env(&named)).once().unwrap_err();
    let told = lines(error.problems());
    assert!(told[0].contains("no such file"), "{told:?}");
    let late = load(env(&named).optional_files()).watch().unwrap();
    assert_eq!(late.with(|c| c.message.clone()), "none");
    fs::write(&path, "two\n").unwrap();
    until_ok(&live);
    for live in [&live, &optional, &late] {
        eventually("it is there", || live.with(|c| c.message == "two"));
    }
}

// --- flags

#[cfg(feature = "clap")]
mod flags {
    use clap::Command;
    use clap::error::ErrorKind;
    use retune::source::{FlagNames, Flags};

    use super::*;

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

    #[test]
    fn a_field_that_takes_no_flag_has_none() {
        let mut command = Picky::augment_with_env(Command::new("app"), "APP");
        let help = command.render_long_help().to_string();
        for (flag, there) in [
            ("--key", false),
            ("--database.host", false),
            ("--name", true),
        ] {
            assert_eq!(help.contains(flag), there, "{flag}: {help}");
        }
        assert!(help.contains("[env: APP_NODE]"), "{help}");
        let error = command
            .try_get_matches_from(["app", "--key=1"])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownArgument);
    }

    #[test]
    fn d9_flags_are_split_by_the_chosen_separator() {
        let args = ["app", "--list", "a,1|b"];
        let table = Table::loader().args(args).separator('|').once().unwrap();
        assert_eq!(table.list, ["a,1", "b"]);
    }
}
