use retune::Retune;

#[derive(Retune)]
struct Config {
    db: Db,
    db_host: DbHost,
}

#[derive(Retune)]
struct Db {
    host_name: String,
}

#[derive(Retune)]
struct DbHost {
    name: Option<String>,
}

fn main() {}
