//! Whether all that a source gives is secret.

use retune_mount::Snapshot;

/// Whether all that a source gives is secret: as the program says, or else by where it lies.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Secrecy(Option<bool>);

// === impl Secrecy ===

impl Secrecy {
    pub(super) const SECRET: Self = Self(Some(true));
    pub(super) const NOT_SECRET: Self = Self(Some(false));

    /// The kubelet keeps in memory what is not to be seen, so that no disk ever holds it.
    pub(super) fn of(self, snapshot: &Snapshot) -> bool {
        self.0.unwrap_or(snapshot.is_in_memory())
    }

    /// What lies nowhere is secret only where the program says so.
    pub(super) fn is_said(self) -> bool {
        self.0 == Some(true)
    }
}
