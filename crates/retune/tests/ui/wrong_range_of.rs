use std::time::Duration;

use retune::Retune;

#[derive(Retune)]
struct OfATime {
    #[retune(range = 1..=60)]
    timeout: Duration,
}

#[derive(Retune)]
struct OfBytes {
    #[retune(range = 1..=60)]
    blob: Vec<u8>,
}

#[derive(Retune)]
struct BeyondTheType {
    #[retune(range = 1..=300)]
    level: Option<u8>,
}

#[derive(Retune)]
struct WithAFraction {
    #[retune(range = 0.5..)]
    workers: Vec<u16>,
}

#[derive(Retune)]
struct Empty {
    #[retune(range = 5..5)]
    workers: u16,
    #[retune(range = 1.0..=0.0)]
    ratio: f32,
}

fn main() {}
