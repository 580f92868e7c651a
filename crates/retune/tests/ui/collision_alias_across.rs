use retune::Retune;

#[derive(Retune)]
struct Config {
    #[retune(alias = "pg")]
    db: Option<Db>,
    pg_url: String,
}

#[derive(Retune)]
struct Db {
    #[retune(alias = "url")]
    address: String,
}

fn main() {}
