use retune::Retune;

#[derive(Retune)]
struct Config {
    #[retune(default = b"bytes")]
    bytes: Vec<u8>,
    #[retune(default = 1, default = 2)]
    twice: u16,
    #[retune(default = )]
    nothing: u16,
    #[retune(rename = new)]
    renamed: u16,
    #[retune(from_str, serde)]
    both: u16,
    #[retune(expects = "a number")]
    expects: u16,
    #[retune]
    empty: u16,
    #[retune(validate)]
    unchecked: u16,
    #[retune(separator = "ab")]
    two: Vec<u16>,
    #[retune(separator)]
    none: Vec<u16>,
    #[retune(not_from(envs))]
    nowhere: u16,
}

#[derive(Retune)]
#[retune(validate = check)]
enum Enum {
    A,
}

fn main() {}
