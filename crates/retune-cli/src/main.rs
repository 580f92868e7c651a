//! Command-line tools of retune.
#![forbid(unsafe_code)]

fn main() {}
