//! Validators of fields and of the whole.

use super::super::testing::{decode, env, map, refusal};
use crate::{Retune, Secret};

fn positive(value: &i32) -> Result<(), String> {
    if *value > 0 {
        Ok(())
    } else {
        Err(format!("{value} is not positive"))
    }
}

fn short(text: &str) -> Result<(), &'static str> {
    if text.len() < 5 {
        Ok(())
    } else {
        Err("longer than 4 bytes")
    }
}

impl Checked {
    fn in_order(&self) -> Result<(), String> {
        if self.low <= self.high {
            Ok(())
        } else {
            Err("`low` is above `high`".into())
        }
    }
}

#[derive(Debug, Retune)]
#[retune(validate = Checked::in_order, validate = |checked| quoting(&checked.key))]
struct Checked {
    #[retune(default = 1, validate = positive)]
    low: i32,
    #[retune(default = 9, validate = positive, validate = |v: &i32| odd(*v))]
    high: i32,
    #[retune(validate = short)]
    name: Option<String>,
    #[retune(default = "none", validate = |name| short(name).map_err(|e| format!("{name}: {e}")))]
    label: String,
    #[retune(default = "good", validate = quoting)]
    key: Secret<String>,
}

fn odd(value: i32) -> Result<(), &'static str> {
    if value % 2 == 1 {
        Ok(())
    } else {
        Err("must be odd")
    }
}

fn quoting(key: &Secret<String>) -> Result<(), String> {
    if key.expose() == "good" {
        Ok(())
    } else {
        Err(format!("{} is bad", key.expose()))
    }
}

#[test]
fn f6_fields_and_then_the_whole_are_checked() {
    let checked: Checked = decode(map([("name", env("abcd"))])).unwrap();
    assert_eq!(
        (checked.name.as_deref(), &*checked.label),
        (Some("abcd"), "none")
    );
    let told = |node| {
        let problems = decode::<Checked>(node).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told(map([("low", env("11"))])), ["`low` is above `high`"]);
    // The whole is only checked when each field has passed.
    assert_eq!(
        told(map([
            ("low", env("-1")),
            ("high", env("-2")),
            ("name", env("abcde"))
        ])),
        [
            "APP_X: `low`: -1 is not positive",
            "APP_X: `high`: -2 is not positive",
            "APP_X: `high`: must be odd",
            "APP_X: `name`: longer than 4 bytes",
        ]
    );
    // A field that did not decode keeps no other from being checked.
    assert_eq!(told(map([("low", env("x")), ("high", env("2"))])).len(), 2);
}

#[test]
fn h1_a_check_does_not_tell_a_secret() {
    let told = refusal::<Checked>(map([("key", env("hunter2"))]));
    assert_eq!(told, "APP_X: `key`: [redacted] is bad");
    let told = refusal::<Checked>(map([("label", env("hunter2").into_secret())]));
    assert_eq!(
        told,
        "APP_X: `label`: refused by its check, whose reason may quote the secret"
    );
}
