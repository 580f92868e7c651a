use retune::Retune;

#[derive(Retune)]
struct Tuple(u16);

#[derive(Retune)]
struct Unit;

#[derive(Retune)]
union Union {
    a: u16,
}

#[derive(Retune)]
struct Generic<T> {
    field: T,
}

#[derive(Retune)]
struct Borrowed<'a> {
    field: &'a str,
}

#[derive(Retune)]
enum Empty {}

#[derive(Retune)]
enum Pairs {
    Pair(u16, u16),
}

fn main() {}
