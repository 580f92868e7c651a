//! Changes a running service's configuration and secrets without restarting it.
#![forbid(unsafe_code)]
