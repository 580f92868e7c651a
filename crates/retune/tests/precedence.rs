//! Group E: which source wins, and what is told of the others.
#![allow(missing_docs, dead_code)]

mod support;

use std::fs;

use retune::source::{Env, Mount};
use retune::{Live, Loader, Retune};
use support::{Notes, Volume, eventually, until_ok, warnings};
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "default")]
    message: String,
    #[retune(default = 80)]
    port: u16,
    feature_flags: FeatureFlags,
}

#[derive(Debug, Retune)]
struct FeatureFlags {
    #[retune(default = false)]
    new_ui: bool,
}

fn explained(live: &Live<Config>, path: &str) -> Vec<(String, String)> {
    let explained = live.explain(path).unwrap();
    let all = explained.winner.into_iter().chain(explained.losers);
    all.map(|given| (given.value, given.origin.to_string()))
        .collect()
}

#[test]
fn e1_the_highest_of_any_subset_of_layers_wins() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "message: file").unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("message", "mount")]);
    const LAYERS: [&str; 4] = ["file", "mount", "env", "code"];
    for subset in 0_u32..16 {
        let given = |layer: usize| subset & (1 << layer) != 0;
        let mut loader: Loader<Config> = Config::loader();
        if given(0) {
            loader = loader.file(file.as_path());
        }
        if given(1) {
            loader = loader.mount(volume.not_secret());
        }
        if given(2) {
            loader = loader.env(Env::from_iter("APP", [("APP_MESSAGE", "env")]));
        }
        if given(3) {
            loader = loader.set("message", "code");
        }
        let live = loader.watch().unwrap();
        let mut expected: Vec<_> = (0..4)
            .rev()
            .filter(|n| given(*n))
            .map(|n| LAYERS[n])
            .collect();
        expected.push("default");
        let found = explained(&live, "message");
        let values: Vec<_> = found.iter().map(|(value, _)| value.as_str()).collect();
        assert_eq!(values, expected, "subset {subset:04b}");
        assert_eq!(live.with(|c| c.message.clone()), expected[0]);
    }
}

#[test]
fn e5_a_change_below_a_variable_is_no_note_and_explain_shows_it() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "message: one\nport: 1\n").unwrap();
    let live = Config::loader()
        .file(file.as_path())
        .env(Env::from_iter("APP", [("APP_MESSAGE", "env")]))
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    support::replace(&file, "message: two\nport: 1\n");
    eventually("the shadowed change is known", || {
        explained(&live, "message")[1].0 == "two"
    });
    assert_eq!(live.status().generation, 1);
    support::replace(&file, "message: two\nport: 2\n");
    notes.until_last(("env".into(), 2));
    assert_eq!(notes.all().len(), 2);
    // A file below the environment masks nothing that is mounted.
    assert_eq!(warnings(&live), [""; 0]);
}

#[test]
fn e8_a_single_key_wins_over_a_document_of_its_volume_and_explain_shows_both() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(
        dir.path().join("v"),
        &[
            ("config.yaml", "message: document\nport: 1\n"),
            ("message", "key"),
        ],
    );
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let found = explained(&live, "message");
    let values: Vec<_> = found.iter().map(|(value, _)| value.as_str()).collect();
    assert_eq!(values, ["key", "document", "default"]);
    assert!(found[1].1.ends_with("v/config.yaml:1:10"), "{found:?}");
    assert_eq!(live.with(|c| c.port), 1);
}

#[test]
fn e8_of_a_configmap_and_a_secret_the_later_wins_and_the_secret_s_value_is_shown_in_neither_case() {
    let dir = tempdir().unwrap();
    let config = Volume::new(dir.path().join("config"), &[("message", "plain")]);
    let both = [("message", "hunter2"), ("port", "81")];
    let creds = Volume::new(dir.path().join("creds"), &both);
    let secret = || Mount::new(creds.path()).secret();
    let order = |live: &Live<Config>| {
        let explained = live.explain("message").unwrap();
        let all = explained.winner.into_iter().chain(explained.losers);
        all.map(|given| (given.value, given.secret, given.origin.to_string()))
            .collect::<Vec<_>>()
    };
    let place = |volume: &Volume| format!("{}:1:1", volume.key("message").display());
    let hidden = || ("[redacted]".to_owned(), true);
    let shown = || ("plain".to_owned(), false);
    let at = |(value, secret): (String, bool), place: &str| (value, secret, place.to_owned());
    let (at_config, at_creds) = (place(&config), place(&creds));
    // The type's default comes after both.
    let default = at(("default".to_owned(), false), "default");

    let below = Config::loader().mount(secret()).mount(config.not_secret());
    let below = below.watch().unwrap();
    assert_eq!(below.with(|c| c.message.clone()), "plain");
    let expected = [at(shown(), &at_config), at(hidden(), &at_creds), default];
    assert_eq!(order(&below), expected);

    let above = Config::loader().mount(config.not_secret()).mount(secret());
    let above = above.watch().unwrap();
    assert_eq!(above.with(|c| c.message.clone()), "hunter2");
    assert_eq!(order(&above)[0], at(hidden(), &at_creds));
    assert_eq!(order(&above)[1], at(shown(), &at_config));

    // Removed from the Secret, it falls to the ConfigMap, and what it was is still not told.
    creds.publish(&[("port", "81")]);
    eventually("the plain one", || above.with(|c| c.message == "plain"));
    let told = format!("{:?} {:?}", above.status(), above.explain_all());
    assert!(
        told.contains("plain") && told.contains("[redacted]"),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn e10_configurations_of_one_process_share_nothing() {
    let dir = tempdir().unwrap();
    let volumes = ["a", "b"].map(|name| Volume::new(dir.path().join(name), &[("message", name)]));
    let lives = [0, 1].map(|n: usize| {
        let prefix = ["A", "B"][n];
        let variable = format!("{prefix}_PORT");
        Config::loader()
            .mount(volumes[n].not_secret())
            .env(Env::from_iter(prefix, [(variable, (n + 1).to_string())]))
            .watch()
            .unwrap()
    });
    volumes[0].publish(&[("message", "changed")]);
    eventually("one changes", || lives[0].with(|c| c.message == "changed"));
    lives[0].stop().unwrap();
    volumes[1].publish(&[("message", "too")]);
    eventually("the other one as well", || {
        lives[1].with(|c| c.message == "too")
    });
    assert_eq!(lives.each_ref().map(|live| live.with(|c| c.port)), [1, 2]);
    assert_eq!(
        lives.each_ref().map(|live| live.status().generation),
        [2, 2]
    );
    assert_eq!(lives[0].with(|c| c.message.clone()), "changed");
}

#[test]
fn a_file_above_the_environment_is_a_warning_of_the_order() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "port: 1").unwrap();
    let env = || Env::from_iter("APP", [("APP_PORT", "2")]);
    let live = Config::loader().env(env()).file(file.as_path()).watch();
    let live = live.unwrap();
    assert_eq!(
        live.with(|c| c.port),
        1,
        "the order in the code is what counts"
    );
    let told = warnings(&live);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["c.yaml", "env APP_*", "later"] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    let usual = Config::loader().file(file.as_path()).env(env()).watch();
    assert_eq!(warnings(&usual.unwrap()), [""; 0]);
}

#[test]
fn values_set_while_running_are_one_generation_each_and_win() {
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &[("port", "1")]);
    let live = Config::loader()
        .mount(volume.not_secret())
        .set("message", "from the start")
        .watch()
        .unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    assert_eq!(live.set("port", "2").unwrap(), 2);
    notes.until_last(("from the start".into(), 2));
    assert_eq!(live.set("message", "by hand").unwrap(), 3);
    notes.until_last(("by hand".into(), 2));
    // The same again is the same generation.
    assert_eq!(live.set("message", "by hand").unwrap(), 3);
    volume.publish(&[("port", "7")]);
    eventually("the edit below is known", || {
        explained(&live, "port")
            .iter()
            .any(|(value, _)| value == "7")
    });
    assert_eq!(live.unset("port").unwrap(), 4);
    notes.until_last(("by hand".into(), 7));
    assert_eq!(live.unset("message").unwrap(), 5);
    notes.until_last(("from the start".into(), 7));
    assert_eq!(
        live.unset("message").unwrap(),
        5,
        "nothing was set any more"
    );
    assert_eq!(notes.all().len(), 5);
    assert_eq!(warnings(&live), [""; 0]);
}

#[test]
fn a_value_is_set_and_unset_by_any_writing_of_its_name() {
    let live = Config::loader()
        .set("feature-flags.newUI", "false")
        .set("FEATURE_FLAGS_NEW_UI", "true")
        .watch()
        .unwrap();
    assert!(
        live.with(|c| c.feature_flags.new_ui),
        "the later one counts"
    );
    assert_eq!(live.set("featureFlags.newUi", "false").unwrap(), 2);
    assert_eq!(live.set("feature_flags.new_ui", "true").unwrap(), 3);
    assert_eq!(live.unset("FEATURE_FLAGS_NEW_UI").unwrap(), 3);
    assert_eq!(explained(&live, "feature_flags.new_ui")[0].0, "true");
    let origins = explained(&live, "feature_flags.new_ui");
    assert_eq!(
        origins.len(),
        2,
        "one source by code, and the default: {origins:?}"
    );
}

#[test]
fn a_value_set_by_code_that_is_refused_is_not_kept_and_leaves_no_trace() {
    let live = Config::loader().watch().unwrap();
    let error = live.set("port", "70000").unwrap_err().to_string();
    for part in ["port", "70000", "65535", "precedence.rs"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let error = live.set("prot", "1").unwrap_err().to_string();
    assert!(error.contains("did you mean `port`?"), "{error}");
    assert!(!error.contains("ignored"), "{error}");
    until_ok(&live);
    assert_eq!(live.status().generation, 1);
    assert_eq!(live.set("port", "1").unwrap(), 2);
    live.set("port", "70000").unwrap_err();
    assert_eq!(live.with(|c| c.port), 1, "the value before is kept");
    assert_eq!(live.reload().unwrap(), 2);
}

#[cfg(feature = "clap")]
mod flags {
    use super::*;
    use std::collections::BTreeMap;

    use clap::error::ErrorKind;
    use clap::{Arg, Command};
    use retune::Secret;

    #[derive(Debug, Retune)]
    struct Server {
        /// How many.
        #[retune(default = 1)]
        count: i32,
        /// Where to listen.
        #[retune(default = 80)]
        port: u16,
        /// The new one.
        #[retune(default = false)]
        new_ui: bool,
        #[retune(default = "")]
        names: Vec<String>,
        #[retune(default = "")]
        weights: BTreeMap<String, u32>,
    }

    fn parse(args: &[&str]) -> Result<clap::ArgMatches, clap::Error> {
        let command = Command::new("server").arg(Arg::new("input").num_args(0..));
        let args = std::iter::once("server").chain(args.iter().copied());
        Server::augment(command).try_get_matches_from(args)
    }

    fn load(args: &[&str]) -> Server {
        let matches = parse(args).unwrap();
        Server::loader().flags(&matches).once().unwrap()
    }

    #[derive(Debug, Retune)]
    struct Required {
        message: String,
    }

    /// The message that a type gets from those of file, environment and flags that give one; an error's
    /// text if there is none.
    fn message_of<T: Retune>(subset: u32, message: fn(T) -> String) -> Result<String, String> {
        let dir = tempdir().unwrap();
        let file = dir.path().join("c.yaml");
        fs::write(&file, "message: file").unwrap();
        let given = |layer: u32| subset & (1 << layer) != 0;
        let mut loader: Loader<T> = T::loader();
        if given(0) {
            loader = loader.file(file.as_path());
        }
        if given(1) {
            loader = loader.env(Env::from_iter("APP", [("APP_MESSAGE", "env")]));
        }
        let flag = given(2).then_some("--message=flag");
        let args = ["app"].into_iter().chain(flag);
        let loaded = loader.args(args).once();
        loaded.map(message).map_err(|error| error.to_string())
    }

    #[test]
    fn e1_flags_are_above_every_subset_of_default_file_and_environment() {
        for subset in 0_u32..8 {
            let highest = ["flag", "env", "file"]
                .into_iter()
                .zip([4, 2, 1])
                .find_map(|(layer, bit)| (subset & bit != 0).then_some(layer));
            let with_default = message_of::<Config>(subset, |config| config.message);
            let expected = highest.unwrap_or("default");
            assert_eq!(with_default.as_deref(), Ok(expected), "{subset:03b}");
            let without = message_of::<Required>(subset, |config| config.message);
            match highest {
                Some(layer) => assert_eq!(without.as_deref(), Ok(layer), "{subset:03b}"),
                None => assert!(without.unwrap_err().contains("`message`: missing")),
            }
        }
    }

    #[test]
    fn e6_unknown_and_near_flags_are_refused() {
        for wrong in ["--no-port=7", "--portx=1", "--new-uiX", "-p"] {
            let error = parse(&[wrong]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnknownArgument, "{wrong}");
        }
        let error = Server::loader().args(["server", "--portx=1"]).once();
        let error = error.unwrap_err().to_string();
        assert!(error.contains("--portx"), "{error}");
    }

    #[test]
    fn e7_values_signs_and_positionals_are_as_in_clap() {
        assert_eq!(load(&["--count", "7"]).count, 7);
        assert_eq!(load(&["--count=7"]).count, 7);
        assert_eq!(load(&["--count", "-10"]).count, -10);
        let bare = load(&["--new-ui", "positional"]);
        assert!(bare.new_ui);
        assert!(!load(&["--new-ui=false"]).new_ui);
        assert_eq!(load(&["--", "--count=7"]).count, 1);
        let matches = parse(&["--new-ui", "a", "--", "--count"]).unwrap();
        let rest: Vec<_> = matches.get_many::<String>("input").unwrap().collect();
        assert_eq!(rest, ["a", "--count"]);
        assert_eq!(load(&["--names", "a,b"]).names, ["a", "b"]);
        assert_eq!(load(&["--names=a,b", "--names=c,d"]).names, ["a,b", "c,d"]);
        assert!(load(&["--names="]).names.is_empty());
        let weights = load(&["--weights", "{a: 1}", "--weights=b=2, c=3"]).weights;
        assert_eq!(weights.into_values().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[derive(Debug, Retune)]
    struct Guarded {
        #[retune(default = "a=hunter2")]
        keys: BTreeMap<String, Secret<String>>,
        #[retune(default)]
        several: Vec<Secret<String>>,
        #[retune(default = "memory")]
        sessions: Sessions,
        #[retune(default = "{redis: {password: hunter2}}")]
        others: Sessions,
        #[retune(default)]
        names: Vec<String>,
    }

    #[derive(Debug, Retune)]
    enum Sessions {
        Memory,
        Redis { password: Secret<String> },
    }

    #[test]
    fn h1_h2_what_may_hold_a_secret_has_no_flag_and_shows_no_default() {
        let help = Guarded::augment(Command::new("x")).render_long_help();
        let help = help.to_string();
        assert!(help.contains("--names"), "{help}");
        assert!(help.contains("[default: []]"), "{help}");
        for hidden in ["--keys", "--several", "--sessions", "--others", "hunter2"] {
            assert!(!help.contains(hidden), "{hidden}: {help}");
        }
        let live = Guarded::loader().watch().unwrap();
        let told = format!("{:?}", live.explain_all());
        assert!(!told.contains("hunter2"), "{told}");
        let default = |path: &str| live.explain(path).unwrap().winner.unwrap();
        assert!(default("others").secret && default("keys").secret);
        assert_eq!(default("sessions").value, "memory");
    }

    #[test]
    fn a_wrong_flag_is_told_with_its_dashes() {
        let matches = parse(&["--port=99999"]).unwrap();
        let error = Server::loader().flags(&matches).once().unwrap_err();
        let line = error.problems()[0].to_string();
        assert!(line.starts_with("--port: `port`: "), "{line}");
        assert!(line.contains("65535"), "{line}");
    }
}
