//! F8 at random: whatever is edited, what runs and what waits is what a simple model says.
#![allow(missing_docs)]

mod support;

use proptest::prelude::*;
use retune::Retune;
use support::Volume;
use support::pending::{Line, pending, waits};
use tempfile::tempdir;

/// `0` is not given: the default holds.
#[derive(Debug, Retune)]
#[retune(validate = fits)]
struct Random {
    #[retune(default = 5, restart)]
    a: u16,
    inner: Inner,
    #[retune(default = 5)]
    c: u16,
}

#[derive(Debug, Retune)]
struct Inner {
    #[retune(default = 5, restart)]
    b: u16,
}

fn fits(config: &Random) -> Result<(), &'static str> {
    match good([config.a, config.inner.b, config.c]) {
        true => Ok(()),
        false => Err("too much"),
    }
}

fn good([a, b, c]: [u16; 3]) -> bool {
    a + b + c < 20
}

/// What a replica runs: the restart fields from its start, the others from the last edit that was
/// good, as it stood and with those.
#[derive(Debug)]
struct Model {
    start: [u16; 2],
    running: [u16; 3],
    pending: Vec<Line>,
}

fn apply(model: &mut Model, edit: [u16; 3]) {
    let edit = edit.map(|n| if n == 0 { 5 } else { n });
    let [a, b, c] = edit;
    let [x, y] = model.start;
    if good(edit) && good([x, y, c]) {
        model.running = [x, y, c];
        let waiting = [("a", x, a), ("inner.b", y, b)].into_iter();
        let waiting = waiting.filter(|(_, old, new)| old != new);
        let lines = waiting.map(|(path, old, new)| waits(path, &old.to_string(), &new.to_string()));
        model.pending = lines.collect();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f8_random_edits_run_as_a_simple_model_says(
        edits in prop::collection::vec((prop::array::uniform3(0_u16..9), any::<bool>()), 1..20),
    ) {
        let dir = tempdir().unwrap();
        let volume = Volume::new(dir.path().join("v"), &[]);
        // In a document or as keys, quoted or not: the writing makes no difference.
        let write = |[a, b, c]: [u16; 3], as_keys: bool| {
            let given = [("a", a), ("inner.b", b), ("c", c)].into_iter();
            let given: Vec<_> = given.filter(|(_, n)| *n > 0).map(|(k, n)| (k, n.to_string())).collect();
            let mut keys: Vec<_> = given.iter().map(|(key, n)| (*key, &**n)).collect();
            let line = |(key, n): &(&str, String)| match key.strip_prefix("inner.") {
                Some(key) => format!("inner: {{{key}: '{n}'}}\n"),
                None => format!("{key}: {n}\n"),
            };
            let document = given.iter().map(line).collect::<String>();
            if !as_keys {
                keys.clear();
            }
            let empty = as_keys || document.is_empty();
            keys.push(("app.yaml", if empty { "{}" } else { &document }));
            volume.publish(&keys);
        };
        write([1, 1, 1], false);
        let live = Random::loader().mount(volume.not_secret()).watch().unwrap();
        let mut model = Model { start: [1, 1], running: [1, 1, 1], pending: vec![] };
        for (edit, as_keys) in edits {
            write(edit, as_keys);
            // Refused or not, it has been seen.
            _ = live.reload();
            apply(&mut model, edit);
            let running = live.with(|r| [r.a, r.inner.b, r.c]);
            prop_assert_eq!(running, model.running);
            prop_assert_eq!(&pending(&live), &model.pending);
        }
    }
}
