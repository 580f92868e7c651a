//! The YAML, TOML and JSON of one value decode alike; `fuzz/` asks the same of more values.
#![cfg(all(feature = "json", feature = "toml", feature = "yaml"))]
#![allow(missing_docs)]

#[path = "support/every_shape.rs"]
mod every_shape;
#[path = "support/three_ways.rs"]
mod three_ways;

use every_shape::Every;
use proptest::prelude::*;
use retune::Retune;
use serde_json::{Map, Value};
use three_ways::decode_alike;

fn value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec!["a", "5", "no", "30s", "64Mi", "a, b", "{host: x}", ""]);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (0..300).prop_map(Value::from),
        // Numbers that JSON has.
        (-1e300..1e300).prop_map(Value::from),
        word.prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            map(inner).prop_map(Value::Object),
        ]
    })
}

fn map(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let fields = Every::SCHEMA.fields.iter().map(|field| field.outside);
    let inner = [
        "host",
        "deep-number",
        "on-its-own",
        "file",
        "current",
        "previous",
    ];
    let names: Vec<_> = fields.chain(inner).collect();
    let key = prop_oneof![
        4 => prop::sample::select(names).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec((key, value), 0..5).prop_map(|entries| entries.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_value_decodes_alike_from_yaml_json_and_toml(top in map(value())) {
        decode_alike(&top).map_err(TestCaseError::fail)?;
    }
}
