use retune::Retune;

#[derive(Retune)]
#[retune(rename_all = "kebab-case")]
struct Container {
    field: u16,
}

#[derive(Retune)]
struct Field {
    #[retune(defualt = 5)]
    misspelt: u16,
    #[retune(nested)]
    nested: Container,
    #[retune(default, raw, flatten)]
    third: u16,
}

#[derive(Retune)]
enum Variant {
    #[retune(default)]
    A,
    B(#[retune(default = 1)] u16),
}

fn main() {}
