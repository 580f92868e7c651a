use retune::{Retune, Rotating, Secret};

#[derive(Retune)]
struct Words {
    #[retune(overlap)]
    nothing: Rotating<u16>,
    #[retune(overlap = 10)]
    number: Rotating<u16>,
    #[retune(overlap = "10")]
    no_unit: Rotating<u16>,
    #[retune(overlap = "10s 1m")]
    order: Rotating<u16>,
    #[retune(overlap = "0s")]
    none: Rotating<u16>,
    #[retune(overlap = "1s", overlap = "2s")]
    twice: Rotating<u16>,
    #[retune(overlap = "1s", default = make())]
    by_code: Rotating<Secret<u16>>,
}

fn main() {}
