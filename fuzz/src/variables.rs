//! Environment variables.

use retune::source::Env;
use retune::{Error, Retune};

use crate::every_shape::Every;
use crate::told::{hold, tells_no_secret};

/// Variables, one a line: `APP_TEXT=a`.
pub fn variables(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let variables = text.lines().filter_map(|line| line.split_once('='));
    let variables: Vec<_> = variables.collect();
    for prefix in ["APP", ""] {
        if let Err(error) = load(prefix, &variables, false) {
            hold(&error);
        }
    }
    tells_no_secret(data, |key, pin| {
        let mut variables = variables.clone();
        variables.extend([("APP_KEY", key), ("APP_PIN", pin)]);
        load("APP", &variables, true)
    });
}

/// Without files: a variable must not make the target read whatever it names.
fn load(prefix: &str, variables: &[(&str, &str)], strict: bool) -> Result<Every, Error> {
    let variables = variables.iter().copied();
    let env = Env::from_iter(prefix, variables).without_files();
    let loader = Every::loader().set("text", "a").set("key", "k").env(env);
    let loader = if strict { loader.strict() } else { loader };
    loader.once()
}
