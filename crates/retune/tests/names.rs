//! A field's name in every writing that there is of it outside.
#![cfg(all(feature = "clap", feature = "yaml"))]

mod support;

use std::fs;
use std::path::Path;

use retune::source::Env;
use retune::{Loader, Retune};
use support::Volume;

/// Named as Go names them outside: each field is reached by `CamelCase` as well.
#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Config {
    #[retune(default = 0)]
    c: u8,
    #[retune(default = 0)]
    camel: u8,
    #[retune(default = 0)]
    camel_case: u8,
    #[retune(default = 0)]
    one_two_three: u8,
    #[retune(default = 0)]
    database_url: u8,
    #[retune(default = 0)]
    db_endpoints: u8,
    #[retune(default = 0)]
    float32_slice: u8,
}

/// The field's name in Go, and as its flag and variable.
const NAMES: [(&str, &str, &str); 9] = [
    ("c", "c", "C"),
    ("C", "c", "C"),
    ("camel", "camel", "CAMEL"),
    ("Camel", "camel", "CAMEL"),
    ("camelCase", "camel.case", "CAMEL_CASE"),
    ("OneTwoThree", "one.two.three", "ONE_TWO_THREE"),
    ("DatabaseURL", "database.url", "DATABASE_URL"),
    ("DBEndpoints", "db.endpoints", "DB_ENDPOINTS"),
    ("Float32Slice", "float32.slice", "FLOAT32_SLICE"),
];

#[derive(Debug, Retune)]
struct Renamed {
    #[retune(rename = "DatabaseURL", default)]
    url: String,
    #[retune(rename = "Float32Slice", default)]
    floats: Vec<f32>,
}

/// What differs from the default, as the field's name in code.
fn given(loader: Loader<Config>) -> String {
    let live = loader.watch().unwrap();
    assert_eq!(support::warnings(&live), [""; 0]);
    let explained = live.explain_all();
    let is_given = |winner: &retune::Given| winner.value == "7";
    let mut given = explained
        .iter()
        .filter(|one| one.winner.as_ref().is_some_and(is_given));
    let path = given.next().unwrap().path.clone();
    assert!(given.next().is_none(), "{explained:?}");
    path
}

fn by_variable(name: &str, value: &str) -> Loader<Config> {
    Config::loader().env(Env::from_iter("APP", [(format!("APP_{name}"), value)]))
}

fn by_document(directory: &Path, name: &str) -> Loader<Config> {
    let file = directory.join(format!("{name}.yaml"));
    fs::write(&file, format!("{name}: 7")).unwrap();
    Config::loader().file(&*file)
}

fn by_key(directory: &Path, name: &str) -> Loader<Config> {
    let volume = Volume::new(directory.join(name), &[(name, "7\n")]);
    Config::loader().mount(volume.not_secret())
}

#[test]
fn d17_a_name_of_go_reaches_its_field_in_every_writing_and_from_every_source() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let file = directory.join("seven");
    fs::write(&file, "7\n").unwrap();
    let file = file.to_str().unwrap();
    for (go, flag, variable) in NAMES {
        let field = variable.to_lowercase();
        for value in [
            format!("--{flag}=7"),
            format!("--{}=7", flag.replace('.', "-")),
            format!("--{field}=7"),
        ] {
            assert_eq!(
                given(Config::loader().args(["app", &value])),
                field,
                "{value}"
            );
        }
        assert_eq!(given(by_variable(variable, "7")), field);
        assert_eq!(given(by_variable(&format!("{variable}_FILE"), file)), field);
        for name in [go, flag, variable, &field, &field.replace('_', "-")] {
            assert_eq!(
                given(by_document(directory, name)),
                field,
                "{name} in a document"
            );
            assert_eq!(given(by_key(directory, name)), field, "{name} as a key");
            assert_eq!(
                given(Config::loader().set(name, "7")),
                field,
                "{name} in code"
            );
        }
    }
}

#[test]
fn d17_the_help_names_a_field_in_words_however_it_was_renamed() {
    let command = Renamed::augment_with_env(clap::Command::new("app"), "APP");
    let help = command.clone().render_long_help().to_string();
    for shown in [
        "--database-url <DATABASE_URL>",
        "[env: APP_DATABASE_URL]",
        "--float32-slice <FLOAT32_SLICE>",
        "[env: APP_FLOAT32_SLICE]",
    ] {
        assert!(help.contains(shown), "{shown}: {help}");
    }
    let matches = command.get_matches_from(["app", "--database.url=a", "--float32_slice=1,2"]);
    let config = Renamed::loader().flags(&matches).once().unwrap();
    assert_eq!((&*config.url, &*config.floats), ("a", &[1.0, 2.0][..]));
}

#[test]
fn e6_a_program_s_own_flag_goes_before_another_writing_of_a_name() {
    let own = clap::Arg::new("own").long("db.endpoints");
    let command = Config::augment(clap::Command::new("app").arg(own));
    let matches = command.get_matches_from(["app", "--db.endpoints=8", "--db-endpoints=7"]);
    assert_eq!(matches.get_one::<String>("own").unwrap(), "8");
    assert_eq!(given(Config::loader().flags(&matches)), "db_endpoints");
}

#[test]
fn d17_what_is_explained_is_found_again_by_the_path_that_is_told() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default = 0, rename = "LargeNumber")]
        large: u128,
        inner: Inner,
    }
    #[derive(Debug, Retune)]
    struct Inner {
        #[retune(default = 1, rename = "much")]
        few: u8,
    }
    let live = Config::loader().watch().unwrap();
    assert_eq!(live.with(|c| (c.large, c.inner.few)), (0, 1));
    let all = live.explain_all();
    assert_eq!(all.len(), 2);
    for told in all {
        let again = live.explain(&told.path).map(|explanation| explanation.path);
        assert_eq!(again.as_ref(), Some(&told.path));
    }
    for name in ["LargeNumber", "large-number", "inner.much"] {
        assert!(live.explain(name).is_some(), "{name}");
    }
    assert!(live.explain("inner.muhc").is_none());
    assert_eq!(live.nearest("inner.muhc").as_deref(), Some("inner.much"));
    assert_eq!(live.nearest("entirely-else"), None);
}
