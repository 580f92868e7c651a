use retune::Retune;

struct Url;

#[derive(Retune)]
struct Config {
    url: Url,
}

fn main() {}
