//! What the others are compared with.

fn main() {
    println!("hello");
}
