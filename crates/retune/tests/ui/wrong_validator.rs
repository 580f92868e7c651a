use retune::Retune;

#[derive(Retune)]
struct Config {
    #[retune(validate = is_odd)]
    odd: u16,
    #[retune(validate = takes_text)]
    number: Option<u16>,
}

fn is_odd(value: &u16) -> bool {
    value % 2 == 1
}

fn takes_text(_: &str) -> Result<(), String> {
    Ok(())
}

fn main() {}
