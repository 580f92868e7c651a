use retune::Retune;

struct Url;

#[derive(Retune)]
struct Config {
    #[retune(from_str)]
    urls: Vec<Url>,
}

fn main() {}
