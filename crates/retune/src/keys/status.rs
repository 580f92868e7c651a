//! What can be known of a signer.

use std::time::SystemTime;

/// What can be known of a [`Signer`](crate::Signer).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignerStatus {
    /// The configuration's generation.
    pub generation: u64,
    /// Id of the key that signs.
    pub kid: String,
    /// Why it is that one.
    pub by: SignedBy,
    /// Every key, from the oldest to the newest.
    pub keys: Vec<KeyStatus>,
}

/// Why a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedBy {
    /// The configuration names it as `active`, whoever has it.
    Active,
    /// It is the newest that everybody has who was asked.
    Confirmed,
    /// No key is known to be with everybody: it is what signed before, or the oldest.
    Unconfirmed,
}

/// What can be known of one key of a [`Signer`](crate::Signer).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyStatus {
    /// Its id.
    pub kid: String,
    /// Since when this process has it.
    pub since: SystemTime,
    /// Since when everybody has it, if that is known. What is older than the key that signs is not asked
    /// about.
    pub confirmed: Option<SystemTime>,
    /// How often it was asked about.
    pub asked: u64,
    /// Who did not have it when it was asked about last.
    pub lacking: Option<String>,
    /// Since when an answer is awaited. One that never comes is why nothing goes on.
    pub asking: Option<SystemTime>,
}

// === impl SignerStatus ===

impl SignerStatus {
    /// Keys that are newer than the one that signs: they wait until everybody has them, or until
    /// `active` names one of them.
    pub fn waiting(&self) -> impl Iterator<Item = &KeyStatus> {
        self.keys.iter().filter(|key| key.kid > self.kid)
    }
}
