use retune::{Retune, Secret};

#[derive(Retune)]
enum Backend {
    None,
    Remote { tls: Tls, tls_key: Secret<String> },
}

#[derive(Retune)]
struct Tls {
    key: String,
}

fn main() {}
