//! Every task of the project beyond build, test and demo.
#![forbid(unsafe_code)]

fn main() {}
