//! Precedence at random: whatever the layers give, the highest one that gives a value wins.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use proptest::prelude::*;
use retune::Retune;
use retune::source::Env;
use tempfile::tempdir;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = 0)]
    a: u32,
    #[retune(default = 0)]
    b: u32,
    nested: Nested,
    labels: BTreeMap<String, u32>,
}

#[derive(Debug, Retune)]
struct Nested {
    #[retune(default = 0)]
    c: u32,
    #[retune(default = 0)]
    d: u32,
}

/// What a layer says of each of `a`, `b`, `nested.c`, `nested.d`, `labels.x`, `labels.Y`.
type Layer = [Option<Said>; 6];

#[derive(Clone, Copy, Debug)]
enum Said {
    Value(u32),
    /// Clears what is below; only documents can say it.
    Null,
}

fn document(layer: &Layer) -> String {
    let mut text = String::from("{}\n");
    let line = |name: &str, said: Option<Said>| match said {
        None => String::new(),
        Some(Said::Value(value)) => format!("{name}: {value}, "),
        Some(Said::Null) => format!("{name}: null, "),
    };
    let [a, b, c, d, x, y] = *layer;
    text.clear();
    write!(
        text,
        "{{ {}{}nested: {{ {}{}}}, labels: {{ {}{}}} }}",
        line("a", a),
        line("b", b),
        line("c", c),
        line("d", d),
        line("x", x),
        line("Y", y)
    )
    .unwrap();
    text
}

fn values(layer: &Layer, names: [&'static str; 6]) -> Vec<(&'static str, String)> {
    let given = names.into_iter().zip(layer);
    given
        .filter_map(|(name, said)| match said {
            Some(Said::Value(value)) => Some((name, value.to_string())),
            _ => None,
        })
        .collect()
}

fn layer() -> impl Strategy<Value = Layer> {
    let said = prop_oneof![
        3 => Just(None),
        3 => (1_u32..1000).prop_map(|n| Some(Said::Value(n))),
        1 => Just(Some(Said::Null)),
    ];
    prop::array::uniform6(said)
}

/// The highest word on a value; nothing after a null.
fn expected(layers: &[Layer], value: usize) -> Option<u32> {
    let said = layers.iter().rev().find_map(|layer| layer[value])?;
    match said {
        Said::Value(value) => Some(value),
        Said::Null => None,
    }
}

const KEYS: [&str; 6] = ["a", "b", "nested.c", "nested.d", "labels.x", "labels.Y"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn e1_d18_the_highest_layer_that_says_something_wins(
        mut layers in prop::collection::vec(layer(), 1..6),
        as_keys in any::<bool>(),
        env in prop::option::of(layer()),
        code in prop::option::of(layer()),
    ) {
        let dir = tempdir().unwrap();
        let mut loader = Config::loader();
        for (n, layer) in layers.iter_mut().enumerate() {
            // A volume of keys cannot say null.
            if as_keys && n % 2 == 1 {
                let volume = dir.path().join(n.to_string());
                for said in layer.iter_mut() {
                    *said = said.filter(|said| matches!(said, Said::Value(_)));
                }
                fs::create_dir(&volume).unwrap();
                for (key, value) in values(layer, KEYS) {
                    fs::write(volume.join(key), value).unwrap();
                }
                loader = loader.mount(volume);
            } else {
                let file = dir.path().join(format!("{n}.yaml"));
                fs::write(&file, document(layer)).unwrap();
                loader = loader.file(file);
            }
        }
        if let Some(layer) = env {
            let names = ["APP_A", "APP_B", "APP_NESTED_C", "APP_NESTED_D", "-", "-"];
            let pairs: Vec<_> = values(&layer, names);
            let mut said = layer.map(|said| said.filter(|said| matches!(said, Said::Value(_))));
            said[4..].fill(None);
            loader = loader.env(Env::from_iter("APP", pairs));
            layers.push(said);
        }
        if let Some(layer) = code {
            for (name, value) in values(&layer, KEYS) {
                loader = loader.set(name, &value);
            }
            layers.push(layer.map(|said| said.filter(|said| matches!(said, Said::Value(_)))));
        }
        let config = loader.once().unwrap();
        let found = [
            Some(config.a),
            Some(config.b),
            Some(config.nested.c),
            Some(config.nested.d),
            config.labels.get("x").copied(),
            config.labels.get("Y").copied(),
        ];
        for (value, found) in found.into_iter().enumerate() {
            let default = (value < 4).then_some(0);
            prop_assert_eq!(found, expected(&layers, value).or(default), "{}", KEYS[value]);
        }
    }
}
