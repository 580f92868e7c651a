//! Status of a retune configuration over HTTP: JSON and Prometheus metrics.
#![forbid(unsafe_code)]
