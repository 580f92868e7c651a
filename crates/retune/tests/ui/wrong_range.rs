use std::time::Duration;

use retune::Retune;

#[derive(Retune)]
struct Config {
    #[retune(range = 5)]
    no_range: u16,
    #[retune(range = ..)]
    every: u16,
    #[retune(range = 1..=MOST)]
    constant: u16,
    #[retune(range = "1s".."1m")]
    texts: Duration,
    #[retune(range = 1..=5, from_str)]
    by_itself: u16,
    #[retune(range = 1..=5, range = 2..)]
    twice: u16,
}

const MOST: u16 = 5;

fn main() {}
