//! `range`: the numbers that a field takes.

use std::collections::BTreeMap;
use std::num::NonZeroI8;

use retune::{Problem, Retune, Secret};

#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Limits {
    #[retune(range = 1..=100, default = 4)]
    workers: u16,
    #[retune(range = 10.., default = 10)]
    open_end: u8,
    #[retune(range = -5..5, default = 1)]
    without_zero: NonZeroI8,
    #[retune(range = 0..1, default = 0.5)]
    ratio: f32,
    #[retune(range = ..=0.5, default = 0)]
    half: f64,
    #[retune(range = 1..=340_282_366_920_938_463_463_374_607_431_768_211_455, default = 1)]
    huge: u128,
    #[retune(range = 1..=9)]
    maybe: Option<u64>,
    #[retune(range = 1..=9, default)]
    several: Vec<Option<i32>>,
    #[retune(range = 1..=9, default)]
    weights: BTreeMap<String, u8>,
    #[retune(range = 1..=9)]
    pin: Option<Secret<u32>>,
    #[retune(default)]
    nested: Vec<Nested>,
}

#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Nested {
    #[retune(default = 500)]
    free: u32,
    #[retune(range = 2..)]
    bound: u32,
}

fn problems(name: &str, text: &str) -> Vec<String> {
    match Limits::loader().set(name, text).once() {
        Ok(_) => Vec::new(),
        Err(error) => {
            let problems = error.problems().iter().map(Problem::message);
            problems.map(str::to_owned).collect()
        }
    }
}

#[test]
fn d7_a_number_out_of_its_range_is_refused_and_told_the_range() {
    for (name, text, message) in [
        (
            "workers",
            "250",
            "expected a whole number, 1 to 100, found \"250\": out of range",
        ),
        (
            "workers",
            "0",
            "expected a whole number, 1 to 100, found \"0\": out of range",
        ),
        (
            "workers",
            "ten",
            "expected a whole number, 1 to 100, found \"ten\"",
        ),
        (
            "open-end",
            "9",
            "expected a whole number, 10 to 255, found \"9\": out of range",
        ),
        (
            "without-zero",
            "5",
            "expected a whole number, -5 to 4 without 0, found \"5\": out of range",
        ),
        (
            "without-zero",
            "0",
            "expected a whole number, -5 to 4 without 0, found \"0\": out of range",
        ),
        (
            "ratio",
            "1",
            "expected a number, 0 to below 1, found \"1\": out of range",
        ),
        (
            "ratio",
            "-0.1",
            "expected a number, 0 to below 1, found \"-0.1\": out of range",
        ),
        (
            "half",
            "0.6",
            "expected a number, 0.5 or less, found \"0.6\": out of range",
        ),
        (
            "maybe",
            "10",
            "expected a whole number, 1 to 9, found \"10\": out of range",
        ),
        (
            "several",
            "[5, null, 10]",
            "expected a whole number, 1 to 9, found \"10\": out of range",
        ),
        (
            "weights",
            "a=0",
            "expected a whole number, 1 to 9, found \"0\": out of range",
        ),
        (
            "pin",
            "1234",
            "not what was expected: a whole number, 1 to 9",
        ),
        (
            "nested",
            "[{bound: 1}]",
            "expected a whole number, 2 to 4294967295, found \"1\": out of range",
        ),
        (
            "nested",
            "[{}]",
            "missing: expected a whole number, 2 to 4294967295",
        ),
    ] {
        assert_eq!(problems(name, text), [message], "{name}");
    }
}

#[test]
fn d7_the_ends_of_a_range_are_in_it_unless_it_is_half_open() {
    for (name, text) in [
        ("workers", "1"),
        ("workers", "100"),
        ("open-end", "255"),
        ("without-zero", "-5"),
        ("without-zero", "4"),
        ("ratio", "0"),
        ("ratio", "0.9999"),
        ("half", "-1e300"),
        ("half", "0.5"),
        ("huge", "340282366920938463463374607431768211455"),
        ("maybe", "9"),
        ("several", "1, 9"),
        ("pin", "9"),
        ("nested", "[{bound: 2, free: 1000}]"),
    ] {
        assert_eq!(problems(name, text), [""; 0], "{name}={text}");
    }
}

#[test]
fn a_default_out_of_its_range_is_a_problem_as_well() {
    #[derive(Debug, Retune)]
    struct Config {
        #[retune(default = 0, range = 1..)]
        workers: u16,
    }
    let error = Config::loader()
        .once()
        .map(|config| config.workers)
        .unwrap_err();
    assert_eq!(error.problems()[0].path(), "workers");
}

#[cfg(feature = "clap")]
#[test]
fn the_help_names_the_range() {
    let help = Limits::augment(clap::Command::new("x"))
        .render_long_help()
        .to_string();
    assert!(help.contains("[range: 1 to 100] [default: 4]"), "{help}");
    assert!(help.contains("[range: 0 to below 1]"), "{help}");
}
