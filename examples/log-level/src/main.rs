//! Two services whose log level follows a mounted ConfigMap.
#![forbid(unsafe_code)]

fn main() {}
