//! What a soak records, and what of it has to be flat.
//!
//! The program `soak` runs many configurations under random edits and faults; `cargo xtask soak` starts
//! it and draws what it recorded.
#![forbid(unsafe_code)]

pub mod flat;
pub mod record;
