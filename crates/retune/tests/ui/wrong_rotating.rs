use std::collections::BTreeMap;

use retune::{Retune, Rotating, Secret};

#[derive(Retune)]
struct NoOverlap {
    key: Rotating<String>,
}

#[derive(Retune)]
struct NotRotating {
    #[retune(overlap = "10m")]
    key: String,
}

#[derive(Retune)]
struct Restart {
    #[retune(overlap = "10m", restart)]
    key: Rotating<String>,
}

#[derive(Retune)]
struct Good {
    #[retune(overlap = "10m")]
    key: Option<Rotating<Secret<String>>>,
}

#[derive(Retune)]
struct BelowRestart {
    #[retune(restart)]
    good: Good,
}

#[derive(Retune)]
struct Items {
    goods: Vec<Good>,
}

#[derive(Retune)]
struct Variants {
    choice: Choice,
}

#[derive(Retune)]
enum Choice {
    None,
    One { #[retune(overlap = "1s")] key: Rotating<u8> },
}

#[derive(Retune)]
struct Twofold {
    #[retune(overlap = "10m")]
    good: Rotating<Good>,
}

#[derive(Retune)]
struct OfOption {
    #[retune(overlap = "10m")]
    key: Rotating<Option<u8>>,
}

#[derive(Retune)]
struct OfMap {
    #[retune(overlap = "10m")]
    keys: Rotating<Secret<BTreeMap<String, u8>>>,
}

#[derive(Retune)]
struct Taken {
    #[retune(default = 1, alias = "Previous")]
    old: u8,
}

#[derive(Retune)]
struct OfTaken {
    #[retune(overlap = "10m")]
    taken: Rotating<Taken>,
}

#[derive(Retune)]
struct Beside {
    #[retune(overlap = "10m")]
    key: Rotating<u8>,
    #[retune(default = 1)]
    key_previous: u8,
}

#[derive(Retune)]
struct Right {
    one: Good,
    maybe: Option<Good>,
    #[retune(overlap = "until told", default = 1)]
    word: Rotating<u8>,
}

fn main() {}
