use retune::Retune;

#[derive(Retune)]
struct Config {
    #[retune(default = seconds(30))]
    timeout: std::time::Duration,
    #[retune(default)]
    level: Level,
}

#[derive(Retune)]
enum Level {
    Info,
}

const fn seconds(seconds: u64) -> u64 {
    seconds
}

fn main() {}
