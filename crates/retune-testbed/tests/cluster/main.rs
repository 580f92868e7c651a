//! What holds on a real cluster: pods that a real kubelet starts, and whose volumes it writes.
//!
//! One program for all, so that the tests share a cluster and wait at the same time.
#![allow(missing_docs, reason = "tests")]

mod aging;
mod bed;
mod examples;
mod files;
mod kubelet;
mod nodes;
mod orphans;
mod random;
mod values;
mod volumes;
