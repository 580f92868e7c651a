//! Keys that have ids, and which of them signs.

mod promotion;
mod set;
mod signer;
mod status;

pub use set::KeySet;
pub use signer::Signer;
pub use status::{KeyStatus, SignedBy, SignerStatus};
