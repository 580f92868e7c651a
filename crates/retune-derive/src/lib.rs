//! The derive macro of retune.
#![forbid(unsafe_code)]
