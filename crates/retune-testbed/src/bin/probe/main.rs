//! The program that pods of the cluster tests run.
#![forbid(unsafe_code)]

fn main() {}
