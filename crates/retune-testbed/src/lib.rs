//! Tests of retune on a cluster.
#![forbid(unsafe_code)]

pub mod recorder;
