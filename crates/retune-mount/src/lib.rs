//! Consistent reads, watching and publishing of mounted configuration volumes.
#![forbid(unsafe_code)]
