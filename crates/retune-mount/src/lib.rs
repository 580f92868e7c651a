//! Consistent reads, watching and publishing of mounted configuration volumes.
#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!("retune-mount needs a Unix: it reads by directory descriptors");

mod arm;
mod dir;
mod engine;
mod error;
mod limits;
mod pins;
mod platform;
mod publish;
mod read;
mod settle;
mod signal;
mod snapshot;
mod stamp;
mod state;
mod walk;
mod watch;

pub use engine::{Health, health, wait_until_stopped};
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use pins::Pins;
#[doc(hidden)]
pub use publish::Step;
pub use publish::{LinkOrder, Published, Publisher};
pub use read::read_once;
pub use signal::{Noticed, NoticedBy, Signal, Wake};
pub use snapshot::{Kind, Snapshot, lag};
pub use state::{PathState, PollReason};
pub use watch::{Reading, Watch};
