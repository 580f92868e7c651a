//! What the tests on a real cluster share: a cluster, a namespace for each test, and what is in it.
//!
//! `cargo xtask cluster-test` starts a cluster with [`TestBed`] and runs the tests on it. They find
//! it by the environment, so that any other cluster will do as well:
//!
//! | variable | what it says |
//! |---|---|
//! | `KUBECONFIG` | the cluster; never guessed, so that no test runs on a cluster by mistake |
//! | `RETUNE_TESTBED` | the test bed's program; without it, `kubectl` is the one in `PATH` |
//! | `RETUNE_TESTBED_DIR` | the folder of the test bed's run; without it the nodes are out of reach |
//! | `RETUNE_TESTBED_IMAGE` | the image of the pods, `retune-testbed:nonroot` if not given |
//! | `RETUNE_TESTBED_KEEP` | if set, namespaces stay after their tests |
//! | `RETUNE_TESTBED_SEED` | the random edits of a run that is to be repeated; each run prints its own |
//!
//! ```no_run
//! use retune_testbed::{Namespace, Pod, check, wait};
//!
//! let namespace = Namespace::new("a1");
//! let config = namespace.config_map("config");
//! config.set(&[("log-level", "warn")]);
//! let pod = namespace.start(&Pod::new("p").args(&["serve", "--mount", "/etc/config"]).config_map_volume("config", "/etc/config"));
//! config.set(&[("log-level", "info")]);
//! pod.nudge();
//! wait("the pod has the new level", || {
//!     let status = pod.get_json("/configz")?;
//!     check(status["generation"] == 2, status)
//! });
//! ```
//!
//! # Panics
//!
//! What a test *does* (make a namespace, apply, set, delete, wait) fails the test where it stands,
//! by a panic that says what went wrong; there is nothing else a test could do about it. What a test
//! *looks at* (a log, a page, a status) is a [`Result`], since [`wait`] looks again. [`Cluster`]
//! gives a `Result` for everything, for tests that expect a refusal.
#![forbid(unsafe_code)]

mod bed;
mod cluster;
mod data;
mod error;
pub mod fingerprint;
mod http;
mod kubectl;
pub mod lag;
mod manifest;
mod namespace;
mod nodes;
mod objects;
mod pod;
mod proxy;
#[cfg(target_os = "linux")]
pub mod recorder;
mod report;
mod spare;
mod wait;

pub use bed::{DEFAULT_DIR, TestBed, TestBedBuilder};
pub use cluster::Cluster;
pub use data::Data;
pub use error::{Error, Result};
pub use kubectl::Kubectl;
pub use manifest::{Pod, image};
pub use namespace::Namespace;
pub use nodes::{Node, Nodes, left_out};
pub use objects::Manifests;
pub use pod::PodRef;
pub use spare::Spare;
pub use wait::{Condition, PATIENCE, check, wait, wait_for};
