use std::collections::BTreeMap;

use retune::Retune;

#[derive(Retune)]
struct Backend {
    #[retune(restart)]
    address: String,
}

#[derive(Retune)]
enum Store {
    None,
    Remote { #[retune(restart)] url: String },
}

#[derive(Retune)]
struct List {
    backends: Option<Vec<Backend>>,
}

#[derive(Retune)]
struct Map {
    backends: BTreeMap<String, Backend>,
}

#[derive(Retune)]
struct Choice {
    store: Store,
}

#[derive(Retune)]
struct Whole {
    #[retune(restart)]
    backends: Vec<Backend>,
    #[retune(restart)]
    store: Store,
    one: Backend,
    other: Option<Backend>,
}

fn main() {}
