//! The story of `options`, by the real program.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

const ENDPOINTS: &str = "service-1:8080,service-2:8080,service-3:8080";

/// A folder with the file `endpoints`.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new(endpoints: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("endpoints"), endpoints).unwrap();
        Self { dir }
    }

    /// Runs it as the README does.
    fn run(&self, variables: &[(&str, &str)], args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_options"))
            .current_dir(self.dir.path())
            .env_clear()
            .env("ENDPOINTS_FILE", "endpoints")
            .envs(variables.iter().copied())
            .args(args)
            .output()
            .unwrap()
    }

    /// The words of each line that it prints.
    #[track_caller]
    fn values(&self, variables: &[(&str, &str)], args: &[&str]) -> Vec<[String; 3]> {
        let output = self.run(variables, args);
        let errors = text(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{errors}");
        let words = |line: &str| {
            let columns = line.split("  ").map(str::trim);
            let columns: Vec<_> = columns.filter(|column| !column.is_empty()).collect();
            [0, 1, 2].map(|n| columns[n].to_owned())
        };
        text(&output.stdout).lines().map(words).collect()
    }

    fn endpoints_origin(&self) -> String {
        let file = self.dir.path().canonicalize().unwrap().join("endpoints");
        format!("ENDPOINTS_FILE={}:1:1", file.display())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn row(path: &str, value: &str, origin: &str) -> [String; 3] {
    [path, value, origin].map(str::to_owned)
}

#[test]
fn all_four_levels_at_once_and_where_each_value_came_from() {
    let place = Place::new(ENDPOINTS);
    let values = place.values(&[("LOG_LEVEL", "info")], &["--port", "3000"]);
    let endpoints = "[service-1:8080, service-2:8080, service-3:8080]";
    let expected = [
        row("port", "3000", "--port"),
        row("log_level", "info", "LOG_LEVEL"),
        row("timeout", "2m", "default"),
        row("endpoints", endpoints, &place.endpoints_origin()),
    ];
    assert_eq!(values, expected);
    let values = place.values(&[("TIMEOUT", "4m")], &[]);
    assert_eq!(values[2], row("timeout", "4m", "TIMEOUT"));
    assert_eq!(values[0], row("port", "8080", "default"));
}

#[test]
fn the_table_is_aligned() {
    let place = Place::new("a:1\n");
    let output = text(&place.run(&[], &["--log-level=debug"]).stdout);
    let lines: Vec<_> = output.lines().take(3).collect();
    let expected = [
        "port       8080   default",
        "log_level  debug  --log-level",
        "timeout    2m     default",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_flag_is_above_a_variable_and_a_variable_above_the_file_that_another_names() {
    let place = Place::new(ENDPOINTS);
    let output = place.run(&[("ENDPOINTS", "a:1"), ("PORT", "1")], &["--port=2"]);
    assert!(output.status.success());
    let told = text(&output.stdout);
    assert!(told.contains("[a:1]") && told.contains("--port"), "{told}");
    let warning = text(&output.stderr);
    assert!(
        warning.contains("WARN") && warning.contains("the file is not read"),
        "{warning}"
    );
    let values = place.values(&[], &["--endpoints=b:1, c:2"]);
    assert_eq!(values[3], row("endpoints", "[b:1, c:2]", "--endpoints"));
    assert_eq!(place.values(&[], &["--endpoints="])[3][1], "[]");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let place = Place::new("service-1:8080,http://service-2:8080,service-3\n");
    let variables = [("LOG_LEVEL", "verbose"), ("TIMEOUT", "4")];
    let output = place.run(&variables, &["--port", "70000"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let report = text(&output.stderr);
    for part in [
        "flag --port",
        "65535",
        "variable LOG_LEVEL",
        "variable TIMEOUT",
        "`endpoints[1]`",
        "endpoints:1:16",
        "it is no URL",
        "`endpoints[2]`",
        "the port is missing",
        "5 problems",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn a_flag_that_is_none_is_refused_and_the_help_names_the_variables() {
    let place = Place::new(ENDPOINTS);
    for wrong in ["--no-port=7", "--log-level-extra=zzz", "-port", "serve"] {
        let output = place.run(&[], &[wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        let told = text(&output.stderr);
        assert!(told.contains("unexpected argument"), "{told}");
    }
    let help = place.run(&[], &["--help"]);
    assert!(help.status.success());
    let help = text(&help.stdout);
    for part in [
        "--port <PORT>",
        "[default: 8080]",
        "[env: LOG_LEVEL]",
        "The services upstream.",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
